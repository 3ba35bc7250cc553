"""A CNN of three layers; its sizes are ours."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from normplace.networks.images.record import ImageNetworkRecord, Shape

if TYPE_CHECKING:
    from torch import nn

POOLINGS = 3  # each halves the image


def build(norm: str, placement: str, shape: Shape, classes: int, base_width: int) -> nn.Sequential:
    """Three convolutional layers of 1, 2 and 4 times `base_width` channels, each max-pooled, and a linear layer."""
    from torch import nn

    from normplace.networks import blocks
    from normplace.networks.products import Linear

    layer = partial(blocks.convolution, norm=norm, placement=placement, pool=True)
    pixels = (shape[1] // 2**POOLINGS) * (shape[2] // 2**POOLINGS)
    return nn.Sequential(
        layer(shape[0], base_width),
        layer(base_width, 2 * base_width),
        layer(2 * base_width, 4 * base_width),
        nn.Flatten(),
        Linear(4 * base_width * pixels, classes),
    )


NETWORK = ImageNetworkRecord("cnn", "CNN", ("none", "batch", "group"), build, base_width=32, smallest=2**POOLINGS)
