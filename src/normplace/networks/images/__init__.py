"""Networks for images: one file a network, found by its record; built with a norm and a placement.

Norm and placement act in two places only (`blocks`): a hidden layer of the convolutional networks has its norm before
or after the activation; half a block of Mixer and ViT has it before the branch (pre-norm) or after the residual
addition (post-norm).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from normplace.errors import UserError
from normplace.networks.images.record import ImageNetworkRecord
from normplace.registry import records

if TYPE_CHECKING:
    from torch import nn


IMAGE_NETWORKS: dict[str, ImageNetworkRecord] = records(__name__, list(__path__), "NETWORK")


def image_network(
    name: str, norm: str, placement: str, shape: tuple[int, ...], classes: int, base_width: int | None = None
) -> nn.Sequential:
    """A network as a module [n, *shape] -> [n, classes], its weights torch's own: see `initialise`.

    base_width: None for the network's own.

    Raises:
        UserError: the points are no images, or of a size that the network cannot take.
    """
    import torch

    record = IMAGE_NETWORKS[name]
    if len(shape) != 3:
        raise UserError(f"--network {name}: needs images, a point of this data has shape {list(shape)}")
    record.check_size(*shape[1:])
    with torch.random.fork_rng(devices=[]):  # layers draw weights from the global generator
        return record.build(norm, placement, shape, classes, base_width or record.base_width)
