"""The distribution of guess fractions over random networks, for a given prejudice ratio gamma.

Two classes: G_0 = Phi(sqrt(gamma) z), z standard normal. C classes: the node means mu_c ~ N(0, gamma) shift
outputs of unit variance over the data. Both assume outputs that are Gaussian over the data.
"""

import numpy as np
import numpy.typing as npt
from numpy.polynomial.hermite_e import hermegauss
from scipy.special import ndtr, ndtri

Array = npt.NDArray[np.float64]


def density(g: Array, gamma: float) -> Array:
    """p(g) = gamma^(-1/2) exp((1 - 1/gamma) Phi^-1(g)^2 / 2) for 0 < g < 1 and 0 < gamma < inf.

    Raises:
        ValueError: gamma is 0 or infinite, where G_0 has no density (point masses at 1/2, or at 0 and 1).
    """
    if not 0 < gamma < np.inf:
        raise ValueError(f"gamma {gamma}: the density exists for 0 < gamma < inf only")
    return np.asarray(np.exp((1 - 1 / gamma) * ndtri(g) ** 2 / 2) / np.sqrt(gamma))


def distribution(g: Array, gamma: float) -> Array:
    """P(G_0 <= g) = Phi(Phi^-1(g) / sqrt(gamma)), with its limits for gamma = 0 and infinity."""
    g = np.asarray(g, dtype=np.float64)
    if gamma == 0:
        return np.where(g >= 0.5, 1.0, 0.0)
    inside = np.full_like(g, 0.5) if np.isinf(gamma) else ndtr(ndtri(np.clip(g, 0, 1)) / np.sqrt(gamma))
    return np.where(g >= 1, 1.0, np.where(g < 0, 0.0, inside))


def standard_deviation(gamma: float) -> float:
    """Of G_0: sqrt(arcsin(gamma / (1 + gamma)) / (2 pi)); its mean is 1/2."""
    rho = 1.0 if np.isinf(gamma) else gamma / (1 + gamma)
    return float(np.sqrt(np.arcsin(rho) / (2 * np.pi)))


def mean_largest_fraction(gamma: float) -> float:
    """E max(G_0, 1 - G_0) = 1/2 + arctan(sqrt(gamma)) / pi.

    E |Phi(a z) - 1/2| is an angle: Phi(a z) - 1/2 = P(0 < e < a z), so with z > 0 it is the share of the
    plane between the axis and the line of slope a, arctan(a) / (2 pi), twice over z < 0 and z > 0.
    """
    return float(0.5 + np.arctan(np.sqrt(gamma)) / np.pi)


def class_fractions(means: Array) -> Array:
    """G_c for node means [..., C]: integral of phi(e) prod_{k != c} Phi(e + mu_c - mu_k) de, [..., C]."""
    nodes, weights = hermegauss(80)
    weights = weights / np.sqrt(2 * np.pi)
    classes = means.shape[-1]
    columns = []
    for c in range(classes):
        others = np.delete(np.arange(classes), c)
        gaps = means[..., [c]] - means[..., others]
        columns.append(ndtr(gaps[..., None] + nodes).prod(axis=-2) @ weights)
    return np.stack(columns, axis=-1)


def draw_class_fractions(gamma: float, classes: int, draws: int, seed: int) -> Array:
    """Draw guess fractions [draws, classes] of networks with prejudice ratio gamma."""
    means = np.random.default_rng(seed).standard_normal((draws, classes)) * np.sqrt(gamma)
    return class_fractions(means)
