"""Infinite-width theory on a real data set: the whole kernel over its points, carried through the layers.

K[i, j] is the covariance over random weights of one node's pre-activations, or of the outputs, at points i and j;
float64 [n, n].
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy.special import roots_laguerre

from normplace.networks.activations import ACTIVATIONS, Activation
from normplace.networks.architecture import HE, Variances
from normplace.networks.norms import EPS, NORMS, Norm
from normplace.statistics import Array
from normplace.theories import guesses
from normplace.theories.duals import Dual, dual
from normplace.theories.isotropic import DEAD
from normplace.theories.simulated import normalise

DRAWS_AT_ONCE = 1000
BATCH_NODES = 4096  # a layer, where the kernel of a batch-normalised one is an average over nodes
LAGUERRE = 8  # nodes of the integral over BatchNorm's deviation: doubling them moves gamma by less than 2e-5 on images
NO_MEAN = 1e-9  # a gamma that is 0 by construction, but for rounding
ROWS = 128  # of a kernel at once


def is_averaged(norm: str, placement: str, activation: str) -> bool:
    """Whether the kernel is an average over `BATCH_NODES` nodes, whose gamma is biased by a multiple of 1 / nodes.

    Dividing each node by its own deviation over the points has an exact form for a whole BatchNorm before a
    homogeneous activation, phi(c z) = c phi(z), and no other: phi(z / sd) or phi(z) / sd(phi(z)) do not factor.
    """
    kind = NORMS[norm]
    exact = kind.centres and placement == "before" and dual(ACTIVATIONS[activation]).homogeneous
    return kind.axis == "points" and kind.scales and not exact


def input_kernel(x: npt.NDArray[np.float32], variances: Variances = HE) -> Array:
    """sigma_w^2 X X' / d + sigma_b^2 of points x [n, ...]: what the first layer's nodes see."""
    flat = x.reshape(len(x), -1).astype(np.float64)
    return np.asarray(variances.weight * flat @ flat.T / flat.shape[1] + variances.bias)


def output_kernels(
    x: npt.NDArray[np.float32],
    norm: str,
    placement: str,
    activation: str,
    depth: int,
    variances: Variances = HE,
    seed: int = 0,
) -> Iterator[Array]:
    """Kernels of the outputs of networks with 1..depth hidden layers, for points x [n, ...].

    A layer maps K, the covariance of its pre-activations, to that of the next one's, sigma_w^2 K' + sigma_b^2. K' by
    norm: layer/rms before: K_ij / sqrt(K_ii K_jj), then the activation's dual. layer after: the dual, K_ij - m_i m_j,
    then the same; rms after: the same alone. Entry by entry, in closed form or by quadrature. Centring over the points:
    P K P with P = I - 11'/n.

    batch divides each node by its own deviation over the data, which no entry-by-entry map can do: `_batch_kernel`
    before a homogeneous activation, else an average over `BATCH_NODES` nodes per layer, drawn from N(0, K) under this
    seed. The simpler P K P / (tr(PKP)/n) divides all nodes by one deviation; it agrees where many directions share the
    variance, and goes wrong on images, whose variance sits in a few: with depth it lets one
    direction take everything, which no network does (tests/unit/theories/test_kernel.py measures both).
    """
    kind, phi = NORMS[norm], ACTIVATIONS[activation]
    averages, over_points = dual(phi), kind.axis == "points"
    kernel = input_kernel(x, variances)
    for layer in range(depth):
        if is_averaged(norm, placement, activation):
            kernel = _averaged_kernel(kernel, kind, placement, phi, BATCH_NODES, np.random.default_rng([layer, seed]))
        elif over_points and kind.scales:
            kernel = _batch_kernel(_centred(kernel), averages)
        else:
            if placement == "before":
                kernel = _centred(kernel) if over_points else _unit_variance(kernel) if kind.scales else kernel
            variance = np.diag(kernel).copy()
            if variance.max() < DEAD:  # so close to 0 every activation is linear: correlations stay
                yield kernel
                continue
            mean = averages.mean(variance)
            deviation = np.sqrt(variance)
            rho = np.clip(kernel / np.outer(deviation, deviation), -1, 1)
            kernel = averages.product(variance[:, None], variance[None, :], rho)
            np.fill_diagonal(kernel, averages.second_moment(variance))
            if placement == "after":
                if kind.centres:
                    kernel = _centred(kernel) if over_points else kernel - np.outer(mean, mean)
                kernel = _unit_variance(kernel) if kind.scales else kernel
        kernel = variances.weight * kernel + variances.bias
        yield kernel


def _unit_variance(kernel: Array) -> Array:
    deviation = np.sqrt(np.diag(kernel))
    return np.asarray(kernel / np.outer(deviation, deviation))


def _centred(kernel: Array) -> Array:
    """P K P with P = I - 11'/n."""
    means = kernel.mean(axis=0)
    return np.asarray(kernel - means - means[:, None] + means.mean())


def _batch_kernel(centred: Array, averages: Dual) -> Array:
    """The kernel after BatchNorm and a homogeneous activation, of S = P K P: E phi(z) phi(z)' / v, v = |z|^2/n + eps.

    1/v is an integral of exp(-s v), and exp(-s |z|^2) makes of N(0, S) another Gaussian of covariance
    M = S (I + 2 s S)^-1, whose dual is known. So with y = s n eps + log det(I + 2 s S) / 2 as variable
        K' = n integral_0^inf exp(-y) k(M) / (n eps + tr M) dy,
    whose integrand hardly varies but for exp(-y): a few nodes of Gauss and Laguerre do.
    """
    n = len(centred)
    values, vectors = np.linalg.eigh(centred)
    values = values.clip(0)
    nodes, weights = roots_laguerre(LAGUERRE)
    total = np.zeros_like(centred)
    for s, weight in zip(_tilts(nodes, values, n * EPS), weights, strict=True):
        tilted = values / (1 + 2 * s * values)
        factor = vectors * np.sqrt(tilted)
        variance = np.einsum("ij,ij->i", factor, factor)
        deviation = np.sqrt(variance) + np.finfo(float).tiny
        scale = weight * n / (n * EPS + tilted.sum())
        for start in range(0, n, ROWS):  # the kernel is symmetric: from the diagonal on
            rows = slice(start, start + ROWS)
            rho = factor[rows] @ factor[start:].T
            rho /= deviation[rows, None]
            rho /= deviation[start:]
            total[rows, start:] += scale * averages.product(variance[rows, None], variance[start:], rho)
    upper = np.triu(total)
    return np.asarray(upper + np.triu(upper, 1).T)


def _tilts(y: Array, values: Array, floor: float) -> Array:
    """The s with s floor + sum log(1 + 2 s values) / 2 = y, by Newton's method: concave in s, so it climbs to them."""
    s = np.zeros_like(y)
    for _ in range(200):
        grown = 1 + 2 * s[:, None] * values
        step = (y - s * floor - np.log(grown).sum(axis=1) / 2) / (floor + (values / grown).sum(axis=1))
        s += step
        if (np.abs(step) <= 1e-13 * s).all():
            return s
    raise ArithmeticError("BatchNorm's integral over the deviation has not been set up within 200 steps")


def _averaged_kernel(
    kernel: Array, kind: Norm, placement: str, phi: Activation, count: int, generator: np.random.Generator
) -> Array:
    # Nodes are rows of the draws, so that more of them begin with the same ones.
    nodes = _factor(kernel) @ generator.standard_normal((count, len(kernel)), dtype=np.float32).T
    if placement == "before":
        nodes = normalise(nodes, kind)
    nodes = np.asarray(phi.function(nodes), dtype=np.float32)
    if placement == "after":
        nodes = normalise(nodes, kind)
    exact = nodes.astype(np.float64)  # float32 sums would leave negative eigenvalues
    return np.asarray(exact @ exact.T / count)


def _factor(kernel: Array) -> npt.NDArray[np.float32]:
    """F [n, n] with F F' = K, up to a billionth of its mean variance: kernels of deep networks are nearly singular."""
    jitter = 1e-9 * np.trace(kernel) / len(kernel)
    return np.asarray(np.linalg.cholesky(kernel + jitter * np.eye(len(kernel))), dtype=np.float32)


def gamma(kernel: Array) -> float:
    """gamma = m / (tr(K)/n - m), m = 1'K1/n^2. Not below 0: a centred kernel's m is 0 up to rounding."""
    m = max(float(kernel.mean()), 0.0)
    return m / (float(np.trace(kernel)) / len(kernel) - m)


def guess_fraction_std(kernel: Array, classes: int = 2) -> float:
    """Standard deviation of G_0, exact at infinite width: it follows from how often two points get the same guess.

    For two classes its square is the mean of arcsin(rho_ij) / (2 pi).
    """
    rho = np.clip(_unit_variance(kernel), -1, 1)
    return float(np.sqrt(max(guesses.fraction_variance(guesses.agreements(rho, classes).mean(), classes), 0.0)))


def draw_guess_fractions(kernel: Array, classes: int, draws: int, seed: int) -> npt.NDArray[np.float32]:
    """Guess fractions [draws, classes] of infinitely wide networks, sampled as Gaussian processes on the points.

    Each output node is a draw f ~ N(0, K) over the n points; the guess is the largest. No network is built.
    """
    n, factor = len(kernel), _factor(kernel)
    generator = np.random.default_rng(seed)
    fractions = np.empty((draws, classes), dtype=np.float32)
    for start in range(0, draws, DRAWS_AT_ONCE):
        count = min(DRAWS_AT_ONCE, draws - start)
        normals = generator.standard_normal((n, count * classes), dtype=np.float32)
        outputs = (factor @ normals).reshape(n, count, classes)
        guessed = outputs.argmax(axis=2)
        for label in range(classes):
            fractions[start : start + count, label] = (guessed == label).mean(axis=0)
    return fractions
