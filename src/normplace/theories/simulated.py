"""Networks of finite width in numpy: what theory simulates where it has no formula, and the histogram of G_0.

Only the hidden layers are drawn. What the output layer adds is averaged by hand where a mean is wanted, or drawn many
times per network. The code is independent of the sampler: both follow from the records of the norms and activations,
and tests hold them together.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from normplace.networks.activations import ACTIVATIONS
from normplace.networks.architecture import MLP
from normplace.networks.norms import NORMS, Norm
from normplace.progress import bar
from normplace.statistics import Estimate, Floats, interval_of_mean, interval_of_ratio
from normplace.theories import guesses

POINTS = 2000  # from which guesses are counted, unless a norm looks over all points
PAIRED = 100  # points of a network whose pairs are compared, for the deviation of G_0; other ones for each network


def normalise(values: Floats, kind: Norm) -> Floats:
    """A norm's effect on values [points, nodes]: a node that is dead over the points stays 0."""
    axis = 0 if kind.axis == "points" else 1
    if not (kind.centres or kind.scales):
        return values
    centred = values - values.mean(axis=axis, keepdims=True)
    kept = centred if kind.centres else values
    if not kind.scales:
        return kept
    deviates = centred if kind.centres or kind.axis == "points" else values
    square = np.mean(deviates * deviates, axis=axis, keepdims=True)
    return np.asarray(kept / np.sqrt(square + np.float32(kind.eps)))


def hidden_layers(x: Floats, net: MLP, generator: np.random.Generator) -> Iterator[Floats]:
    """The representations [points, width] of one random network's layers 1 to `net.depth`, for points x [points, d]."""
    kind, phi = NORMS[net.norm], ACTIVATIONS[net.activation].function
    h, scale = x, np.float32(net.weight_variance**0.5)
    for layer in range(net.depth):
        if layer:
            scale = np.float32((net.weight_variance / net.width) ** 0.5)
        h = h @ (scale * generator.standard_normal((h.shape[1], net.width), dtype=np.float32))
        if net.bias_variance:
            h += np.float32(net.bias_variance**0.5) * generator.standard_normal(net.width, dtype=np.float32)
        h = normalise(h, kind) if net.placement == "before" else h
        h = np.asarray(phi(h), dtype=np.float32)
        h = normalise(h, kind) if net.placement == "after" else h
        yield h


def _features(x: Floats) -> Floats:
    """F [n, at most n] with F F' = X X' / d: Gaussian weights see no difference."""
    flat = x.reshape(len(x), -1).astype(np.float64)
    flat /= flat.shape[1] ** 0.5
    if flat.shape[1] > len(flat):
        values, vectors = np.linalg.eigh(flat @ flat.T)
        flat = vectors * np.sqrt(values.clip(0))
    return np.asarray(flat, dtype=np.float32)


def statistics(
    x: Floats, net: MLP, networks: int, seed: int, progress: bool
) -> list[tuple[Estimate[float], Estimate[float]]]:
    """gamma, and the standard deviation of G_0, at depths 1..`net.depth`, each with its 95 % interval.

    Given the last hidden layer h of a network, the variance over readouts of an output's mean is
    sigma_w^2 |mean_x h|^2 / N + sigma_b^2, and its expected variance over x sigma_w^2 / N times the trace of h's
    covariance; the chance that two points get the same guess is a function of their outputs' correlation.
    """
    features = _features(x)
    rows = []
    with bar(progress, networks, "net") as done:
        for index in range(networks):
            compared = np.random.default_rng([seed, index, 1]).permutation(len(x))[:PAIRED]
            layers = hidden_layers(features, net, np.random.default_rng([seed, index]))
            rows.append([_conditional(h, net, compared, len(x)) for h in layers])
            done.update()
    between, within, same = np.moveaxis(np.array(rows), 2, 0)
    estimates = []
    for depth in range(net.depth):
        square = interval_of_mean(guesses.fraction_variance(same[:, depth], net.classes))
        deviation = Estimate(*(max(end, 0.0) ** 0.5 for end in square))
        estimates.append((interval_of_ratio(between[:, depth], within[:, depth]), deviation))
    return estimates


def _conditional(h: Floats, net: MLP, compared: npt.NDArray[np.intp], n: int) -> tuple[float, float, float]:
    """Of one network's outputs: the variance of their mean, their mean variance, how often two points guess alike."""
    factor = net.weight_variance / net.width
    mean = h.mean(axis=0, dtype=np.float64)
    between = factor * float(mean @ mean)
    within = factor * float(np.vdot(h, h)) / n - between
    few = h[compared].astype(np.float64)
    kernel = factor * few @ few.T + net.bias_variance
    deviation = np.sqrt(np.diag(kernel))
    rho = guesses.correlations(kernel, deviation[:, None], deviation)
    chances = guesses.agreements(rho, net.classes)
    m = len(few)
    of_two = (chances.sum() - np.trace(chances)) / (m * (m - 1))
    return between + net.bias_variance, within, float(1 / n + (1 - 1 / n) * of_two)


def draw_guess_fractions(x: Floats, net: MLP, networks: int, draws: int, seed: int) -> Floats:
    """Guess fractions [draws, classes] of networks of depth `net.depth`: several readouts of each network's last layer.

    They are counted on at most 2000 of the points x [n, ...], other ones for each network, or, with a norm over the
    points, on all of them. Counting on fewer adds a known variance, by which the fractions are drawn together towards
    their mean.
    """
    n = seen = len(x)
    if NORMS[net.norm].axis == "nodes":
        x, seen = x[np.random.default_rng(seed).permutation(n)], min(n, POINTS)
    features, networks = _features(x), min(networks, draws)
    readouts = -(-draws // networks)
    fractions: list[Floats] = []
    for index in range(networks):
        generator = np.random.default_rng([seed, index])
        some = features if seen == n else features[np.random.default_rng([seed, index, 1]).permutation(n)[:seen]]
        *_, h = hidden_layers(some, net, generator)
        weights = generator.standard_normal((net.width, readouts * net.classes), dtype=np.float32)
        outputs = np.float32((net.weight_variance / net.width) ** 0.5) * (h @ weights)
        outputs += np.float32(net.bias_variance**0.5) * generator.standard_normal(outputs.shape[1], dtype=np.float32)
        guessed = outputs.reshape(seen, readouts, net.classes).argmax(axis=2)
        fractions.append(np.stack([(guessed == label).mean(axis=0) for label in range(net.classes)], axis=1))
    # Readouts of all networks in turn, so that fewer draws are of as many networks.
    counted = np.stack(fractions, axis=1).reshape(-1, net.classes)[:draws]
    chance = np.mean(counted * (1 - counted)) / max(seen - 1, 1) * (1 - seen / n)
    shrunk = max(1 - chance / max(np.mean((counted - 1 / net.classes) ** 2), 1e-12), 0) ** 0.5
    return np.asarray(1 / net.classes + shrunk * (counted - 1 / net.classes), dtype=np.float32)
