"""The authors' ResNet-9."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from normplace.networks.images.record import ImageNetworkRecord, Shape

if TYPE_CHECKING:
    from torch import nn

POOLINGS = 3  # each halves the image


def build(norm: str, placement: str, shape: Shape, classes: int) -> nn.Sequential:
    """Eight convolutional layers of 64 to 512 channels, two pairs of them in residual blocks, and a linear layer."""
    from torch import nn

    from normplace.networks import blocks
    from normplace.networks.products import Linear

    layer = partial(blocks.convolution, norm=norm, placement=placement)
    return nn.Sequential(
        layer(shape[0], 64),
        layer(64, 128, pool=True),
        blocks.Residual(layer(128, 128), layer(128, 128)),
        layer(128, 256, pool=True),
        layer(256, 512, pool=True),
        blocks.Residual(layer(512, 512), layer(512, 512)),
        nn.AdaptiveMaxPool2d(1),  # over the 4x4 pixels that are left of a CIFAR-10 image
        nn.Flatten(),
        Linear(512, classes),
    )


NETWORK = ImageNetworkRecord("resnet9", "ResNet-9", ("none", "batch", "group"), build, smallest=2**POOLINGS)
