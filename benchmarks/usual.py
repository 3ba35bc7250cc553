"""The usual way, written plainly: what the project's speed is measured against. Uses torch alone."""

from collections.abc import Iterable

import torch
from torch import nn

NORMS = {"batch": nn.BatchNorm1d, "layer": nn.LayerNorm, "rms": nn.RMSNorm}


def network(norm: str, placement: str, depth: int, inputs: int, width: int = 100, classes: int = 2) -> nn.Sequential:
    """A ReLU network with He-normal weights, initialised once (skip_init leaves out nn.Linear's own draw)."""
    layers: list[nn.Module] = []
    for fan_in in [inputs] + [width] * (depth - 1):
        layers.append(nn.utils.skip_init(nn.Linear, fan_in, width))  # type: ignore[no-untyped-call]
        if placement == "before":
            layers.append(NORMS[norm](width))
        layers.append(nn.ReLU())
        if placement == "after":
            layers.append(NORMS[norm](width))
    layers.append(nn.utils.skip_init(nn.Linear, width, classes))  # type: ignore[no-untyped-call]
    for layer in layers:
        if isinstance(layer, nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
    return nn.Sequential(*layers)


@torch.no_grad()
def guess_fractions(
    x: torch.Tensor, norm: str, placement: str, depths: Iterable[int], networks: int, width: int = 100
) -> list[float]:
    """G_0 of this many networks of each depth on the points x [n, inputs]: one network at a time, one pass each."""
    found = []
    for _ in range(networks):
        for depth in depths:
            guesses = network(norm, placement, depth, x.shape[1], width).to(x.device)(x).argmax(dim=1)
            found.append(float((guesses == 0).float().mean()))
    return found
