"""Networks for images, and images for them, which several tests take."""

import torch
from torch import nn

from normplace.networks.images import IMAGE_NETWORKS, image_network
from normplace.networks.modules import initialise

CELLS = [
    (name, norm, placement)
    for name, record in IMAGE_NETWORKS.items()
    for norm in record.norms
    for placement in (("none",) if norm == "none" else ("before", "after"))
]


def drawn(name: str, norm: str, placement: str, shape: tuple[int, ...], classes: int = 2, seed: int = 0) -> nn.Module:
    network = image_network(name, norm, placement, shape, classes)
    initialise(network, torch.Generator().manual_seed(seed))
    return network
