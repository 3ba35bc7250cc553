"""The authors' small ViT."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from normplace.networks.images.record import ImageNetworkRecord, Shape

if TYPE_CHECKING:
    from torch import nn

PATCH = 4  # pixels a side


def build(norm: str, placement: str, shape: Shape, classes: int) -> nn.Sequential:
    """ViT with 4 blocks of 48 nodes: attention (4 heads), then an MLP (192 hidden nodes), each with addition and norm.

    Pre-norm has one norm more, before the output layer, for the reason given in `mixer`.
    """
    from torch import nn

    from normplace.networks import blocks
    from normplace.networks.products import Linear

    nodes = 48
    half = partial(blocks.residual, nodes=nodes, norm=norm, placement=placement)
    layers: list[nn.Module] = []
    for _ in range(4):
        layers.append(half([blocks.Attention(nodes, heads=4)]))
        layers.append(half(blocks.feed_forward(nodes, 4 * nodes)))
    return nn.Sequential(
        *blocks.patches(shape, nodes, PATCH),
        blocks.ClassTokenAndPositions(blocks.number_of_patches(shape, PATCH), nodes),
        *layers,
        *blocks.norm_here("before", norm, placement, nodes),
        blocks.ClassToken(),
        Linear(nodes, classes),
    )


NETWORK = ImageNetworkRecord("vit", "ViT", ("none", "layer", "rms"), build, patch=PATCH)
