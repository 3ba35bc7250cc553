"""The authors' MLP-Mixer."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from normplace.networks.images.record import ImageNetworkRecord, Shape

if TYPE_CHECKING:
    from torch import nn

PATCH = 4  # pixels a side


def build(norm: str, placement: str, shape: Shape, classes: int) -> nn.Sequential:
    """MLP-Mixer with 8 blocks of 128 nodes: an MLP over tokens (64 hidden nodes), then one over nodes (512).

    Each MLP has its own residual addition and norm. Pre-norm has one norm more, before the output layer, as in the
    Mixer paper: its residual stream is otherwise never normalised. (Post-norm ends in a norm anyway.)
    """
    from torch import nn

    from normplace.networks import blocks
    from normplace.networks.products import Linear

    nodes, tokens = 128, blocks.number_of_patches(shape, PATCH)
    half = partial(blocks.residual, nodes=nodes, norm=norm, placement=placement)
    layers: list[nn.Module] = []
    for _ in range(8):
        layers.append(half([blocks.Transpose(), *blocks.feed_forward(tokens, 64), blocks.Transpose()]))
        layers.append(half(blocks.feed_forward(nodes, 512)))
    return nn.Sequential(
        *blocks.patches(shape, nodes, PATCH),
        *layers,
        *blocks.norm_here("before", norm, placement, nodes),
        blocks.MeanOfTokens(),
        Linear(nodes, classes),
    )


NETWORK = ImageNetworkRecord("mixer", "MLP-Mixer", ("none", "layer", "rms"), build, patch=PATCH)
