"""What the study takes from the library: the names of cells, activations, networks and data sets."""

from collections.abc import Iterable
from itertools import product
from typing import NamedTuple

from normplace.data.sets import DATASETS
from normplace.networks.activations import ACTIVATIONS as ACTIVATIONS
from normplace.networks.architecture import PLACEMENTS, configurations
from normplace.networks.images import IMAGE_NETWORKS as IMAGE_NETWORKS
from normplace.networks.norms import halves
from normplace.training.plan import OPTIMIZERS as OPTIMIZERS
from normplace.training.plan import OUTPUT_BIASES as OUTPUT_BIASES
from normplace.training.plan import SCHEDULES as SCHEDULES

# Of torchvision and of timm, in the order of the zoo's table; those that are built for one size, for the images'.
MODELS = {
    **{
        name: f"torchvision:{name}"
        for name in (
            "resnet18", "resnet50", "vgg11", "vgg11_bn", "mobilenet_v2", "mobilenet_v3_small", "shufflenet_v2_x1_0",
            "densenet121", "efficientnet_b0", "regnet_y_400mf", "convnext_tiny", "vit_b_16", "swin_t",
        )
    },
    **{
        name: f"timm:{name}"
        for name in (
            "resnet26t", "resnetv2_50", "vit_tiny_patch16_224", "deit_tiny_patch16_224", "mixer_s32_224",
            "convmixer_768_32", "mobilevit_xxs",
        )
    },
}  # fmt: skip


class Cell(NamedTuple):
    """A norm and its placement, which is "none" without a norm."""

    norm: str
    placement: str

    @property
    def name(self) -> str:
        """In configurations and file names: none, batch-before."""
        return self.norm if self.norm == "none" else f"{self.norm}-{self.placement}"

    def __str__(self) -> str:
        """The name."""
        return self.name


def _by_name(pairs: Iterable[tuple[str, str]]) -> dict[str, Cell]:
    return {cell.name: cell for cell in (Cell(*pair) for pair in pairs)}


CELLS = _by_name(configurations())
HALF_CELLS = _by_name(product(halves(), PLACEMENTS))
_IMAGE_NORMS = [norm for network in IMAGE_NETWORKS.values() for norm in network.norms if norm != "none"]
IMAGE_CELLS = CELLS | _by_name(product(_IMAGE_NORMS, PLACEMENTS))


class Size(NamedTuple):
    """How many points there are for initial statistics, for training and for testing."""

    points: int
    training_points: int
    test_points: int


# Data set -> class map of two classes -> how many points there are.
SIZES = {
    name: {classes: Size(training, training, test) for classes, (training, test) in record.sizes.items()}
    for name, record in DATASETS.items()
}
IMAGES = tuple(name for name in SIZES if name != "gaussian")
CLASS_MAPS = tuple(dict.fromkeys(classes for maps in SIZES.values() for classes in maps))
