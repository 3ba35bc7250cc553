"""A CNN of three layers; its sizes are ours."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from normplace.networks.images.record import ImageNetworkRecord, Shape

if TYPE_CHECKING:
    from torch import nn

POOLINGS = 3  # each halves the image


def build(norm: str, placement: str, shape: Shape, classes: int) -> nn.Sequential:
    """Three convolutional layers of 32, 64 and 128 channels, each max-pooled, and a linear layer. Sizes are ours."""
    from torch import nn

    from normplace.networks import blocks
    from normplace.networks.products import Linear

    layer = partial(blocks.convolution, norm=norm, placement=placement, pool=True)
    pixels = (shape[1] // 2**POOLINGS) * (shape[2] // 2**POOLINGS)
    return nn.Sequential(
        layer(shape[0], 32),
        layer(32, 64),
        layer(64, 128),
        nn.Flatten(),
        Linear(128 * pixels, classes),
    )


NETWORK = ImageNetworkRecord("cnn", "CNN", ("none", "batch", "group"), build, smallest=2**POOLINGS)
