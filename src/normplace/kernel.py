"""Infinite-width theory on a real data set: the whole kernel over its points, carried through the layers.

K[i, j] is the covariance over random weights of one node's values at points i and j, float64 [n, n].
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from normplace.activations import DUALS, Array
from normplace.theory import DEAD, WEIGHT_VARIANCE

DRAWS_AT_ONCE = 1000


def hidden_kernels(
    x: npt.NDArray[np.float32], norm: str, placement: str, activation: str, depth: int
) -> Iterator[Array]:
    """Kernels of the representations after layers 1..depth for points x [n, d].

    layer/rms before: K_ij / sqrt(K_ii K_jj). layer after: K_ij - m_i m_j, then the same; rms after: the same
    alone. batch, before or after: P K P / (tr(PKP)/n) with P = I - 11'/n, exact when many directions of the
    data share the variance and an approximation for few. Measured against networks of width 1000 on images whose
    variance sits in 10 to 26 directions (scikit-learn digits, MNIST, CIFAR-10), depths 1 to 5: kernels are off by
    3 to 14 % (before) and 20 to 50 % (after, where little is left to be right about), gamma by less than 1 %, the
    standard deviation of G_0 by less than 0.002 (before) and 0.007 (after).
    """
    dual = DUALS[activation]
    flat = x.reshape(len(x), -1).astype(np.float64)
    kernel = WEIGHT_VARIANCE * flat @ flat.T / flat.shape[1]
    for _ in range(depth):
        if placement == "before":
            kernel = _centre_and_scale(kernel) if norm == "batch" else _unit_variance(kernel)
        variance = np.diag(kernel).copy()
        if variance.max() < DEAD:  # so close to 0 every activation is linear: correlations stay
            yield kernel
            continue
        mean = dual.mean(variance)
        second_moment = dual.second_moment(variance)
        deviation = np.sqrt(variance)
        rho = np.clip(kernel / np.outer(deviation, deviation), -1, 1)
        kernel = dual.product(variance[:, None], variance[None, :], rho)
        np.fill_diagonal(kernel, second_moment)
        if placement == "after" and norm == "batch":
            kernel = _centre_and_scale(kernel)
        elif placement == "after":
            kernel = _unit_variance(kernel - np.outer(mean, mean) if norm == "layer" else kernel)
        yield kernel
        kernel = WEIGHT_VARIANCE * kernel


def _unit_variance(kernel: Array) -> Array:
    deviation = np.sqrt(np.diag(kernel))
    return np.asarray(kernel / np.outer(deviation, deviation))


def _centre_and_scale(kernel: Array) -> Array:
    row_means = kernel.mean(axis=0)
    centred = kernel - row_means - row_means[:, None] + row_means.mean()
    return np.asarray(centred / (np.trace(centred) / len(centred)))


def gamma(kernel: Array) -> float:
    """gamma = m / (tr(K)/n - m), m = 1'K1/n^2. Not below 0: a centred kernel's m is 0 up to rounding."""
    m = max(float(kernel.mean()), 0.0)
    return m / (float(np.trace(kernel)) / len(kernel) - m)


def guess_fraction_std(kernel: Array) -> float:
    """Standard deviation of G_0 for two classes, exact at infinite width: mean of arcsin(rho_ij) / (2 pi)."""
    deviation = np.sqrt(np.diag(kernel))
    rho = np.clip(kernel / np.outer(deviation, deviation), -1, 1)
    return float(np.sqrt(max(np.arcsin(rho).mean() / (2 * np.pi), 0.0)))


def draw_guess_fractions(kernel: Array, classes: int, draws: int, seed: int) -> npt.NDArray[np.float32]:
    """Guess fractions [draws, classes] of infinitely wide networks, sampled as Gaussian processes on the points.

    Each output node is a draw f ~ N(0, K) over the n points; the guess is the largest. No network is built.
    """
    n = len(kernel)
    eigenvalues, vectors = np.linalg.eigh(kernel)
    factor = (vectors * np.sqrt(np.clip(eigenvalues, 0, None))).astype(np.float32)
    generator = np.random.default_rng(seed)
    fractions = np.empty((draws, classes), dtype=np.float32)
    for start in range(0, draws, DRAWS_AT_ONCE):
        count = min(DRAWS_AT_ONCE, draws - start)
        normals = generator.standard_normal((n, count * classes), dtype=np.float32)
        outputs = (factor @ normals).reshape(n, count, classes)
        guesses = outputs.argmax(axis=2)
        for label in range(classes):
            fractions[start : start + count, label] = (guesses == label).mean(axis=0)
    return fractions
