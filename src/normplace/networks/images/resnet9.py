"""The authors' ResNet-9."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from normplace.networks.images.record import ImageNetworkRecord, Shape

if TYPE_CHECKING:
    from torch import nn

POOLINGS = 3  # each halves the image


def build(norm: str, placement: str, shape: Shape, classes: int, base_width: int) -> nn.Sequential:
    """Eight convolutional layers of 1 to 8 times `base_width` channels, two pairs residual, and a linear layer."""
    from torch import nn

    from normplace.networks import blocks
    from normplace.networks.products import Linear

    layer = partial(blocks.convolution, norm=norm, placement=placement)
    one, two, four, eight = (factor * base_width for factor in (1, 2, 4, 8))
    return nn.Sequential(
        layer(shape[0], one),
        layer(one, two, pool=True),
        blocks.Residual(layer(two, two), layer(two, two)),
        layer(two, four, pool=True),
        layer(four, eight, pool=True),
        blocks.Residual(layer(eight, eight), layer(eight, eight)),
        nn.AdaptiveMaxPool2d(1),  # over the 4x4 pixels that are left of a CIFAR-10 image
        nn.Flatten(),
        Linear(eight, classes),
    )


NETWORK = ImageNetworkRecord(
    "resnet9", "ResNet-9", ("none", "batch", "group"), build, base_width=64, smallest=2**POOLINGS
)
