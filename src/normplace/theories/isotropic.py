"""Infinite-width theory for isotropic data: correlations and gamma by depth, and the regime by fixed points.

One number a layer: the correlation of two typical points' representations. Data with correlation 0 at the
input (isotropic, such as the Gaussian blobs) start at 0. A real data set's own kernel is in `kernel`.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from normplace.errors import UserError
from normplace.networks.activations import ACTIVATIONS
from normplace.networks.architecture import GAIN
from normplace.networks.norms import NORMS, Norm
from normplace.theories.duals import Array, Dual, dual, quadrature

WEIGHT_VARIANCE = GAIN**2  # sigma_w^2 of He initialisation
REGIMES = ("neutral", "prejudiced", "deeply prejudiced")
DEAD = 1e-100  # a pre-activation variance that has died out
MARGINAL = 1e-9  # a slope this close to 1 counts as 1: homogeneous activations have exactly 1


@dataclass(frozen=True)
class Regime:
    """Where gamma goes with depth, and why.

    name: neutral (gamma -> 0), prejudiced (finite), deeply prejudiced (infinite). correlation: the fixed point
    that correlation 0 is drawn to. slope: of the correlation map there; below 1 the fixed point is stable, at 1
    it is marginal (approached as a power of depth, or a line of fixed points). variance: of the activation's
    input at the fixed point.
    """

    name: str
    correlation: float
    slope: float
    variance: float

    @property
    def gamma(self) -> float:
        """gamma = rho / (1 - rho) at the fixed point."""
        return gamma_of_correlation(self.correlation)


def gamma_of_correlation(rho: float) -> float:
    """The prejudice ratio gamma = rho / (1 - rho); infinite at rho = 1."""
    return float("inf") if rho >= 1 else rho / (1 - rho)


def layer_map(norm: str, placement: str, activation: str, variance: float, rho: float) -> tuple[float, float]:
    """One hidden layer as a map: pre-activation (variance, rho) -> the next layer's (variance, rho).

    The returned rho is also the correlation of this layer's representation, of which gamma is made.
    Derived in docs/theory.md, one hidden layer as a map of correlations.
    """
    if variance < DEAD:  # so close to 0 every activation is linear: correlations stay
        return variance, rho
    kind, phi = NORMS[norm], dual(ACTIVATIONS[activation])
    if placement == "before":
        variance, rho = _normalised(kind, variance, rho)
    v = np.array(variance)
    if placement == "after" and _divides_nodes_alone(kind):
        gamma = _gamma_after_scaling_nodes(phi, variance, rho)
        return WEIGHT_VARIANCE * (1 + gamma), gamma / (1 + gamma)
    q = float(phi.second_moment(v))
    k = float(phi.product(v, v, np.array(rho)))
    if placement == "after":
        if kind.axis == "nodes" and kind.centres:
            m2 = float(phi.mean(v)) ** 2
            q, k = q - m2, k - m2
        q, rho = _normalised(kind, q, _ratio(k, q))
        return WEIGHT_VARIANCE * q, rho
    return WEIGHT_VARIANCE * q, _ratio(k, q)


def _divides_nodes_alone(kind: Norm) -> bool:
    """Whether each node is divided by its own deviation over the data, and keeps its mean."""
    return kind.axis == "points" and kind.scales and not kind.centres


def _normalised(kind: Norm, variance: float, rho: float) -> tuple[float, float]:
    """A norm's effect on (variance, rho) of values whose mean over the nodes is 0, or has been taken off."""
    if kind.axis == "nodes":
        return (1.0 if kind.scales else variance), rho
    over_data = variance * (1 - rho)  # of a node, over isotropic data
    if kind.centres:  # no typical correlation is left
        return (1.0 if kind.scales else over_data), 0.0
    return variance / over_data, rho


def _gamma_after_scaling_nodes(phi: Dual, variance: float, rho: float) -> float:
    """gamma of activations each divided by its node's own deviation over the data.

    A node's pre-activation is sqrt(v rho) u + sqrt(v (1 - rho)) z, with u its own and z over the data: gamma is the
    mean over u of (mean over z)^2 / (variance over z).
    """
    u, weights = quadrature()
    mean, over_data = phi.moments(np.sqrt(variance * rho) * u, np.full_like(u, np.sqrt(variance * (1 - rho))))
    alive = over_data > DEAD
    return float(np.sum(weights[alive] * mean[alive] ** 2 / over_data[alive]))


def _ratio(covariance: float, variance: float) -> float:
    return min(max(covariance / variance, 0.0), 1.0)


def correlations(norm: str, placement: str, activation: str, depth: int) -> Array:
    """Correlation of two points' representations after layers 1..depth, for isotropic data; float64 [depth]."""
    state, path = (WEIGHT_VARIANCE, 0.0), []
    for _ in range(depth):
        state = layer_map(norm, placement, activation, *state)
        path.append(state[1])
    return np.array(path)


def gammas(norm: str, placement: str, activation: str, depth: int) -> Array:
    """gamma of networks with 1..depth hidden layers on isotropic data; float64 [depth]."""
    return np.array([gamma_of_correlation(rho) for rho in correlations(norm, placement, activation, depth)])


def regime(norm: str, placement: str, activation: str) -> Regime:
    """The regime by fixed-point analysis of the layer map, not by looking at some depth.

    At a fixed variance the map f of correlations is a power series with non-negative coefficients, so it is
    increasing and convex on [0, 1], and f(1) = 1 unless batch norm intervenes. Hence: f(0) = 0 makes 0 the
    attractor (convexity gives slope <= 1 there); else, with slope at 1 not above 1, the only fixed point is 1;
    else one more fixed point lies in (0, 1), stable, and correlation 0 is drawn to it.

    Raises:
        UserError: half a norm with an activation that is not homogeneous; where its variance goes is not worked out.
    """
    kind, phi = NORMS[norm], dual(ACTIVATIONS[activation])
    if kind.is_half and not phi.homogeneous:
        raise UserError(f"--norm {norm}: its regime is known with relu and leaky_relu only, not with {activation}")
    if kind.axis == "points" and kind.centres:  # the map is constant: its value is the fixed point
        variance, rho = layer_map(norm, placement, activation, WEIGHT_VARIANCE, 0.0)
        return _classify(rho, 0.0, 1.0 if kind.scales and placement == "before" else variance)
    if placement == "after" and _divides_nodes_alone(kind):
        return _fixed_point_by_iteration(norm, placement, activation)
    variance, rho = _limit_of_variance(norm, placement, activation)
    if variance == 0:  # the signal dies out, the map becomes the identity: rho stays where it got to
        return _classify(rho, 1.0, 0.0)

    def step(rho: float) -> float:
        return layer_map(norm, placement, activation, variance, rho)[1]

    centred = placement == "after" and kind.centres
    v = np.array(variance)
    m2 = float(phi.mean(v)) ** 2 if centred else 0.0
    scale = float(phi.second_moment(v)) - m2

    def slope(rho: float) -> float:
        return phi.slope(variance, rho) / scale

    if step(0.0) < 1e-12:
        return _classify(0.0, slope(0.0), variance)
    if slope(1.0) <= 1 + MARGINAL:
        return _classify(1.0, slope(1.0), variance)
    below_one = 1.0 - 1e-9
    fixed = float(brentq(lambda rho: step(rho) - rho, 0.0, below_one, xtol=1e-14))
    return _classify(fixed, slope(fixed), variance)


def _fixed_point_by_iteration(norm: str, placement: str, activation: str) -> Regime:
    """Where an increasing map takes correlation 0: up to its lowest fixed point."""
    state = (WEIGHT_VARIANCE, 0.0)
    for _ in range(10_000):
        before = state
        state = layer_map(norm, placement, activation, *state)
        if abs(state[1] - before[1]) < 1e-13:
            break
    step = 1e-6
    ends = [layer_map(norm, placement, activation, state[0], state[1] + sign * step)[1] for sign in (-1, 1)]
    return _classify(state[1], (ends[1] - ends[0]) / (2 * step), state[0])


def _classify(rho: float, slope: float, variance: float) -> Regime:
    name = REGIMES[0] if rho < 1e-12 else REGIMES[2] if rho >= 1 else REGIMES[1]
    return Regime(name, rho, slope, variance)


def _limit_of_variance(norm: str, placement: str, activation: str) -> tuple[float, float]:
    """The limit of the pre-activation variance with depth (0: dies out), and the correlation reached on the way."""
    if placement == "before":
        return 1.0, 0.0
    if NORMS[norm].scales or dual(ACTIVATIONS[activation]).homogeneous:
        return WEIGHT_VARIANCE, 0.0
    variance, rho = WEIGHT_VARIANCE, 0.0
    for _ in range(10_000):
        before = variance
        variance, rho = layer_map(norm, placement, activation, variance, rho)
        if variance < 1e-20:
            return 0.0, rho
        if abs(variance - before) < 1e-13 * before:
            return variance, rho
    raise ArithmeticError(f"the variance of {activation} without a norm has no limit within 10,000 layers")
