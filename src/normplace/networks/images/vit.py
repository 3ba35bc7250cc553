"""The authors' small ViT."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from normplace.networks.images.record import ImageNetworkRecord, Shape

if TYPE_CHECKING:
    from torch import nn

PATCH = 4  # pixels a side
HEADS = 4


def build(norm: str, placement: str, shape: Shape, classes: int, base_width: int) -> nn.Sequential:
    """ViT with 4 blocks of `base_width` nodes: attention (4 heads), then an MLP (4x), each with addition and norm.

    Pre-norm has one norm more, before the output layer, for the reason given in `mixer`.
    """
    from torch import nn

    from normplace.networks import blocks
    from normplace.networks.products import Linear

    nodes = base_width
    half = partial(blocks.residual, nodes=nodes, norm=norm, placement=placement)
    layers: list[nn.Module] = []
    for _ in range(4):
        layers.append(half([blocks.Attention(nodes, heads=HEADS)]))
        layers.append(half(blocks.feed_forward(nodes, 4 * nodes)))
    return nn.Sequential(
        *blocks.patches(shape, nodes, PATCH),
        blocks.ClassTokenAndPositions(blocks.number_of_patches(shape, PATCH), nodes),
        *layers,
        *blocks.norm_here("before", norm, placement, nodes),
        blocks.ClassToken(),
        Linear(nodes, classes),
    )


NETWORK = ImageNetworkRecord("vit", "ViT", ("none", "layer", "rms"), build, base_width=48, multiple=HEADS, patch=PATCH)
