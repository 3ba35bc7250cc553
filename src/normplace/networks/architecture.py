"""What an architecture is called and made of: norms, placements, activations, sizes. Nothing here imports torch."""

from dataclasses import dataclass
from typing import NamedTuple

from normplace.errors import UserError


class Norm(NamedTuple):
    """What a norm does to a hidden layer's values: over which axis, and whether it centres, scales or both."""

    axis: str  # "points" for batch norms, "nodes" for layer norms
    centres: bool
    scales: bool


NORMS = ("none", "batch", "layer", "rms")
# rms is layer's other half: it scales without centring, by the root mean square instead of the deviation.
HALVES = ("batch-centring", "batch-scaling", "layer-centring")
ANATOMY = {
    "none": Norm("nodes", centres=False, scales=False),
    "batch": Norm("points", centres=True, scales=True),
    "layer": Norm("nodes", centres=True, scales=True),
    "rms": Norm("nodes", centres=False, scales=True),
    "batch-centring": Norm("points", centres=True, scales=False),
    "batch-scaling": Norm("points", centres=False, scales=True),
    "layer-centring": Norm("nodes", centres=True, scales=False),
}
PLACEMENTS = ("before", "after")  # of the activation
ACTIVATIONS = ("relu", "leaky_relu", "gelu", "silu", "tanh")  # gelu is the exact one
BN_STATISTICS = ("batch", "running")
# The networks for images with the norms each can have, before or after; group is one group of all channels.
IMAGE_NETWORKS = {
    "resnet9": ("none", "batch", "group"),
    "cnn": ("none", "batch", "group"),
    "mixer": ("none", "layer", "rms"),
    "vit": ("none", "layer", "rms"),
}
GAIN = 2**0.5  # He-normal weights N(0, GAIN^2/fan_in) whatever the activation, output layer too (authors' setting)


@dataclass(frozen=True)
class MLP:
    """An MLP of `depth` hidden layers of `width` nodes and a linear output layer, biases 0.

    placement: "before" or "after" the activation, "none" without a norm. bn_statistics: BatchNorm with the
    statistics of all points given ("batch"), or in eval mode with fresh running statistics ("running").
    """

    norm: str
    placement: str
    depth: int
    width: int = 100
    activation: str = "relu"
    classes: int = 2
    bn_statistics: str = "batch"


def configurations() -> list[tuple[str, str]]:
    """All (norm, placement): ("none", "none") first, then every norm before and after the activation."""
    return [("none", "none"), *((norm, place) for norm in NORMS[1:] for place in PLACEMENTS)]


def check_placement(norm: str, placement: str | None) -> str:
    """The placement to use: "none" without a norm (where any is ignored), else the given one.

    Raises:
        UserError: a norm without a placement.
    """
    if norm == "none":
        return "none"
    if placement not in PLACEMENTS:
        given = "is missing" if placement is None else placement
        raise UserError(f"--placement {given}: --norm {norm} needs one of {', '.join(PLACEMENTS)}")
    return placement


def check_image_network(name: str, norm: str, placement: str | None) -> str:
    """The placement to use in a network of IMAGE_NETWORKS, as `check_placement` has it.

    Raises:
        UserError: an unknown network, a norm it cannot have, or a norm without a placement.
    """
    if name not in IMAGE_NETWORKS:
        raise UserError(f"--network {name}: unknown, allowed are {', '.join(IMAGE_NETWORKS)}")
    if norm not in IMAGE_NETWORKS[name]:
        raise UserError(f"--norm {norm}: not for {name}, allowed are {', '.join(IMAGE_NETWORKS[name])}")
    return check_placement(norm, placement)
