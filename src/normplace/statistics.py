"""Statistics of prejudice from sampled networks: gamma, its interval, the regime seen, distances to a theory."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

# The regime by experiment, fixed before looking. Depth turns a finite limit of gamma into a growth exponent
# of 0 and a deeply prejudiced one into an exponent of 1 or more; halfway is the boundary. A gamma below
# NEUTRAL_GAMMA moves G_0 by a standard deviation of at most 0.12.
NEUTRAL_GAMMA = 0.1
GROWTH = 0.5
CONFIDENCE = 0.95


@dataclass(frozen=True)
class SeenRegime:
    """name: a regime or "undecided"; growth: d log gamma / d log depth over the last doubling, with its interval.

    gamma: at the last depth, as the guesses imply it (`gamma_of_guesses`), with its interval.
    """

    name: str
    gamma: float
    gamma_low: float
    gamma_high: float
    growth: float
    growth_low: float
    growth_high: float


def gamma(output_mean: npt.NDArray[Any], output_var: npt.NDArray[Any]) -> Array:
    """gamma = Var_W(E_x f_c) / E_W(Var_x f_c), pooled over output nodes: [..., inits, classes] -> [...].

    Var_W is unbiased over initialisations, Var_x the population variance over points.
    """
    between = output_mean.astype(np.float64).var(axis=-2, ddof=1).mean(axis=-1)
    return np.asarray(between / output_var.astype(np.float64).mean(axis=(-2, -1)))


def bootstrap_gamma(output_mean: npt.NDArray[Any], output_var: npt.NDArray[Any], resamples: int, seed: int) -> Array:
    """gamma of `resamples` bootstrap samples of the networks: [depth, inits, classes] -> [resamples, depth].

    Networks, not nodes, are resampled, the same ones at every depth: they are the independent units.
    """
    depth, inits, classes = output_mean.shape
    draws = np.random.default_rng(seed).integers(inits, size=(resamples, inits))
    weights = np.stack([np.bincount(row, minlength=inits) for row in draws]) / inits
    mean = output_mean.astype(np.float64).transpose(1, 0, 2).reshape(inits, depth * classes)
    first = (weights @ mean).reshape(resamples, depth, classes)
    second = (weights @ mean**2).reshape(resamples, depth, classes)
    between = (second - first**2).clip(0).mean(axis=2) * inits / (inits - 1)
    within = weights @ output_var.astype(np.float64).mean(axis=2).T
    return np.asarray(between / within)


def interval(samples: Array) -> tuple[Array, Array]:
    """The central 95 % of bootstrap samples along axis 0."""
    low, high = np.quantile(samples, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], axis=0)
    return low, high


def gamma_of_guesses(second_moment: Array) -> Array:
    """The gamma that two-class guesses imply: Var G_0 = arcsin(gamma / (1 + gamma)) / (2 pi), solved for gamma.

    second_moment: of G_0 about its mean 1/2, at most 1/4. Unlike `gamma` it looks at guesses alone, which do
    not change when a network's outputs are scaled; without a norm that scale varies wildly between deep networks.
    """
    rho = np.sin(2 * np.pi * np.minimum(second_moment, 0.25))
    with np.errstate(divide="ignore"):
        return np.asarray(rho / (1 - rho))


def seen_regime(guess_fraction: npt.NDArray[Any], resamples: int, seed: int) -> SeenRegime:
    """The regime that the guesses of sampled two-class networks show: G_0 as [depth, inits], depth at least 2.

    neutral: gamma (of guesses) below 0.1 at the last depth, or falling faster than depth^-0.5. deeply prejudiced:
    above 1 and growing faster than depth^0.5. prejudiced: above 0.1 and in between. Each with its whole 95 %
    bootstrap interval over networks, else undecided.
    """
    depth, inits = guess_fraction.shape
    half = depth // 2
    squares = (guess_fraction[[half - 1, depth - 1]].astype(np.float64) - 0.5) ** 2
    draws = np.random.default_rng(seed).integers(inits, size=(resamples, inits))
    resampled = np.stack([gamma_of_guesses(row[draws].mean(axis=1)) for row in squares])
    estimates = gamma_of_guesses(squares.mean(axis=1))
    growth, *growths = (_growth(values, depth / half) for values in (estimates, resampled))
    low, high = interval(resampled[1])
    growth_low, growth_high = interval(growths[0])
    if high < NEUTRAL_GAMMA or growth_high < -GROWTH:
        name = "neutral"
    elif low > 1 and growth_low > GROWTH:
        name = "deeply prejudiced"
    elif low > NEUTRAL_GAMMA and growth_low > -GROWTH and growth_high < GROWTH:
        name = "prejudiced"
    else:
        name = "undecided"
    numbers = (estimates[1], low, high, growth, growth_low, growth_high)
    return SeenRegime(name, *(float(number) for number in numbers))


def _growth(half_and_last: Array, ratio: float) -> Array:
    """d log gamma / d log depth between two depths of this ratio; rows half, last."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.log(half_and_last[1] / half_and_last[0]) / np.log(ratio))


def proportion(count: int, n: int) -> tuple[float, float, float]:
    """A share with its 95 % Wilson interval."""
    from scipy.stats import binomtest  # scipy.stats takes a second to import, and sampling needs none of it

    low, high = binomtest(count, n).proportion_ci(CONFIDENCE, method="wilson")
    return count / n, float(low), float(high)


def distance_to_distribution(values: npt.NDArray[Any], distribution: Callable[[Array], Array], points: int) -> float:
    """Kolmogorov-Smirnov distance between sampled G_0 and a continuous distribution function.

    G_0 is a count over `points`, so the share of networks with at most k of them is held against the theory at
    (k + 1/2) / points: a continuous theory cannot put mass on exactly 0 and 1, where deep networks have most.
    """
    counts = np.rint(values.astype(np.float64) * points).astype(np.int64)
    seen = np.cumsum(np.bincount(counts, minlength=points + 1)) / len(counts)
    expected = distribution((np.arange(points) + 0.5) / points)
    return float(np.abs(seen[:-1] - expected).max())


def distance_between_samples(first: npt.NDArray[Any], second: npt.NDArray[Any]) -> float:
    """Kolmogorov-Smirnov distance between two samples."""
    from scipy.stats import kstest

    return float(kstest(first.astype(np.float64), second.astype(np.float64)).statistic)


def ks_critical(n: int, m: float = np.inf) -> float:
    """The distance that samples of sizes n and m from one distribution stay below in 95 of 100 cases (asymptotic)."""
    return float(1.358 * np.sqrt(1 / n + 1 / m))
