"""Statistics of prejudice from sampled networks: gamma, its interval, the regime by growth, distances to a theory."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Number = TypeVar("Number", float, Array)

# The regime by growth, fixed before looking. Depth turns a finite limit of gamma into a growth exponent of 0 and a
# deeply prejudiced one into an exponent of 1 or more; halfway is the boundary. A gamma below NEUTRAL_GAMMA moves G_0
# by a standard deviation of at most 0.12.
NEUTRAL_GAMMA = 0.1
FALLING_GAMMA = 0.5  # a gamma that falls with depth must be below this, too, to be called neutral
GROWTH = 0.5
CONFIDENCE = 0.95
Z95 = 1.959963984540054  # half an interval of this confidence, in standard errors of a normal estimate
# Units of a ratio among which the largest of log-normal numbers are mostly missing, and from how many on they are not.
FEW, MANY = 250, 2000
LEAST_SKEWNESS = -1.0  # of logarithms taken for normal
LEAST_SKEWNESS_DRAWN = -0.5  # the same of outputs as drawn: squares of normal numbers have -1.5, means of two -1.1
WIDEST = 300.0  # of half an interval of a logarithm, beyond which there is no number
BINS = 41  # of histograms of G_0 over 0..1, fixed, so that they can be compared; odd, so that 1/2 is inside a bin
_ENDS = ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2)  # quantiles


class Estimate(NamedTuple, Generic[Number]):
    """A value with its 95 % interval: three numbers, or three arrays of one shape."""

    value: Number
    low: Number
    high: Number


@dataclass(frozen=True)
class RegimeByGrowth:
    """name: a regime or "undecided". gamma: at the last depth, as the guesses imply it (`gamma_of_guesses`).

    growth: d log gamma / d log depth over the last doubling.
    """

    name: str
    gamma: Estimate[float]
    growth: Estimate[float]


def bootstrap(n: int, resamples: int, seed: int) -> npt.NDArray[np.int64]:
    """Bootstrap samples of n independent units, as their indices: [resamples, n]."""
    return np.random.default_rng(seed).integers(n, size=(resamples, n))


def interval(samples: Array) -> tuple[Array, Array]:
    """The central 95 % of bootstrap samples along axis 0, infinite ones among them."""
    with np.errstate(invalid="ignore"):
        ends = np.quantile(np.sort(samples, axis=0), _ENDS, axis=0)
    # numpy finds no number between two infinities.
    low, high = np.where(np.isnan(ends) & ~np.isnan(samples).any(axis=0), np.inf, ends)
    return low, high


def interval_of_mean(values: Array) -> Estimate[float]:
    """The mean of n independent values, with its 95 % interval by Student's t."""
    from scipy.special import stdtrit

    half = float(stdtrit(len(values) - 1, _ENDS[1]) * values.std(ddof=1) / len(values) ** 0.5)
    mean = float(values.mean())
    return Estimate(mean, mean - half, mean + half)


def interval_of_ratio(numerators: Array, denominators: Array) -> Estimate[float]:
    """The ratio of two means over n independent units, with its 95 % interval by the delta method on its logarithm.

    The logarithm of a ratio of positive sums is nearer to normal than the ratio is. Of few units that interval is
    mostly too low where numbers are log-normal, as deep networks' without a norm: then it reaches up to the end that
    it has for log-normal numbers.
    """
    ratio = float(numerators.mean() / denominators.mean())
    if not (np.isfinite(ratio) and ratio > 0):
        return Estimate(ratio, ratio, ratio)
    half = interval_of_mean(deviations_of_ratio(numerators, denominators)).high
    high = _reaching_up(float(ratio * np.exp(half)), numerators, denominators, LEAST_SKEWNESS)
    return Estimate(ratio, float(ratio * np.exp(-half)), high)


def deviations_of_ratio(numerators: Array, denominators: Array) -> Array:
    """What each unit adds to the ratio's logarithm: their mean is 0, its standard error the logarithm's."""
    return np.asarray(numerators / numerators.mean() - denominators / denominators.mean())


def _reaching_up(high: float, numerators: Array, denominators: Array, least_skewness: float) -> float:
    """The upper end of an interval, moved up to that of log-normal numbers where these are few: less so, the more."""
    share = np.clip(np.log(MANY / len(numerators)) / np.log(MANY / FEW), 0.0, 1.0)
    end = _log_normal_end(numerators, denominators, least_skewness) if share else 0.0
    return float(high ** (1 - share) * end**share) if end > high else high


def _log_normal_end(numerators: Array, denominators: Array, least_skewness: float) -> float:
    """The upper end of a 95 % interval of E a / E b, for few numbers a and b that are log-normal together.

    0 where logarithms of numerators are clearly not normal. With u = log a - log b and
    w = log a + log b it is that of E u + Cov(u, w) / 2: a generalised confidence interval (Krishnamoorthy and Mathew
    2003 have it for one log-normal mean), by draws of the pivots of mean and covariance.
    """
    if len(numerators) < 3 or min(numerators.min(), denominators.min()) <= 0:
        return 0.0
    a, b = np.log(numerators), np.log(denominators)
    if _skewness(a) < least_skewness:
        return 0.0
    u, w = a - b, a + b
    of_u, of_w = u - u.mean(), w - w.mean()
    # The Cholesky factor of the sums of squares and products, and the covariances that may have led to it.
    first = float(of_u @ of_u) ** 0.5
    below = float(of_u @ of_w) / first if first else 0.0
    second = max(float(of_w @ of_w) - below**2, 0.0) ** 0.5
    diagonal, off, last, normal = _pivots(len(u))
    sd = first / diagonal
    covariance = sd * (below - second * off / last) / diagonal
    end = float(np.quantile(u.mean() - sd * normal + covariance / 2, _ENDS[1]))
    return float(np.exp(min(end, WIDEST)))


def _skewness(values: Array) -> float:
    deviations = values - values.mean()
    variance = float((deviations**2).mean())
    return float((deviations**3).mean() / variance**1.5) if variance else 0.0


@cache
def _pivots(n: int) -> tuple[Array, Array, Array, Array]:
    """2000 draws of a Cholesky factor of a Wishart matrix of n - 1 degrees of freedom (Bartlett), and of a mean."""
    rng, draws = np.random.default_rng(0), 2000
    diagonal, last = (rng.chisquare(n - less, draws) ** 0.5 for less in (1, 2))
    return diagonal, rng.standard_normal(draws), last, rng.standard_normal(draws) / n**0.5


def gamma_of_outputs(output_mean: npt.NDArray[Any], output_var: npt.NDArray[Any]) -> Estimate[float]:
    """gamma of networks' outputs, [inits, classes], with its 95 % interval: jackknife of log gamma, Student's t.

    Leaving out networks, unlike drawing them again, repeats none: an interval of a variance over few networks stays
    about the truth with a thousand classes too. Of 2 networks it is unbounded; of few it reaches up as
    `interval_of_ratio`'s does.
    """
    squares, within = _squares_and_within(output_mean, output_var)
    n = len(squares)
    value = float(squares.sum() / (n - 1) / within.mean())
    if not (np.isfinite(value) and value > 0):
        return Estimate(value, value, value)
    if n < 3:
        return Estimate(value, 0.0, np.inf)
    half = min(interval_of_mean(_jackknife(squares, within)).high, WIDEST)
    high = _reaching_up(float(value * np.exp(half)), squares * n / (n - 1), within, LEAST_SKEWNESS_DRAWN)
    return Estimate(value, float(value * np.exp(-half)), high)


def deviations_of_outputs(output_mean: npt.NDArray[Any], output_var: npt.NDArray[Any]) -> Array:
    """What each of 3 or more networks adds to log gamma of their outputs: the jackknife's pseudo-values, less its mean.

    They are like independent draws, whose mean has log gamma's variance.
    """
    return _jackknife(*_squares_and_within(output_mean, output_var))


def _jackknife(squares: Array, within: Array) -> Array:
    n = len(squares)
    tiny = np.finfo(float).tiny  # of one network that has it all, nothing is left
    between = (squares.sum() - squares * n / (n - 1)).clip(tiny) / (n - 2)
    logs = np.log(between / ((within.sum() - within).clip(tiny) / (n - 1)))
    return np.asarray((n - 1) * (logs.mean() - logs))


def _squares_and_within(output_mean: npt.NDArray[Any], output_var: npt.NDArray[Any]) -> tuple[Array, Array]:
    """Of each network: the squared distance of its outputs' means from those of all, and its variance over points."""
    mean = output_mean.astype(np.float64)
    return ((mean - mean.mean(axis=0)) ** 2).mean(axis=1), output_var.astype(np.float64).mean(axis=1)


def interval_of_share(shares: Array, least: float) -> Estimate[float]:
    """The mean of shares of n independent units, with its 95 % interval by Student's t on the logit of its excess.

    least: the share that chance gives. Where the excess is within two standard errors of 0 or of all there is, its
    logit is far from normal, and Student's interval of the share itself is taken.
    """
    plain = interval_of_mean(shares)
    excess, half = (plain.value - least) / (1 - least), (plain.high - plain.value) / (1 - least)
    if half >= min(excess, 1 - excess):
        return Estimate(plain.value, plain.low, min(plain.high, 1.0))
    logit, step = np.log(excess / (1 - excess)), half / (excess * (1 - excess))
    low, high = (float(least + (1 - least) / (1 + np.exp(-(logit + end)))) for end in (-step, step))
    return Estimate(plain.value, low, high)


def gamma_of_readouts(mean_var: npt.NDArray[Any], expected_var: npt.NDArray[Any]) -> Estimate[Array]:
    """gamma with its 95 % interval from networks whose output layers were averaged: [depth, inits] -> [depth].

    mean_var, expected_var: see `sampling.mlps.InitialGuesses`. gamma is the ratio of their means.
    """
    pairs = zip(mean_var.astype(np.float64), expected_var.astype(np.float64), strict=True)
    return Estimate(*np.array([interval_of_ratio(*of_depth) for of_depth in pairs]).T)


def gamma_of_guesses(second_moment: Array) -> Array:
    """The gamma that two-class guesses imply: Var G_0 = arcsin(gamma / (1 + gamma)) / (2 pi), solved for gamma.

    second_moment: of G_0 about its mean 1/2, at most 1/4. Unlike `gamma` it looks at guesses alone, which do
    not change when a network's outputs are scaled; without a norm that scale varies wildly between deep networks.
    """
    rho = np.sin(2 * np.pi * np.clip(second_moment, 0, 0.25))
    with np.errstate(divide="ignore"):
        return np.asarray(rho / (1 - rho))


def regime_by_growth(squares: npt.NDArray[Any], resamples: int, seed: int) -> RegimeByGrowth:
    """The regime that the guesses of sampled two-class networks show, depth at least 2.

    squares: [depth, inits], of a network's (G_0 - 1/2)^2, or its mean over output layers.
    neutral: gamma (of guesses) below 0.1 at the last depth, or below 0.5 and falling faster than depth^-0.5. deeply
    prejudiced: above 1 and growing faster than depth^0.5. prejudiced: above 0.1 and in between. Each with its whole
    95 % bootstrap interval over networks, else undecided. In the other vocabulary see `by_value`.
    """
    depth, inits = squares.shape
    half = depth // 2
    ends = squares[[half - 1, depth - 1]].astype(np.float64)
    draws = bootstrap(inits, resamples, seed)
    resampled = np.stack([gamma_of_guesses(row[draws].mean(axis=1)) for row in ends])
    estimates = gamma_of_guesses(ends.mean(axis=1))
    growths = _growth(resampled, depth / half)
    last = Estimate(*map(float, (estimates[1], *interval(resampled[1]))))
    growth = Estimate(*map(float, (_growth(estimates, depth / half), *interval(growths))))
    if last.high < NEUTRAL_GAMMA or (last.high < FALLING_GAMMA and growth.high < -GROWTH):
        name = "neutral"
    elif last.low > 1 and growth.low > GROWTH:
        name = "deeply prejudiced"
    elif last.low > NEUTRAL_GAMMA and growth.low > -GROWTH and growth.high < GROWTH:
        name = "prejudiced"
    else:
        name = "undecided"
    return RegimeByGrowth(name, last, growth)


def by_value(gamma: Estimate[float], growth: Estimate[float]) -> str:
    """A regime in the words of arXiv 2505.12096, which go by the limit of gamma: neutral up to 1, prejudiced above it.

    Deeply prejudiced is an infinite limit: a gamma above 1 that grows faster than depth^0.5. Each with its whole
    interval, else undecided. docs/theory.md compares the two vocabularies.
    """
    if gamma.low > 1 and growth.low > GROWTH:
        return "deeply prejudiced"
    if gamma.low > 1 and growth.high < GROWTH:
        return "prejudiced"
    return "neutral" if gamma.high < 1 and not growth.low > GROWTH else "undecided"


def _growth(half_and_last: Array, ratio: float) -> Array:
    """d log gamma / d log depth between two depths of this ratio; rows half, last."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.log(half_and_last[1] / half_and_last[0]) / np.log(ratio))


def proportion(count: int, n: int) -> Estimate[float]:
    """A share with its 95 % Wilson interval."""
    from scipy.stats import binomtest  # scipy.stats takes a second to import, and sampling needs none of it

    low, high = binomtest(count, n).proportion_ci(CONFIDENCE, method="wilson")
    return Estimate(count / n, float(low), float(high))


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


def finite_or_none(number: float) -> float | None:
    """The number as JSON can hold it: null where it is infinite or undefined."""
    return float(number) if np.isfinite(number) else None


def ks_critical(n: int, m: float = np.inf) -> float:
    """The distance that samples of sizes n and m from one distribution stay below in 95 of 100 cases (asymptotic)."""
    return float(1.358 * np.sqrt(1 / n + 1 / m))
