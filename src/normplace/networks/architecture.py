"""Networks by their specification: what they are called and made of. Nothing here imports torch."""

from collections.abc import Iterable
from dataclasses import dataclass

from normplace.errors import UserError, check_one_of, check_whole
from normplace.networks.activations import ACTIVATIONS
from normplace.networks.images import IMAGE_NETWORKS
from normplace.networks.norms import NORMS, norms_of_mlps

PLACEMENTS = ("before", "after")  # of the norm: before or after the activation
BN_STATISTICS = ("batch", "running")
GAIN = 2**0.5  # He-normal weights N(0, GAIN^2/fan_in) whatever the activation, output layer too (authors' setting)


@dataclass(frozen=True)
class MLP:
    """An MLP of `depth` hidden layers of `width` nodes and a linear output layer, biases 0.

    placement: "before" or "after" the activation, ignored without a norm. bn_statistics: BatchNorm with the statistics
    of all points given ("batch"), or in eval mode with fresh running statistics ("running").

    Raises:
        UserError: an unknown name, a norm without a placement, or a size that is too small.

    >>> MLP("batch", "before", depth=20)
    MLP(norm='batch', placement='before', depth=20, width=100, activation='relu', classes=2, bn_statistics='batch')
    """

    norm: str
    placement: str | None = None
    depth: int = 1
    width: int = 100
    activation: str = "relu"
    classes: int = 2
    bn_statistics: str = "batch"

    def __post_init__(self) -> None:
        """Check every field."""
        check_one_of("norm", self.norm, [norm.name for norm in NORMS.values() if norm.operation])
        object.__setattr__(self, "placement", check_placement(self.norm, self.placement))
        check_one_of("activation", self.activation, ACTIVATIONS)
        check_one_of("bn-statistics", self.bn_statistics, BN_STATISTICS)
        for name, least in (("depth", 1), ("width", 1), ("classes", 2)):
            check_whole(name, getattr(self, name), least)
        if self.bn_statistics == "running" and not NORMS[self.norm].running:
            kept = ", ".join(norm.name for norm in NORMS.values() if norm.running)
            raise UserError(f"--bn-statistics running: is for --norm {kept}, not {self.norm}")
        if self.width == 1 and NORMS[self.norm].centres and NORMS[self.norm].axis == "nodes":
            raise UserError(f"--width 1: {NORMS[self.norm].label} over one node leaves nothing, at least 2 are needed")

    def __str__(self) -> str:
        """In words, such as "BatchNorm before relu, depth 20"."""
        norm = "no norm," if self.norm == "none" else f"{NORMS[self.norm].label} {self.placement}"
        return f"{norm} {self.activation}, depth {self.depth}"


@dataclass(frozen=True)
class ImageNetwork:
    """A network for images of fixed depth, width and activation, by its name; placement as in `MLP`.

    Raises:
        UserError: an unknown network, a norm it cannot have, or a norm without a placement.
    """

    network: str
    norm: str
    placement: str | None = None

    def __post_init__(self) -> None:
        """Check every field."""
        check_one_of("network", self.network, IMAGE_NETWORKS)
        norms = IMAGE_NETWORKS[self.network].norms
        if self.norm not in norms:
            raise UserError(f"--norm {self.norm}: not for {self.network}, allowed are {', '.join(norms)}")
        object.__setattr__(self, "placement", check_placement(self.norm, self.placement))

    def __str__(self) -> str:
        """In words, such as "ResNet-9, BatchNorm before"."""
        norm = "no norm" if self.norm == "none" else f"{NORMS[self.norm].label} {self.placement}"
        return f"{IMAGE_NETWORKS[self.network].label}, {norm}"


def check_classes(net: MLP | ImageNetwork, classes: int) -> None:
    """Refuse an MLP with another number of outputs than the data have classes; a network for images takes as many.

    Raises:
        UserError: the numbers differ.
    """
    if isinstance(net, MLP) and net.classes != classes:
        raise UserError(f"--classes {net.classes}: of the network, but the data have {classes} classes")


def configurations() -> list[tuple[str, str]]:
    """All (norm, placement) of MLPs: ("none", "none") first, then every norm before and after the activation."""
    return list(cells(norms_of_mlps()).values())


def cells(norms: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Name -> (norm, placement), of each norm before and after the activation: none, batch-before, batch-after, ..."""
    return {
        norm if norm == "none" else f"{norm}-{placement}": (norm, "none" if norm == "none" else placement)
        for norm in norms
        for placement in PLACEMENTS
    }


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
