"""Infinite-width theory for isotropic data: correlations and gamma by depth, and the regime by fixed points.

One number per layer: the correlation of two typical points. Data with correlation 0 at the input (isotropic, such as
the Gaussian blobs) start at 0. A real data set's own kernel is in `kernel`.

Weights are drawn from N(0, sigma_w^2 / fan_in) and biases from N(0, sigma_b^2), in the output layer too: variances and
correlations here are those of what comes out of such a layer, be it the next layer's input or the network's output.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from normplace.errors import UserError
from normplace.networks.activations import ACTIVATIONS
from normplace.networks.architecture import HE, Variances
from normplace.networks.norms import NORMS, Norm
from normplace.statistics import Array
from normplace.theories.duals import Dual, dual, quadrature

REGIMES = ("neutral", "prejudiced", "deeply prejudiced")
DEAD = 1e-100  # a pre-activation variance that has died out
ROUNDING = 1e-14  # of the difference of two moments
NEAR_ONE = 1 - 1e-9  # a fixed point beyond it cannot be told from 1
MARGINAL = 1e-9  # a slope this close to 1 counts as 1: homogeneous activations have exactly 1


@dataclass(frozen=True)
class Regime:
    """Where gamma goes with depth, and why.

    name: neutral (gamma -> 0), prejudiced (finite), deeply prejudiced (infinite). correlation: the fixed point
    that correlation 0 is drawn to. slope: of the correlation map there; below 1 the fixed point is stable, at 1
    it is marginal (approached as a power of depth, or a line of fixed points). variance: of the activation's
    input at the fixed point. slope_at_one: of the map at correlation 1, without a norm chi_1 =
    sigma_w^2 E phi'^2: below 1 two points come together ("ordered"), above it they part ("chaotic"), at the edge of
    chaos it is 1; 0 where the map is constant.
    """

    name: str
    correlation: float
    slope: float
    variance: float
    slope_at_one: float

    @property
    def gamma(self) -> float:
        """gamma = rho / (1 - rho) at the fixed point."""
        return gamma_of_correlation(self.correlation)


def gamma_of_correlation(rho: float) -> float:
    """The prejudice ratio gamma = rho / (1 - rho); infinite at rho = 1."""
    return float("inf") if rho >= 1 else rho / (1 - rho)


def layer_map(
    norm: str, placement: str, activation: str, variance: float, rho: float, variances: Variances = HE
) -> tuple[float, float]:
    """One hidden layer as a map: pre-activation (variance, rho) -> the next layer's (variance, rho).

    The returned rho is also the correlation of outputs that are read from this layer, of which gamma is made.
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
        return _next(1 + gamma, gamma / (1 + gamma), variances)
    q = float(phi.second_moment(v))
    k = float(phi.product(v, v, np.array(rho)))
    if placement == "after":
        if kind.axis == "nodes" and kind.centres:
            m2 = float(phi.mean(v)) ** 2
            q, k = q - m2, k - m2
        return _next(*_normalised(kind, q, _ratio(k, q)), variances)
    return _next(q, _ratio(k, q), variances)


def _next(variance: float, rho: float, variances: Variances) -> tuple[float, float]:
    """(variance, rho) of a representation -> of the next layer's pre-activation: a bias is common to all points."""
    if not variances.bias:
        return variances.weight * variance, rho
    following = variances.weight * variance + variances.bias
    return following, (variances.weight * variance * rho + variances.bias) / following


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
    rho = min(max(covariance / variance, 0.0), 1.0)
    return rho if rho > ROUNDING else 0.0


def correlations(norm: str, placement: str, activation: str, depth: int, variances: Variances = HE) -> Array:
    """Correlation of two points' outputs of networks with 1..depth hidden layers, isotropic data; float64 [depth]."""
    state, path = _next(1.0, 0.0, variances), []
    for _ in range(depth):
        state = layer_map(norm, placement, activation, *state, variances)
        path.append(state[1])
    return np.array(path)


def gammas(norm: str, placement: str, activation: str, depth: int, variances: Variances = HE) -> Array:
    """gamma of networks with 1..depth hidden layers on isotropic data; float64 [depth]."""
    found = correlations(norm, placement, activation, depth, variances)
    return np.array([gamma_of_correlation(rho) for rho in found])


def regime(norm: str, placement: str, activation: str, variances: Variances = HE) -> Regime:
    """The regime by fixed-point analysis of the layer map, not by looking at some depth.

    At a fixed variance the map f of correlations is a power series with non-negative coefficients, so it is
    increasing and convex on [0, 1], and f(1) = 1 unless batch norm intervenes. Hence: f(0) = 0 makes 0 the
    attractor (convexity gives slope <= 1 there); else, with slope at 1 not above 1, the only fixed point is 1;
    else one more fixed point lies in (0, 1), stable, and correlation 0 is drawn to it.

    Raises:
        UserError: half a norm with an activation that is not homogeneous, or with other variances than He's; where its
            variance goes is not worked out.
    """
    kind, phi = NORMS[norm], dual(ACTIVATIONS[activation])
    if kind.is_half and not (phi.homogeneous and variances == HE):
        raise UserError(
            f"--norm {norm}: its regime is known with relu and leaky_relu, weight variance 2 and bias variance 0 only, "
            f"not with {activation}, {variances.weight:g} and {variances.bias:g}"
        )
    if kind.axis == "points" and kind.centres:  # the map is constant: its value is the fixed point
        variance, rho = layer_map(norm, placement, activation, *_next(1.0, 0.0, variances), variances)
        return _classify(rho, 0.0, 1.0 if kind.scales and placement == "before" else variance, 0.0)
    if placement == "after" and _divides_nodes_alone(kind):
        return _fixed_point_by_iteration(norm, placement, activation)
    variance, rho, bias = _limit_of_variance(norm, placement, activation, variances)
    small = max(variance, 1e-8)
    chi = variances.weight * phi.slope(small, 1.0) / small
    if variance == 0:  # the signal dies out, the map becomes the identity: rho stays where it got to
        return _classify(rho, 1.0, 0.0, chi)
    limit = Variances(variances.weight, bias)

    def step(rho: float) -> float:
        return layer_map(norm, placement, activation, variance, rho, limit)[1]

    centred = placement == "after" and kind.centres
    v = np.array(variance)
    m2 = float(phi.mean(v)) ** 2 if centred else 0.0
    scale = float(phi.second_moment(v)) - m2
    of_bias = bias / limit.weight * (scale if placement == "after" and kind.scales else 1)  # in units of phi^2

    def slope(rho: float) -> float:
        return phi.slope(variance, rho) / (scale + of_bias)

    at_one = slope(1.0) if kind.scales else chi
    if step(0.0) < 1e-12:
        return _classify(0.0, slope(0.0), variance, at_one)
    if slope(1.0) <= 1 + MARGINAL or step(NEAR_ONE) >= NEAR_ONE:
        return _classify(1.0, slope(1.0), variance, at_one)
    fixed = float(brentq(lambda rho: step(rho) - rho, 0.0, NEAR_ONE, xtol=1e-14))
    return _classify(fixed, slope(fixed), variance, at_one)


def _fixed_point_by_iteration(norm: str, placement: str, activation: str) -> Regime:
    """Where an increasing map takes correlation 0: up to its lowest fixed point."""
    state = _next(1.0, 0.0, HE)
    for _ in range(10_000):
        before = state
        state = layer_map(norm, placement, activation, *state)
        if abs(state[1] - before[1]) < 1e-13:
            break
    step = 1e-6
    ends = [layer_map(norm, placement, activation, state[0], state[1] + sign * step)[1] for sign in (-1, 1)]
    return _classify(state[1], (ends[1] - ends[0]) / (2 * step), state[0], float("nan"))


def _classify(rho: float, slope: float, variance: float, slope_at_one: float) -> Regime:
    name = REGIMES[0] if rho < 1e-12 else REGIMES[2] if rho >= 1 else REGIMES[1]
    return Regime(name, rho, slope, variance, slope_at_one)


def _limit_of_variance(norm: str, placement: str, activation: str, variances: Variances) -> tuple[float, float, float]:
    """Where the pre-activation variance goes with depth, the correlation on the way, and the bias variance there.

    A variance of 0 has died out. One that grows without limit leaves the bias behind: then the bias variance is 0, and
    of an activation that is homogeneous any variance says the same.
    """
    weight, bias = variances
    if placement == "before" and NORMS[norm].scales:
        return 1.0, 0.0, bias
    if NORMS[norm].scales:
        return weight + bias, 0.0, bias
    phi = dual(ACTIVATIONS[activation])
    if phi.homogeneous:
        growth = weight * float(phi.second_moment(np.array(1.0)))
        return (bias / (1 - growth), 0.0, bias) if bias and growth < 1 - MARGINAL else (1.0, 0.0, 0.0)
    variance, rho = _next(1.0, 0.0, variances)
    for _ in range(10_000):
        before = variance
        if bias:  # then the correlation on the way does not matter
            variance = weight * float(phi.second_moment(np.array(variance))) + bias
        else:
            variance, rho = layer_map(norm, placement, activation, variance, rho, variances)
        if variance < 1e-20:
            return 0.0, rho, bias
        if abs(variance - before) < 1e-13 * before:
            return variance, rho, bias
    if not bias and variance < 1e-3:  # at the edge of chaos tanh's variance dies out as 1 / depth
        return 0.0, rho, bias
    raise ArithmeticError(f"the variance of {activation} without a norm has no limit within 10,000 layers")
