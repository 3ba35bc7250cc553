"""The optimisers against torch.optim's classes, bit by bit, and without what those import."""

import subprocess
import sys

import pytest
import torch
from torch import nn

from normplace.training.optimizers import Optimizer, make_optimizer
from normplace.training.plan import OPTIMIZERS

CLASSES: dict[str, type[torch.optim.Optimizer]] = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD}


def trained(name: str, decay: float, *, ours: bool) -> list[torch.Tensor]:
    """The weights of a small network after some steps."""
    generator = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 9, 3))
    parameters = list(network.parameters())
    stepper: Optimizer | torch.optim.Optimizer
    if ours:
        stepper = make_optimizer(name, parameters, decay)
        stepper.learning_rate = 0.01
    else:
        stepper = CLASSES[name](parameters, lr=0.01, weight_decay=decay, fused=True)  # type: ignore[call-arg]
    for _ in range(20):
        network.zero_grad()
        network(torch.randn(8, 2, 5, 5, generator=generator)).square().mean().backward()
        stepper.step()
    return [parameter.detach() for parameter in parameters]


@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_same_weights_as_torchs_own_class(name: str, decay: float) -> None:
    pairs = list(zip(trained(name, decay, ours=True), trained(name, decay, ours=False), strict=True))
    assert all(torch.equal(mine, theirs) for mine, theirs in pairs)
    first = nn.Conv2d(2, 4, 3).weight
    assert not torch.equal(pairs[0][0], first)


@pytest.mark.slow
def test_training_does_not_import_the_compiler() -> None:
    """This is all that the module is for."""
    code = (
        "import sys, torch; from normplace.training.optimizers import Adam; p = torch.nn.Parameter(torch.ones(2)); "
        "p.sum().backward(); Adam([p], .1, 0.0).step(); assert not p.equal(torch.ones(2)); "
        "sys.exit('torch._dynamo' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
