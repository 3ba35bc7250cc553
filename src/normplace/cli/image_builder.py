"""A network for images that fits the points."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from normplace.networks.architecture import ImageNetwork
from normplace.networks.images import image_network

if TYPE_CHECKING:
    from torch import nn

    from normplace.data.datasets import Dataset


def image_builder(network: ImageNetwork, data: "Dataset") -> "Callable[[], nn.Module]":
    """A function that makes networks of this kind for these points and their classes.

    Raises:
        UserError: the points are no images, or of a size that the network cannot take.
    """
    shape, classes = tuple(data.x.shape[1:]), len(data.provenance["classes"])
    build = partial(image_network, network.network, network.norm, network.placement or "none", shape, classes)
    build()  # refuses at once what it cannot take
    return build
