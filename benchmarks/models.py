"""`measure` against a plain loop that builds the same networks and does the same passes."""

from collections.abc import Callable
from functools import partial
from itertools import pairwise

import pandas as pd
import torch
from torch import nn

from benchmarks.timing import medians
from normplace import measure
from normplace.data.vision import import_torchvision
from normplace.measuring.builders import seeded

INITS, REPEATS = 100, 3
SMALL = "an MLP of 3 hidden layers of 100, 1000 points"


def of_measure() -> pd.DataFrame:
    """Milliseconds a network of `measure`, its trial and layers included, and of the loop."""
    import_torchvision()
    from torchvision.models import resnet18
    from transformers import GPT2Config, GPT2LMHeadModel

    generator = torch.Generator().manual_seed(0)
    config = GPT2Config(
        vocab_size=1000, n_positions=64, n_embd=128, n_layer=4, n_head=4, bos_token_id=None, eos_token_id=None
    )
    tokens = torch.randint(1000, (64, 32), generator=generator)
    models: dict[str, tuple[Callable[[], nn.Module], torch.Tensor, tuple[bool, ...]]] = {
        SMALL: (_mlp, torch.randn(1000, 64, generator=generator), (False,)),
        "ResNet-18, 64 images of 32 pixels": (
            partial(resnet18, num_classes=10),
            torch.randn(64, 3, 32, 32, generator=generator),
            (False, True),
        ),
        "GPT-2 of 4 blocks, width 128, 64 texts of 32 tokens": (partial(GPT2LMHeadModel, config), tokens, (False,)),
    }
    rows = []
    for name, (build, x, modes) in models.items():
        seconds = medians(
            {"measure": partial(measure, build, x, INITS), "loop": partial(_loop, build, x, modes)},
            REPEATS,
            warm_up=False,
        )
        each = {way: 1000 * value / INITS for way, value in seconds.items()}
        rows.append({"model": name, **each, "ratio": each["measure"] / each["loop"]})
    return pd.DataFrame(rows)


def _mlp() -> nn.Module:
    widths = (64, 100, 100, 100)
    hidden = [layer for pair in pairwise(widths) for layer in (nn.Linear(*pair), nn.ReLU())]
    return nn.Sequential(*hidden, nn.Linear(100, 10))


@torch.no_grad()
def _loop(build: Callable[[], nn.Module], x: torch.Tensor, modes: tuple[bool, ...]) -> None:
    """What anyone would write: in training mode if it has BatchNorm, and in eval()."""
    for index in range(INITS):
        with seeded(0, index):
            network = build()
        for training in modes:
            returned = network.train(training)(x)
            outputs = getattr(returned, "logits", returned)
            outputs = outputs[:, -1] if outputs.ndim == 3 else outputs
            outputs.argmax(dim=1).bincount(minlength=outputs.shape[1])
            torch.var_mean(outputs, dim=0)
