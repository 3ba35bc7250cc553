"""The distribution of guess fractions over random networks, for a given prejudice ratio gamma.

Two classes: G_0 = Phi(sqrt(gamma) z), z standard normal. C classes: the node means mu_c ~ N(0, gamma) shift
outputs of unit variance over the data. Both assume outputs that are Gaussian over the data.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from scipy.special import ndtr, ndtri, owens_t

from normplace.statistics import Array

if TYPE_CHECKING:
    from scipy.interpolate import CubicSpline

TINY = 1e-300  # of a product of deviations, below which there is none
SPLINED = 300  # classes up to which an error of 1e-7 in a chance of 1 / classes does not show


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


def standard_deviation(gamma: float, classes: int = 2) -> float:
    """Of G_0, whose mean is 1/C: sqrt(arcsin(gamma / (1 + gamma)) / (2 pi)) for two classes.

    For more it follows from the chance that two points get the same guess, E sum_c G_c^2.
    """
    if classes > 2:
        return float(np.sqrt(max(fraction_variance(agreement(gamma, classes), classes), 0.0)))
    rho = 1.0 if np.isinf(gamma) else gamma / (1 + gamma)
    return float(np.sqrt(np.arcsin(rho) / (2 * np.pi)))


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


def agreement(gamma: float, classes: int) -> float:
    """The chance that two points get the same guess from one network: E sum_c G_c^2.

    Both points' outputs at a node are standard normal with correlation gamma / (1 + gamma).
    """
    return _agreement(1.0 if np.isinf(gamma) else gamma / (1 + gamma), classes)


def correlations(covariance: Array, deviation: Array, other: Array) -> Array:
    """Of outputs of two points, as `agreements` takes them; arrays of shapes that fit.

    A point at which all nodes of a narrow layer are 0 has outputs of 0, and the first class as its guess: two such
    points agree, and one agrees with any other as often as chance has it.
    """
    rho = covariance / np.maximum(deviation * other, TINY)
    return np.clip(np.where((deviation == 0) & (other == 0), 1.0, rho), -1, 1)


def agreements(rho: Array, classes: int) -> Array:
    """The same for outputs of each of these correlations, to some 1e-7."""
    if classes == 2:
        return np.asarray(0.5 + np.arcsin(rho) / np.pi)
    return np.asarray(_agreement_by_angle(classes)(np.arcsin(rho)))


@cache
def _agreement_by_angle(classes: int) -> CubicSpline:
    """Of arcsin(rho): there it is smooth up to both ends, and for two classes a straight line."""
    from scipy.interpolate import CubicSpline  # a third of a second, which sampling two classes needs not wait

    angles = np.linspace(-np.pi / 2, np.pi / 2, 65)
    inside = [_agreement(np.sin(angle), classes) for angle in angles[1:-1]]
    return CubicSpline(angles, [0.0, *inside, 1.0])  # opposite outputs are never largest at one node


def _agreement(rho: float, classes: int) -> float:
    """C E[Phi_2(u, v; rho)^(C - 1)], Phi_2 the bivariate normal distribution function of correlation rho.

    For two classes this is 1/2 + arcsin(rho) / pi.
    """
    if classes == 2 or rho == 1:
        return float(0.5 + np.arcsin(rho) / np.pi)
    # The trapezoid rule on axes along which the integrand is smooth at every rho; no node has u or v at 0. The power
    # of many classes needs a finer step: these give 14 digits up to 20 classes, and 8 for 50,000.
    step = 0.25 if classes <= 20 else 0.1
    half_sum = np.arange(-8.5, 8.5, step)[:, None] + 0.017
    half_difference = np.arange(-8.5, 8.5, step)[None, :] + 0.041
    weights = np.exp(-(half_sum**2 + half_difference**2) / 2)
    a, b = np.sqrt((1 + rho) / 2) * half_sum, np.sqrt((1 - rho) / 2) * half_difference
    inside = _both_below(a + b, a - b, rho) ** (classes - 1)
    return float(classes * (weights * inside).sum() / weights.sum())


def _both_below(u: Array, v: Array, rho: float) -> Array:
    """P(x < u, y < v) for standard normal x, y of correlation rho, by Owen's formula; u and v are not 0."""
    scale = np.sqrt(1 - rho**2)
    both = (ndtr(u) + ndtr(v)) / 2 - owens_t(u, (v / u - rho) / scale) - owens_t(v, (u / v - rho) / scale)
    return np.asarray((both - np.where(u * v < 0, 0.5, 0)).clip(0, 1))


def fraction_variance(agreement: Any, classes: int) -> Any:
    """Var G_0 by the chance that two points get the same guess, E sum_c G_c^2: of C alike classes, its mean is 1/C."""
    return agreement / classes - 1 / classes**2


def gamma_of_agreement(share: float, classes: int) -> float:
    """The gamma at which two points get the same guess with this chance: 0 at 1/C and below, infinite at 1."""
    from scipy.optimize import brentq

    largest = 1 - 1e-9  # the correlation beyond which gamma is called infinite

    def chance(rho: float) -> float:
        return float(agreements(np.asarray(rho), classes)) if classes <= SPLINED else _agreement(rho, classes)

    if share <= chance(0.0):
        return 0.0
    if share >= chance(largest):
        return float("inf")
    rho = brentq(lambda rho: chance(rho) - share, 0, largest, xtol=1e-10)
    return float(rho / (1 - rho))
