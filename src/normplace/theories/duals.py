"""Gaussian averages of activations: what one infinitely wide layer does to variances and correlations.

For jointly Gaussian inputs of variances v, v' and correlation rho, the dual is
k = E phi(sqrt(v) u) phi(sqrt(v') (rho u + sqrt(1 - rho^2) w)) with u, w standard normal.
"""

from collections.abc import Callable
from functools import cache
from typing import Protocol

import numpy as np
from scipy.special import ndtr, roots_hermitenorm

from normplace.networks.activations import Activation
from normplace.statistics import Array

NODES = 400  # of Gauss-Hermite quadrature
TERMS = 200  # of the Hermite series
TAIL = 1e-13  # share of E phi^2 that a truncated series may leave out


class Dual(Protocol):
    """Moments of one activation. `variance` and `rho` broadcast; all float64."""

    def mean(self, variance: Array) -> Array:
        """E phi(sqrt(variance) z)."""

    def second_moment(self, variance: Array) -> Array:
        """E phi(sqrt(variance) z)^2."""

    def product(self, row: Array, column: Array, rho: Array) -> Array:
        """The dual k for variances `row` and `column` at correlation `rho`, all of one broadcast shape."""

    def slope(self, variance: float, rho: float) -> float:
        """dk/drho for two inputs of equal variance."""

    def moments(self, mean: Array, deviation: Array) -> tuple[Array, Array]:
        """Mean and variance of phi of a normal variable with this mean and deviation, which broadcast."""

    @property
    def homogeneous(self) -> bool:
        """Whether phi(c x) = c phi(x) for c > 0: then variances do not matter to correlations."""


class PiecewiseLinear:
    """phi(x) = x for x > 0 and a x below: ReLU (a = 0, the arc-cosine kernel) and leaky ReLU, in closed form."""

    homogeneous = True

    def __init__(self, a: float) -> None:
        """Take a, the slope below zero."""
        self.a = a

    def mean(self, variance: Array) -> Array:
        """E phi: (1 - a) sqrt(v / (2 pi))."""
        return (1 - self.a) * np.sqrt(variance / (2 * np.pi))

    def second_moment(self, variance: Array) -> Array:
        """E phi^2: v (1 + a^2) / 2."""
        return variance * (1 + self.a**2) / 2

    def product(self, row: Array, column: Array, rho: Array) -> Array:
        """Split phi into a x + (1 - a) relu(x); E u relu(w) = rho / 2."""
        rho = np.clip(rho, -1, 1)
        arc = (np.sqrt((1 - rho) * (1 + rho)) + rho * (np.pi - np.arccos(rho))) / (2 * np.pi)
        return np.sqrt(row * column) * (self.a * rho + (1 - self.a) ** 2 * arc)

    def slope(self, variance: float, rho: float) -> float:
        """d/drho of `product`."""
        arc = (np.pi - np.arccos(np.clip(rho, -1, 1))) / (2 * np.pi)
        return float(variance * (self.a + (1 - self.a) ** 2 * arc))

    def moments(self, mean: Array, deviation: Array) -> tuple[Array, Array]:
        """Of max(x, 0): mu Phi + s phi and (mu^2 + s^2) Phi + mu s phi at mu/s; phi is a x plus 1 - a times that."""
        t = mean / deviation
        bell = np.exp(-(t**2) / 2) / np.sqrt(2 * np.pi)
        first = mean * ndtr(t) + deviation * bell
        second = (mean**2 + deviation**2) * ndtr(t) + mean * deviation * bell
        of_phi = self.a * mean + (1 - self.a) * first
        square = self.a**2 * (mean**2 + deviation**2) + (1 - self.a**2) * second
        return of_phi, np.maximum(square - of_phi**2, 0)


class Smooth:
    """Any smooth phi, by Gauss-Hermite quadrature of its Hermite coefficients: k = sum_j a_j(v) a_j(v') rho^j."""

    homogeneous = False

    def __init__(self, function: Callable[[Array], Array]) -> None:
        """Take phi as a function of arrays."""
        self.function = function

    def _values(self, variance: Array) -> Array:
        nodes, _ = quadrature()
        return np.asarray(self.function(np.sqrt(np.asarray(variance))[..., None] * nodes), dtype=np.float64)

    def mean(self, variance: Array) -> Array:
        """E phi."""
        return np.asarray(self._values(variance) @ quadrature()[1])

    def second_moment(self, variance: Array) -> Array:
        """E phi^2."""
        return np.asarray(self._values(variance) ** 2 @ quadrature()[1])

    def _coefficients(self, variance: Array) -> Array:
        """Hermite coefficients [..., TERMS]; the last one is set so that their squares sum to E phi^2."""
        coefficients = self._values(variance) * quadrature()[1] @ _hermite().T
        rest = self.second_moment(variance) - np.sum(coefficients[..., :-1] ** 2, axis=-1)
        coefficients[..., -1] = np.sqrt(np.clip(rest, 0, None))
        return np.asarray(coefficients)

    def product(self, row: Array, column: Array, rho: Array) -> Array:
        """Sum the Hermite series, of many rho by Horner's rule, until less than TAIL of E phi^2 is left."""
        a = self._coefficients(row)
        terms = _terms_needed(a)
        if np.array_equal(np.ravel(row), np.ravel(column)):  # such as those of all points, in a row and in a column
            b = a.reshape((*np.shape(column), TERMS))
        else:
            b = self._coefficients(column)
            terms = max(terms, _terms_needed(b))
        if not np.ndim(rho):
            return np.asarray((a * b)[:terms] @ rho ** np.arange(terms))
        total = np.zeros(np.shape(rho))
        for term in reversed(range(terms)):
            total *= rho
            total += a[..., term] * b[..., term]
        return total

    def slope(self, variance: float, rho: float) -> float:
        """Sum the differentiated series."""
        a = self._coefficients(np.array(variance))
        order = np.arange(1, TERMS)
        return float(np.sum(order * a[1:] ** 2 * rho ** (order - 1)))

    def moments(self, mean: Array, deviation: Array) -> tuple[Array, Array]:
        """By quadrature."""
        nodes, weights = quadrature()
        values = np.asarray(self.function(mean[..., None] + deviation[..., None] * nodes), dtype=np.float64)
        of_phi = values @ weights
        return of_phi, (values - of_phi[..., None]) ** 2 @ weights


@cache
def dual(activation: Activation) -> Dual:
    """The Gaussian averages of an activation: in closed form where it is piecewise linear, else by quadrature."""
    if activation.negative_slope is not None:
        return PiecewiseLinear(activation.negative_slope)
    return Smooth(activation.function)


def _terms_needed(coefficients: Array) -> int:
    left = np.cumsum(coefficients[..., ::-1] ** 2, axis=-1)[..., ::-1]
    needed = (left > TAIL * left[..., :1]).reshape(-1, TERMS).any(axis=0)
    return int(np.flatnonzero(needed)[-1]) + 1 if needed.any() else 1


@cache
def quadrature() -> tuple[Array, Array]:
    """Nodes and weights of Gauss-Hermite quadrature for the standard normal."""
    nodes, weights = roots_hermitenorm(NODES)
    return nodes, weights / np.sqrt(2 * np.pi)


@cache
def _hermite() -> Array:
    """Orthonormal Hermite polynomials at the nodes, [TERMS, NODES], by their recurrence."""
    nodes, _ = quadrature()
    rows = [np.ones(NODES), nodes]
    for order in range(1, TERMS - 1):
        rows.append((nodes * rows[-1] - np.sqrt(order) * rows[-2]) / np.sqrt(order + 1))
    return np.array(rows)
