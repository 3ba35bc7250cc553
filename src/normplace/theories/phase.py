"""The phase diagram: the regime in the limit of depth over weight and bias variance, by norm and placement.

Without a norm it is that of arXiv 2505.12096; with norms it is drawn here for the first time.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from normplace.networks.architecture import Variances, cells
from normplace.networks.norms import norms_of_mlps
from normplace.theories.isotropic import regime

ACTIVATIONS = ("relu", "tanh")  # whose diagrams without a norm are known
WEIGHT_VARIANCES = np.linspace(0.5, 4, 29)
BIAS_VARIANCES = np.linspace(0, 0.3, 13)


class Place(NamedTuple):
    """One place of the diagram: gamma and the correlation in the limit of depth, and the map's slope at correlation 1.

    The edge of chaos is where that slope is 1.
    """

    norm: str
    placement: str
    activation: str
    weight_variance: float
    bias_variance: float
    regime: str
    gamma: float
    correlation: float
    slope_at_one: float


def diagram() -> Iterator[Place]:
    """Every place, of isotropic data."""
    for norm, placement in cells(norms_of_mlps()).values():
        for activation in ACTIVATIONS:
            for weight in WEIGHT_VARIANCES:
                for bias in BIAS_VARIANCES:
                    found = regime(norm, placement, activation, Variances(float(weight), float(bias)))
                    limit = found.name, found.gamma, found.correlation, found.slope_at_one
                    yield Place(norm, placement, activation, float(weight), float(bias), *limit)
