"""ResNet-9 at base width 16: images a second on one core, against a plain loop and against its convolutions alone."""

from collections.abc import Callable
from functools import partial

import pandas as pd
import torch
import torch.nn.functional as F
from torch import nn

from benchmarks.timing import medians
from normplace.networks.images import image_network
from normplace.networks.modules import initialise
from normplace.networks.random import network_generator
from normplace.training.optimizers import make_optimizer

IMAGES, BASE_WIDTH, RATE, WEIGHT_DECAY, CLIP = 200, 16, 1e-3, 1e-4, 0.1
REPEATS = 9


def measure() -> pd.DataFrame:
    """Images a second in a training step and forward, BatchNorm before; usual: images and weights as torch has them."""
    images = torch.randn(IMAGES, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(IMAGES) % 2
    networks = [_network() for _ in range(2)]
    networks[1].to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    inputs = [images, images.to(memory_format=torch.channels_last)]
    ours = make_optimizer("adam", networks[1].parameters(), WEIGHT_DECAY)
    ours.learning_rate = RATE
    usual = torch.optim.Adam(networks[0].parameters(), lr=RATE, weight_decay=WEIGHT_DECAY)
    steppers = [usual.step, ours.step]
    shapes = _convolutions(networks[1], inputs[1])
    rows = []
    for what, run in (("step", _step), ("forward", _forward)):
        alternatives: dict[str, Callable[[], object]] = {
            name: partial(run, network, x, labels, stepper)
            for name, network, x, stepper in zip(("usual", "ours"), networks, inputs, steppers, strict=True)
        }
        alternatives["floor"] = partial(_only_convolutions, shapes, backwards=what == "step")
        seconds = medians(alternatives, REPEATS)
        rate = {name: IMAGES / value for name, value in seconds.items()}
        ratios = {"ours / usual": rate["ours"] / rate["usual"], "floor / ours": rate["floor"] / rate["ours"]}
        rows.append({"what": what, **rate, **ratios})
    return pd.DataFrame(rows)


def _network() -> nn.Module:
    network = image_network("resnet9", "batch", "before", (3, 32, 32), 2, BASE_WIDTH)
    initialise(network, network_generator(0, 0))
    return network


def _step(network: nn.Module, x: torch.Tensor, y: torch.Tensor, step: Callable[[], object]) -> None:
    loss = F.cross_entropy(network(x), y)
    loss.item()
    network.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_value_(network.parameters(), CLIP)
    step()


@torch.no_grad()
def _forward(network: nn.Module, x: torch.Tensor, y: torch.Tensor, step: Callable[[], object]) -> None:
    network(x)


def _convolutions(network: nn.Module, x: torch.Tensor) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Input and weight of each convolution."""
    found: list[tuple[torch.Tensor, torch.Tensor]] = []

    def remember(module: nn.Module, inputs: tuple[torch.Tensor], output: torch.Tensor) -> None:
        assert isinstance(module.weight, torch.Tensor)
        found.append((torch.empty_like(inputs[0]).copy_(inputs[0]), module.weight.detach()))  # keeps the channels last

    hooks = [module.register_forward_hook(remember) for module in network.modules() if isinstance(module, nn.Conv2d)]
    with torch.no_grad():
        network(x)
    for hook in hooks:
        hook.remove()
    return found


def _only_convolutions(shapes: list[tuple[torch.Tensor, torch.Tensor]], *, backwards: bool) -> None:
    """All of them, and with `backwards` the gradients of weights and inputs; the first has no gradient to pass on."""
    for position, (x, weight) in enumerate(shapes):
        outputs = F.conv2d(x, weight, padding=1)
        if backwards:
            torch.ops.aten.convolution_backward(
                outputs, x, weight, None, [1, 1], [1, 1], [1, 1], False, [0, 0], 1, [position > 0, True, False]
            )
