"""The authors' MLP-Mixer."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from normplace.networks.images.record import ImageNetworkRecord, Shape

if TYPE_CHECKING:
    from torch import nn

PATCH = 4  # pixels a side


def build(norm: str, placement: str, shape: Shape, classes: int, base_width: int) -> nn.Sequential:
    """MLP-Mixer with 8 blocks of `base_width` nodes.

    A block is an MLP over tokens, with half as many hidden nodes, then one over nodes, with four times as many.
    Each MLP has its own residual addition and norm. Pre-norm has one norm more, before the output layer, as in the
    Mixer paper: its residual stream is otherwise never normalised. (Post-norm ends in a norm anyway.)
    """
    from torch import nn

    from normplace.networks import blocks
    from normplace.networks.products import Linear

    nodes, tokens = base_width, blocks.number_of_patches(shape, PATCH)
    half = partial(blocks.residual, nodes=nodes, norm=norm, placement=placement)
    layers: list[nn.Module] = []
    for _ in range(8):
        layers.append(half([blocks.Transpose(), *blocks.feed_forward(tokens, nodes // 2), blocks.Transpose()]))
        layers.append(half(blocks.feed_forward(nodes, 4 * nodes)))
    return nn.Sequential(
        *blocks.patches(shape, nodes, PATCH),
        *layers,
        *blocks.norm_here("before", norm, placement, nodes),
        blocks.MeanOfTokens(),
        Linear(nodes, classes),
    )


NETWORK = ImageNetworkRecord(
    "mixer", "MLP-Mixer", ("none", "layer", "rms"), build, base_width=128, multiple=2, patch=PATCH
)
