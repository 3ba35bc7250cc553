"""Infinite-width theory on a real data set: the whole kernel over its points, carried through the layers.

K[i, j] is the covariance over random weights of one node's values at points i and j, float64 [n, n].
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from normplace.networks.activations import ACTIVATIONS, Activation
from normplace.networks.norms import EPS, NORMS, Norm
from normplace.theories import guesses
from normplace.theories.duals import Array, dual
from normplace.theories.isotropic import DEAD, WEIGHT_VARIANCE

DRAWS_AT_ONCE = 1000
BATCH_NODES = 4096  # a layer: what the kernel of a batch-normalised layer is averaged over


def hidden_kernels(
    x: npt.NDArray[np.float32], norm: str, placement: str, activation: str, depth: int
) -> Iterator[Array]:
    """Kernels of the representations after layers 1..depth for points x [n, d].

    layer/rms before: K_ij / sqrt(K_ii K_jj). layer after: K_ij - m_i m_j, then the same; rms after: the same
    alone. Entry by entry, in closed form or by quadrature. Centring over the points: P K P with P = I - 11'/n.

    batch divides each node by its own deviation over the data, which no entry-by-entry map can do. Its kernel is
    an average over 4096 nodes a layer, drawn from N(0, K) with a fixed seed: gamma at depth 20 is good to 1 %.
    The simpler P K P / (tr(PKP)/n) divides all nodes by one deviation; it agrees where many
    directions share the variance, and goes wrong on images, whose variance sits in a few: with depth it lets one
    direction take everything, which no network does (tests/unit/theories/test_kernel.py measures both).
    """
    kind, phi = NORMS[norm], ACTIVATIONS[activation]
    averages, over_points = dual(phi), kind.axis == "points"
    flat = x.reshape(len(x), -1).astype(np.float64)
    kernel = WEIGHT_VARIANCE * flat @ flat.T / flat.shape[1]
    for layer in range(depth):
        if over_points and kind.scales:
            kernel = _batch_kernel(kernel, kind, placement, phi, np.random.default_rng(layer))
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
        yield kernel
        kernel = WEIGHT_VARIANCE * kernel


def _unit_variance(kernel: Array) -> Array:
    deviation = np.sqrt(np.diag(kernel))
    return np.asarray(kernel / np.outer(deviation, deviation))


def _centred(kernel: Array) -> Array:
    """P K P with P = I - 11'/n."""
    means = kernel.mean(axis=0)
    return np.asarray(kernel - means - means[:, None] + means.mean())


def _batch_kernel(kernel: Array, kind: Norm, placement: str, phi: Activation, generator: np.random.Generator) -> Array:
    nodes = _factor(kernel) @ generator.standard_normal((len(kernel), BATCH_NODES), dtype=np.float32)
    if placement == "before":
        nodes = _normalise_nodes(nodes, kind)
    nodes = phi.function(nodes)
    if placement == "after":
        nodes = _normalise_nodes(nodes, kind)
    exact = nodes.astype(np.float64)  # float32 sums would leave negative eigenvalues
    return np.asarray(exact @ exact.T / BATCH_NODES)


def _normalise_nodes(nodes: npt.NDArray[np.float32], kind: Norm) -> npt.NDArray[np.float32]:
    """Each node (column) centred, if `kind` does, and scaled over the points (rows): a dead node stays 0."""
    centred = nodes - nodes.mean(axis=0)
    return np.asarray((centred if kind.centres else nodes) / np.sqrt(centred.var(axis=0) + EPS))


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
    return float(np.sqrt(max(guesses.agreements(rho, classes).mean() / classes - 1 / classes**2, 0.0)))


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
