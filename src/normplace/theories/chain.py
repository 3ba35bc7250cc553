"""Networks of finite width: two points' correlation from layer to layer is a Markov chain, here tabulated.

Given one layer, the next one's pre-activations at two points are independent Gaussian pairs, one per node. Without a
norm, or with one over the nodes, what the layer makes of them depends on the two points alone; for a homogeneous
activation, or behind a norm, on their correlation rho alone. So a layer is a linear operator on functions of rho,
(T f)(rho) = E f(rho'), and a network of L layers its L-th power: no parameter is fitted, and the data enter by the
correlations of their points alone.

Functions are cubic splines in the angle arccos(rho), given by their values at Chebyshev's points, which lie densest at
correlation 1: behind many centred layers all that is left of a function is a peak there. An operator is estimated from
drawn layers. gamma = m / (tr - m) magnifies its errors, so draws are corrected by regression on means
over nodes, and products of such means, whose expectations are known (control variates).
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import combinations_with_replacement
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy
from numpy.polynomial.legendre import leggauss
from scipy.interpolate import CubicSpline

from normplace.environment import user_cache
from normplace.errors import UserError
from normplace.files import read_npz, sha256_of_arrays, sha256_of_json, sha256_of_sources, write_npz
from normplace.networks.activations import ACTIVATIONS, Activation
from normplace.networks.architecture import MLP, Variances
from normplace.networks.norms import NORMS, Norm
from normplace.progress import bar
from normplace.statistics import Array, Estimate, Floats, interval_of_mean
from normplace.theories import duals, guesses, simulated
from normplace.theories.duals import dual
from normplace.theories.simulated import normalise

ANGLES = 33  # values that make a function of the angle
REPLICAS = 8  # independent estimates of the operator: their spread is its error
PAIRS = 600_000  # of nodes, drawn for a replica
LEAST_LAYERS = 400  # drawn for a replica, however wide
AT_ONCE = 100_000  # pairs of nodes at once: stay in the cache
LEAST_WIDTH = 16  # below it all nodes of a ReLU layer are at 0 in more than one of 65,536 layers
RIDGE = 1e-10  # of the regression, in units of its controls
FARTHEST = 13.0  # standard deviations that quadrature reaches
ROWS = 16  # of the correlations of a data set at once


@dataclass(frozen=True)
class Layer:
    """What one layer does to functions of the correlation, by replica.

    agreement: [replicas, ANGLES, ANGLES], f -> E f(rho'). covariance: the same with the layer's share of
    sqrt(K'_ii K'_jj) as a weight, which is 1 with a norm. readout: [replicas, ANGLES], E K'_ij of outputs that are read
    from the layer, in units of sqrt(K_ii K_jj) without a norm.
    """

    agreement: Array
    covariance: Array
    readout: Array


@dataclass(frozen=True)
class Pairs:
    """Means over all pairs of points (i, j) of what makes a function at their angle of its values, [ANGLES].

    plain: as they are; scaled: times sqrt(K_ii K_jj); scale: the mean of K_ii.
    """

    plain: Array
    scaled: Array
    scale: float


def reaches(net: MLP) -> bool:
    """Whether there is a chain for such networks: see `Layer`, and docs/theory.md."""
    return not lacks(net)


def lacks(net: MLP) -> str:
    """What such networks lack for a chain, in words; empty where there is one."""
    kind, homogeneous = NORMS[net.norm], dual(ACTIVATIONS[net.activation]).homogeneous
    if kind.axis == "points":
        return f"with {kind.label}, what becomes of a point depends on the others"
    if net.width < LEAST_WIDTH:
        return f"a width of at least {LEAST_WIDTH} is needed"
    if not kind.scales:  # the variance of a layer is not fixed
        if net.norm != "none":
            return f"{kind.label} does not fix the variance of a layer"
        if net.bias_variance:
            return "without a norm, biases must be 0"
    if not homogeneous and not (kind.scales and net.placement == "before"):
        return f"{net.activation} needs a norm before it that scales"
    return ""


def of_data(x: npt.NDArray[np.float32], net: MLP, progress: bool = False) -> Pairs:
    """The pairs of points x [n, ...], as the first layer sees them, by rows: n^2 numbers are never kept."""
    flat = x.reshape(len(x), -1).astype(np.float64)
    weight = net.weight_variance / flat.shape[1]
    deviation = np.sqrt(weight * np.einsum("ij,ij->i", flat, flat) + net.bias_variance)
    plain, scaled = np.zeros(ANGLES), np.zeros(ANGLES)
    n = len(flat)
    with bar(progress, n, "point") as done:
        for start in range(0, n, ROWS):
            rows = slice(start, start + ROWS)
            scales = np.outer(deviation[rows], deviation)
            rho = (weight * flat[rows] @ flat.T + net.bias_variance) / scales
            cardinal = _cardinal(np.arccos(np.clip(rho, -1, 1)).ravel())
            plain += cardinal.sum(axis=0)
            scaled += scales.ravel() @ cardinal
            done.update(len(scales))
    return Pairs(plain / n**2, scaled / n**2, float(np.mean(deviation**2)))


def of_isotropic_points(net: MLP) -> Pairs:
    """Two points that are uncorrelated at the input, as all pairs of isotropic data are."""
    scale = net.weight_variance + net.bias_variance
    plain = _cardinal(np.arccos(np.array(net.bias_variance / scale)))
    return Pairs(plain, scale * plain, scale)


def statistics(net: MLP, pairs: Pairs) -> Iterator[tuple[Estimate[float], Estimate[float]]]:
    """gamma, and the standard deviation of G_0, of networks with 1..`net.depth` hidden layers, with 95 % intervals.

    gamma follows from the means of E K_ij and of E K_ii over the data. Two points get the same guess with a chance that
    is a function of their outputs' correlation (`guesses.agreements`), so its expectation is one more function.
    """
    layer = of_width(net)
    scaled = NORMS[net.norm].scales
    moments = pairs.plain if scaled else pairs.scaled
    covariance = layer.readout
    same = np.broadcast_to(guesses.agreements(np.cos(_angles()), net.classes), covariance.shape)
    for _ in range(net.depth):
        m = covariance @ moments
        trace = covariance[:, 0] * (1 if scaled else pairs.scale)
        same = np.einsum("rij,rj->ri", layer.agreement, same)
        square = guesses.fraction_variance(same @ pairs.plain, net.classes)
        yield interval_of_mean(m / (trace - m)), interval_of_mean(np.sqrt(square.clip(0)))
        covariance = np.einsum("rij,rj->ri", layer.covariance, covariance)


def of_width(net: MLP) -> Layer:
    """The layer of such a network. It depends neither on its depth nor on the data: it is drawn once, and kept.

    It is kept in $XDG_CACHE_HOME/normplace-chain (~/.cache), under the hash of all that it depends on, this code too. A
    damaged file is drawn anew.
    """
    assert reaches(net)
    return _layer(net.norm, str(net.placement), net.activation, net.width, net.variances)


@cache
def _layer(norm: str, placement: str, activation: str, width: int, variances: Variances) -> Layer:
    kind, phi = NORMS[norm], ACTIVATIONS[activation]
    path = _kept_at(kind, placement, phi, width, variances)
    try:
        kept, config = read_npz(path, Layer.__dataclass_fields__)
        if config == {"sha256": sha256_of_arrays(kept.values())}:
            return Layer(**kept)
    except UserError:
        pass
    layer = _drawn(kind, placement, phi, width, variances)
    arrays = {name: getattr(layer, name) for name in Layer.__dataclass_fields__}
    with suppress(OSError):  # where nothing can be kept it is drawn again
        path.parent.mkdir(parents=True, exist_ok=True)
        write_npz(path, arrays, {"sha256": sha256_of_arrays(arrays.values())})
    return layer


def _kept_at(kind: Norm, placement: str, phi: Activation, width: int, variances: Variances) -> Path:
    """The file of a layer. An activation is known by its values, since two may have one name."""
    values = np.asarray(phi.function(np.linspace(-4, 4, 201)), dtype=np.float32)
    code = [Path(__file__), Path(simulated.__file__), Path(duals.__file__)]
    depends_on = {
        "norm": [kind.axis, kind.centres, kind.scales, kind.eps], "placement": placement, "width": width,
        "variances": variances, "activation": sha256_of_arrays([values]),
        "sizes": [ANGLES, REPLICAS, PAIRS, LEAST_LAYERS, AT_ONCE],  # beside the code: tests set smaller ones
        "code": sha256_of_sources(code), "numpy": np.__version__, "scipy": scipy.__version__,
    }  # fmt: skip
    return user_cache() / "normplace-chain" / f"{sha256_of_json(depends_on)}.npz"


def _drawn(kind: Norm, placement: str, phi: Activation, width: int, variances: Variances) -> Layer:
    known = [_expectations(kind, placement, phi, float(angle), width) for angle in _angles()]
    parts = [
        _replica(kind, placement, phi, width, variances, known, np.random.default_rng(replica))
        for replica in range(REPLICAS)
    ]
    # Rounded far below their error: sums in another order, as on another day, then give the same bytes.
    return Layer(*(np.array(part).round(7) for part in zip(*parts, strict=True)))


def _replica(
    kind: Norm, placement: str, phi: Activation, width: int, variances: Variances, known: list[tuple[Array, Array]],
    generator: np.random.Generator,
) -> tuple[Array, Array, Array]:  # fmt: skip
    """One estimate of a `Layer`: at each angle, the regression of what drawn layers do on the controls.

    known: `_expectations` by angle.
    """
    angles, layers, at_once = _angles(), max(PAIRS // width, LEAST_LAYERS), max(AT_ONCE // width, 1)
    sums: list[tuple[Array, Array]] = []
    for start in range(0, layers, at_once):
        shape = min(at_once, layers - start), width
        u, other = (generator.standard_normal(shape, dtype=np.float32) for _ in range(2))
        phi_u = phi.function(u)
        of_u = _representation(u, phi_u, kind, placement, phi)
        for at, angle in enumerate(angles):
            v = np.float32(np.cos(angle)) * u
            v += np.float32(np.sin(angle)) * other
            phi_v = phi.function(v)
            expected, of_products = known[at]
            features = _features(kind, placement, (u, phi_u), (v, phi_v))
            means = np.stack([_mean(a, b) for a, b in features]) - expected[:, None]
            controls = np.vstack([np.ones(len(u)), _products(means) - of_products[:, None]])
            of_v = _representation(v, phi_v, kind, placement, phi)
            now = controls @ controls.T, controls @ _targets(of_u, of_v, kind, phi, variances)
            sums[at : at + 1] = [(sums[at][0] + now[0], sums[at][1] + now[1]) if start else now]
    rows = np.array([_intercept(*of_angle) for of_angle in sums])
    return rows[:, :ANGLES], rows[:, -1 - ANGLES : -1], rows[:, -1]


def _representation(z: Floats, phi_z: Any, kind: Norm, placement: str, phi: Activation) -> Floats:
    """What a layer makes of pre-activations [layers, width] of unit variance; phi_z: the activation's values there."""
    if placement == "before":
        return np.asarray(phi.function(normalise(z, kind)), dtype=np.float32)
    return normalise(np.asarray(phi_z, dtype=np.float32), kind)


def _targets(of_u: Floats, of_v: Floats, kind: Norm, phi: Activation, variances: Variances) -> Array:
    """What is averaged over drawn layers: [layers, ANGLES + 1] with a norm, whose weight is 1, else with both weights.

    See `Layer`.
    """
    row, column, both = (
        variances.weight * _mean(a, b) + variances.bias for a, b in ((of_u, of_u), (of_v, of_v), (of_u, of_v))
    )
    scale = np.sqrt(row * column)
    rho = np.divide(both, scale, out=np.zeros_like(both), where=scale > 0)
    cardinal = _cardinal(np.arccos(rho.clip(-1, 1)))
    if kind.scales:
        return np.column_stack([cardinal, both])
    unit = variances.weight * float(dual(phi).second_moment(np.array(1.0)))
    return np.column_stack([cardinal, scale[:, None] / unit * cardinal, both / unit])


def _features(kind: Norm, placement: str, at_u: tuple[Any, Any], at_v: tuple[Any, Any]) -> list[tuple[Any, Any]]:
    """Pairs of arrays over nodes; the means of their products over the nodes are the controls.

    at_u, at_v: pre-activations, and the activation's values there.
    """
    (u, phi_u), (v, phi_v) = at_u, at_v
    found = [(phi_u, phi_u), (phi_v, phi_v), (phi_u, phi_v)]
    if kind.centres:
        found += [(phi_u, None), (phi_v, None)]
    if kind.scales and placement == "before":
        found += [(u, u), (v, v), (u, v), *([(u, None), (v, None)] if kind.centres else [])]
    return found


def _mean(a: Floats, b: Floats | None) -> Array:
    """Over nodes, of a or a times b."""
    sums = np.einsum("ij->i", a) if b is None else np.einsum("ij,ij->i", a, b)
    return np.asarray(sums / a.shape[1], dtype=np.float64)


def _products(means: Array) -> Array:
    """Each of them, and the products of two, and of three where they are few: [means, ...] -> [controls, ...]."""
    return np.array([np.prod(means[list(factors)], axis=0) for factors in _factors(len(means))])


@cache
def _factors(count: int) -> list[tuple[int, ...]]:
    """Which of so many means are multiplied for each control."""
    orders = range(1, 4 if count <= 5 else 3)
    return [factors for order in orders for factors in combinations_with_replacement(range(count), order)]


def _expectations(kind: Norm, placement: str, phi: Activation, angle: float, width: int) -> tuple[Array, Array]:
    """Of the means over `width` independent nodes, and of the products of their deviations from that.

    Of a sum of independent terms the second and third central moments are the sums of the terms' own.
    """
    u, v, weights = _quadrature(angle)
    features = _features(kind, placement, (u, phi.function(u)), (v, phi.function(v)))
    values = np.stack([a if b is None else a * b for a, b in features])
    expected = values @ weights
    products = _products(values - expected[:, None]) @ weights
    orders = np.array([len(factors) for factors in _factors(len(values))])
    return np.asarray(expected), np.asarray(products / float(width) ** (orders - 1))


def _intercept(gram: Array, cross: Array) -> Array:
    """Of least squares by their normal equations; controls that say the same share their part."""
    scale = np.sqrt(np.diag(gram))
    scale = np.where(scale > 0, scale, 1)
    scaled = gram / np.outer(scale, scale) + RIDGE * np.eye(len(gram))
    return np.asarray(np.linalg.solve(scaled, cross / scale[:, None])[0] / scale[0])


@cache
def _angles() -> Array:
    """Chebyshev's points on [0, pi], from correlation 1 to -1."""
    return np.asarray(np.pi * (1 - np.cos(np.pi * np.arange(ANGLES) / (ANGLES - 1))) / 2)


@cache
def _spline() -> CubicSpline:
    """Of the functions that are 1 at one of the angles and 0 at the others."""
    return CubicSpline(_angles(), np.eye(ANGLES))


def _cardinal(angle: Array) -> Array:
    """The weights [..., ANGLES] with which a function's values at the angles make its value at others."""
    return np.asarray(_spline()(angle))


def _quadrature(angle: float) -> tuple[Array, Array, Array]:
    """Nodes u, v and weights for standard normal u, v at this angle, in polar coordinates.

    Activations may have a kink at 0: each sector between the lines u = 0 and v = 0 has nodes of its own.
    """
    edges = np.sort(np.mod([np.pi / 2, 3 * np.pi / 2, angle + np.pi / 2, angle + 3 * np.pi / 2], 2 * np.pi))
    edges = np.append(edges, edges[0] + 2 * np.pi)
    nodes, weights = leggauss(24)
    half = np.diff(edges)[:, None] / 2
    turn, of_turn = (edges[:-1, None] + half * (1 + nodes)).ravel(), (half * weights).ravel() / (2 * np.pi)
    nodes, weights = leggauss(60)
    radius = FARTHEST / 2 * (1 + nodes)
    of_radius = FARTHEST / 2 * weights * radius * np.exp(-(radius**2) / 2)
    u, v = (np.outer(radius, np.cos(turn - shift)).ravel() for shift in (0, angle))
    return u, v, np.outer(of_radius, of_turn).ravel()
