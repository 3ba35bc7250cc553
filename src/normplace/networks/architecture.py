"""Networks by their specification: what they are called and made of. Nothing here imports torch."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from normplace.errors import UserError, check_number, check_one_of, check_whole
from normplace.networks.activations import ACTIVATIONS
from normplace.networks.images import IMAGE_NETWORKS
from normplace.networks.norms import NORMS, norms_of_mlps

PLACEMENTS = ("before", "after")  # of the norm: before or after the activation
BN_STATISTICS = ("batch", "running")


class Variances(NamedTuple):
    """What networks are drawn with: weights N(0, weight / fan_in), biases N(0, bias), in every layer alike.

    sigma_w^2 and sigma_b^2 of arXiv 2505.12096. The defaults are He's, and the authors' setting.
    """

    weight: float = 2.0
    bias: float = 0.0

    def check(self) -> None:
        """Refuse what cannot be drawn.

        Raises:
            UserError: a weight variance that is not above 0, or a bias variance below 0.
        """
        check_number("weight-variance", self.weight, above=0)
        check_number("bias-variance", self.bias, least=0)


HE = Variances()


@dataclass(frozen=True)
class MLP:
    """An MLP of `depth` hidden layers of `width` nodes and a linear output layer.

    placement: "before" or "after" the activation, ignored without a norm. bn_statistics: BatchNorm with the statistics
    of all points given ("batch"), or in eval mode with fresh running statistics ("running"). weight_variance,
    bias_variance: see `Variances`.

    Raises:
        UserError: an unknown name, a norm without a placement, a size that is too small, a weight variance that is
            not above 0, or a bias variance below 0.

    >>> print(MLP("batch", "before", depth=20))
    BatchNorm before relu, depth 20
    """

    norm: str
    placement: str | None = None
    depth: int = 1
    width: int = 100
    activation: str = "relu"
    classes: int = 2
    bn_statistics: str = "batch"
    weight_variance: float = HE.weight
    bias_variance: float = HE.bias

    def __post_init__(self) -> None:
        """Check every field."""
        check_one_of("norm", self.norm, [norm.name for norm in NORMS.values() if norm.operation])
        object.__setattr__(self, "placement", check_placement(self.norm, self.placement))
        check_one_of("activation", self.activation, ACTIVATIONS)
        check_one_of("bn-statistics", self.bn_statistics, BN_STATISTICS)
        for name, least in (("depth", 1), ("width", 1), ("classes", 2)):
            check_whole(name, getattr(self, name), least)
        self.variances.check()
        if self.bn_statistics == "running" and not NORMS[self.norm].running:
            kept = ", ".join(norm.name for norm in NORMS.values() if norm.running)
            raise UserError(f"--bn-statistics running: is for --norm {kept}, not {self.norm}")
        if self.width == 1 and NORMS[self.norm].centres and NORMS[self.norm].axis == "nodes":
            raise UserError(f"--width 1: {NORMS[self.norm].label} over one node leaves nothing, at least 2 are needed")

    @property
    def variances(self) -> Variances:
        """What its weights and biases are drawn with."""
        return Variances(self.weight_variance, self.bias_variance)

    def __str__(self) -> str:
        """In words, such as "BatchNorm before relu, depth 20"."""
        norm = "no norm," if self.norm == "none" else f"{NORMS[self.norm].label} {self.placement}"
        return f"{norm} {self.activation}, depth {self.depth}{_unusual(self.variances)}"


@dataclass(frozen=True)
class ImageNetwork:
    """A network for images of fixed depth and activation, by its name; placement and variances as in `MLP`.

    base_width: channels of the first layer, or nodes of a token, by which all other layers scale (None: the network's
    own).

    Raises:
        UserError: an unknown network, a norm it cannot have, a norm without a placement, a width it cannot have, a
            weight variance that is not above 0, or a bias variance below 0.
    """

    network: str
    norm: str
    placement: str | None = None
    base_width: int | None = None
    weight_variance: float = HE.weight
    bias_variance: float = HE.bias

    def __post_init__(self) -> None:
        """Check every field."""
        check_one_of("network", self.network, IMAGE_NETWORKS)
        record = IMAGE_NETWORKS[self.network]
        if self.norm not in record.norms:
            raise UserError(f"--norm {self.norm}: not for {self.network}, allowed are {', '.join(record.norms)}")
        object.__setattr__(self, "placement", check_placement(self.norm, self.placement))
        if self.base_width is None:
            object.__setattr__(self, "base_width", record.base_width)
        record.check_base_width(self.base_width)
        self.variances.check()

    @property
    def variances(self) -> Variances:
        """What its weights and biases are drawn with."""
        return Variances(self.weight_variance, self.bias_variance)

    def __str__(self) -> str:
        """In words, such as "ResNet-9, BatchNorm before"."""
        record = IMAGE_NETWORKS[self.network]
        norm = "no norm" if self.norm == "none" else f"{NORMS[self.norm].label} {self.placement}"
        width = "" if self.base_width == record.base_width else f" of base width {self.base_width}"
        return f"{record.label}{width}, {norm}{_unusual(self.variances)}"


def _unusual(variances: Variances) -> str:
    """Variances in words, nothing where they are He's."""
    named = zip(("weight", "bias"), variances, HE, strict=True)
    return "".join(f", {name} variance {value:g}" for name, value, usual in named if value != usual)


def check_classes(net: MLP | ImageNetwork, classes: int) -> None:
    """Refuse an MLP with another number of outputs than the data have classes; a network for images takes as many.

    Raises:
        UserError: the numbers differ.
    """
    if isinstance(net, MLP) and net.classes != classes:
        raise UserError(f"--classes {net.classes}: the network has as many, but the data have {classes} classes")


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
