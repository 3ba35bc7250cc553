"""The statistics that claims are judged by: pure functions from rows of a tidy table to checks.

Sameness. A gamma that is claimed to be another must be measured well enough to tell it from half or one and a half
times that (RESOLUTION), or, near 0, from one that is not neutral: else the check is undecided. Distributions as a whole
are tested for their shape, by tests that with 400 networks tell a gamma from three times it at best.

Finite width. Where theory knows the networks' own width (`theories.chain`), it is that which is held against them.
Where it does not, a claim allows for a first-order term. A layer of n nodes gives a point's squared norm a relative
variance of kappa / n, with kappa = E phi^4 / (E phi^2)^2 - 1, which is 5 for ReLU. After L layers, expectations of
smooth functions of the kernel are off by about kappa L / n: that much log(1 + gamma), the log of an output's total
variance over that over the data, may differ from infinite width. It is the size of such a term, not a proven bound.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from normplace import statistics
from normplace.networks.activations import ACTIVATIONS
from normplace.networks.architecture import Variances
from normplace.tables.tidy import count_column
from normplace.theories import guesses
from normplace.theories.duals import quadrature
from normplace.theories.isotropic import gammas
from normplace.verifying import identities, models, runs
from normplace.verifying.checks import (
    FALSE_ALARM,
    Check,
    Filter,
    check_column,
    check_number,
    chosen,
    first_row,
    groups,
    of_stand_in,
    place,
    row_dicts,
)

RESOLUTION = 0.5  # of an expected number
AT_WIDTH = 0.02  # of gamma at the networks' own width: what theory may be off by, beside its own error
OWN_ERROR = 0.05  # of gamma: an error of theory beyond it excuses nothing
APART = 0.01  # of distribution functions: what several readouts of one network add to chance
ENTROPY_RESOLUTION, ENTROPY_TOLERANCE = 0.1, 0.01  # of log C
LEAST_EXPECTED = 5  # counts a bin of a chi-square test needs


def interval(rows: pd.DataFrame, column: str, least: float = -np.inf, most: float = np.inf) -> Iterator[Check]:
    """A column with an interval lies in least..most beyond chance."""
    for row in row_dicts(rows):
        yield check_column(row, column, least=least, most=most, decided=True)


def even_guesses(rows: pd.DataFrame, gamma: float) -> Iterator[Check]:
    """The standard deviation of G_0 over networks is below that which this gamma gives, beyond chance.

    Its own standard error is taken as that of a normal variable, s / sqrt(2 n); it is less for guesses that pile up.
    """
    most = guesses.standard_deviation(gamma)
    for row in row_dicts(rows):
        value = float(row["guess_fraction_std"])
        half = statistics.Z95 * value / np.sqrt(2 * row["inits"])
        check = check_number("deviation of G_0", row, value, -np.inf, most)
        yield replace(check, low=value - half, high=value + half, decided=True)


def theory(rows: pd.DataFrame, expected: str) -> Iterator[Check]:
    """gamma is a theory's (a column) within the finite-width allowance on log(1 + gamma) and chance."""
    for row in row_dicts(rows):
        least, most = _allowed(row, row[expected])
        yield check_column(row, "gamma", least=least, most=most, resolution=_resolution(row[expected]))


def at_width(rows: pd.DataFrame) -> Iterator[Check]:
    """gamma is that of theory at the networks' own width, but for AT_WIDTH of it, theory's own error and chance."""
    for row in row_dicts(rows):
        expected = float(row["gamma_finite"])
        allowed = AT_WIDTH * expected + min(float(row["gamma_finite_error"]), OWN_ERROR * expected)
        ends = {"least": expected - allowed, "most": expected + allowed}
        yield check_column(row, "gamma", **ends, resolution=_resolution(expected))


def drawn_at_width(rows: pd.DataFrame) -> Iterator[Check]:
    """The Kolmogorov-Smirnov distance of G_0 to guesses drawn at the networks' own width is one that chance explains.

    The critical distance is that of independent draws; APART is allowed beside it.
    """
    at_level = _critical_among(len(rows))
    for row in row_dicts(rows):
        allowed = row["ks_critical_finite"] * at_level + APART
        yield check_number("distance of distributions", row, row["ks_finite"], 0.0, float(allowed))


def constant(rows: pd.DataFrame, expected: float | str) -> Iterator[Check]:
    """gamma of BatchNorm before ReLU is this (a number or a column) at every depth, less what finite width takes off.

    A node's values over the data are normal but for the points' norms, which differ by a log-normal factor: relative
    variance 5 / n a layer, carried on by a homogeneous activation at most in full. With s^2 = 5 L / n its log variance,
    (E |z|)^2 / E z^2 falls from 2 / pi by exp(-s^2 / 4), and with it m^2 / q = gamma / (1 + gamma). So to this order
    gamma lies between that and the infinite-width value: a number is that of infinitely many points, whose own mean
    adds nothing.
    """
    for row in row_dicts(rows):
        infinite = row[expected] if isinstance(expected, str) else expected
        of_own_mean = 0.0 if isinstance(expected, str) else (1 + infinite) / row["points"]
        ratio = infinite / (1 + infinite) * np.exp(-_first_order(row) / 4)
        ends = {"least": ratio / (1 - ratio), "most": infinite + of_own_mean}
        yield check_column(row, "gamma", **ends, resolution=_resolution(infinite))


def same_guesses(rows: pd.DataFrame, reference: str) -> Iterator[Check]:
    """Networks guess as those of the reference cell: no summary of G_0 differs by more than one point of the data.

    Networks of one index share their random numbers, so this is no matter of chance; rounding may flip a tie.
    """
    columns = ["guess_fraction_std", "mean_largest_fraction", *(f"guess_fraction_{q}" for q in (5, 25, 50, 75, 95))]
    keys = ["dataset", "depth"]
    of_reference = rows[rows["cell"] == reference].set_index(keys)[columns]
    for row in row_dicts(rows[rows["cell"] != reference]):
        expected = of_reference.loc[tuple(row[key] for key in keys)]
        value = max(abs(row[column] - expected[column]) for column in columns)
        check = check_number("largest difference", row, float(value), 0.0, 1 / row["points"])
        yield replace(check, where=f"{check.where}, against {reference}")


def regimes(rows: pd.DataFrame, expected: Mapping[str, list[str]] | str) -> Iterator[Check]:
    """The regime seen (`statistics.regime_by_growth`, from guesses alone) is one expected: by cell, or a column's.

    value: 1 where it is, -1 where it is not, none for an undecided regime, which decides nothing; words have gamma.
    """
    for row in row_dicts(rows):
        allowed = [row[expected]] if isinstance(expected, str) else expected[row["cell"]]
        seen = row["regime_seen"]
        inside = np.nan if seen == "undecided" else 1.0 if seen in allowed else -1.0
        gamma, low, high = (row[f"gamma_guesses{end}"] for end in ("", "_low", "_high"))
        numbers = f"{seen}, gamma of guesses {gamma:.3g} [{low:.3g}, {high:.3g}]"
        check = check_number("regime", row, inside, 0.0, np.inf)
        yield replace(check, words=(" or ".join(allowed), numbers))


def distribution(rows: pd.DataFrame, theory: str) -> Iterator[Check]:
    """The Kolmogorov-Smirnov distance of G_0 to a theory ("isotropic" or "kernel") is one that chance explains.

    Allowed are the critical distance and how far finite width may move the distribution function.
    """
    rows = rows[rows[f"ks_{theory}"].notna()]
    at_level = _critical_among(len(rows))
    for row in row_dicts(rows):
        gamma = row[f"gamma_{theory}"]
        grid = np.linspace(0, 1, 1001)[1:-1]
        expected = guesses.distribution(grid, gamma)
        moved = max(np.abs(guesses.distribution(grid, end) - expected).max() for end in _allowed(row, gamma))
        allowed = row[f"ks_critical_{theory}"] * at_level + moved
        yield check_number("distance of distributions", row, row[f"ks_{theory}"], 0.0, float(allowed))


def density(rows: pd.DataFrame) -> Iterator[Check]:
    """Counts of G_0 in bins follow the density for isotropic data: Pearson's chi-square, 5 or more expected in a bin.

    How far finite width may move the counts adds a non-centrality: chi-square of the counts expected at either end of
    the allowed gamma, the larger one. Given is chi-square over the critical value; a point mass, all of it expected in
    one bin, decides nothing.
    """
    cells = list(rows.groupby(["dataset", "cell", "depth"], sort=False))
    for _, bins in cells:
        bins = bins.sort_values("bin_low")
        row = first_row(bins)
        n = int(row["inits"])
        begins = _wide_bins(n * bins["share_isotropic"].to_numpy(float))
        both = bins["count"], n * bins["share_isotropic"]
        counts, expected = (np.add.reduceat(column.to_numpy(float), begins) for column in both)
        variances = Variances(row["weight_variance"], row["bias_variance"])
        gamma = gammas(row["norm"], row["placement"], row["activation"], row["depth"], variances)[-1]
        edges = [*bins["bin_low"], bins["bin_high"].iloc[-1]]
        moved = (np.diff(guesses.distribution(np.array(edges), end)) for end in _allowed(row, gamma))
        noncentrality = max(0.0, *(_chi_square(n * np.add.reduceat(shares, begins), expected) for shares in moved))
        critical = float(stats.ncx2.ppf(1 - FALSE_ALARM / len(cells), len(counts) - 1, noncentrality))
        value = _chi_square(counts, expected) / critical if len(counts) > 1 else np.nan
        yield check_number("chi-square / critical", row, value, 0.0, 1.0)


def contrast(
    rows: pd.DataFrame, column: str, of: Filter, against: Filter, each: list[str], *, same: bool = False
) -> Iterator[Check]:
    """The mean of a column over the rows `of` less that over those `against`, for each value of some columns.

    More than 0 beyond chance, or, with `same`, 0 but for chance. Rows of one side may share random numbers, so
    their standard errors are averaged, not reduced. No check where a side is empty.
    """
    for group in groups(rows, each):
        sides = [chosen(group, side) for side in (of, against)]
        if any(side.empty for side in sides):
            continue
        means = [float(side[column].mean()) for side in sides]
        half = [
            [float((side[f"{column}{end}"] - side[column]).abs().mean()) for end in ("_low", "_high")] for side in sides
        ]
        value, n = means[0] - means[1], int(min(side[count_column(first_row(group))].min() for side in sides))
        low, high = value - np.hypot(half[0][0], half[1][1]), value + np.hypot(half[0][1], half[1][0])
        quantity, ends = f"difference of {column.replace('_', ' ')}", (float(low), float(high))
        stand_in = of_stand_in(group)
        check = Check(quantity, place(group, each), n, value, *ends, 0.0, decided=True, stand_in=stand_in)
        if same:
            check = replace(check, most=0.0, decided=False, resolution=_resolution(means[1]))
        yield check


def closer(rows: pd.DataFrame) -> Iterator[Check]:
    """At the last depth the widest networks are closer to infinite width than the narrowest: |y| falls.

    y = log((1 + gamma) / (1 + gamma at infinite width)), its fall averaged over cells.
    """
    deepest = rows[rows["depth"] == rows["depth"].max()]
    falls, halves = [], []
    for _, group in deepest.groupby("cell", sort=False):
        widths = row_dicts(group.sort_values("width").iloc[[0, -1]])
        narrow, wide = (abs(np.log1p(row["gamma"]) - np.log1p(row["gamma_kernel"])) for row in widths)
        falls.append(narrow - wide)
        halves.append(np.hypot(*((np.log1p(row["gamma_high"]) - np.log1p(row["gamma_low"])) / 2 for row in widths)))
    value, half = float(np.mean(falls)), float(np.mean(halves))
    ends, n, stand_in = (value - half, value + half), int(deepest["inits"].min()), of_stand_in(deepest)
    yield Check("fall of |y|", "mean over configurations", n, value, *ends, 0.0, decided=True, stand_in=stand_in)


def extrapolated(rows: pd.DataFrame, tolerance: float) -> Iterator[Check]:
    """log(1 + gamma) of the two greatest widths, carried on to infinity, gives the kernel's gamma but for tolerance.

    What finite width takes off falls as 1 / width to first order, so y at infinite width is (w y_w - v y_v) / (w - v).
    """
    for _, group in rows.groupby(["dataset", "cell", "depth"], sort=False):
        narrow, wide = row_dicts(group.sort_values("width").iloc[-2:])
        weights = np.array([-narrow["width"], wide["width"]]) / (wide["width"] - narrow["width"])
        y, low, high = (np.log1p([narrow[column], wide[column]]) for column in ("gamma", "gamma_low", "gamma_high"))
        value, half = float(np.expm1(weights @ y)), float(np.hypot(*(weights * (high - low) / 2)))
        expected = float(wide["gamma_kernel"])
        ends = {"least": (1 - tolerance) * expected, "most": (1 + tolerance) * expected}
        check = check_number("gamma at infinite width", wide, value, **ends)
        check = replace(check, n=min(narrow["inits"], wide["inits"]), resolution=10 * tolerance * expected)
        yield replace(check, low=value - half * (1 + value), high=value + half * (1 + value))


def entropy(rows: pd.DataFrame) -> Iterator[Check]:
    """Mean entropy of guesses over C classes is that drawn from theory at the networks' own width, but for chance.

    Chance is that of the networks and that of theory's draws, several of which share a network's hidden layers.
    """
    for row in row_dicts(rows[rows["rank"] == 1]):
        expected = row["entropy_finite"]
        ends = {"least": expected - ENTROPY_TOLERANCE, "most": expected + ENTROPY_TOLERANCE}
        check = check_column(row, "entropy", **ends, resolution=ENTROPY_RESOLUTION)
        drawn = row["entropy_finite_high"] - row["entropy_finite_low"]
        low = check.value - float(np.hypot(check.value - check.low, drawn))
        high = check.value + float(np.hypot(check.high - check.value, drawn))
        yield replace(check, low=low, high=high)


def guess_difference(rows: pd.DataFrame, of: Filter, against: Filter, each: list[str]) -> Iterator[Check]:
    """The mean difference of the two guess fractions over networks, of the cells `of` less those `against`: above 0.

    Before training no label is known, so it is the gap between the two classes' accuracies, but for the labels' chance.
    The largest fraction is in 1/2..1, so its variance is at most (1 - m)(m - 1/2), m its mean (Bhatia and Davis). Cells
    share random numbers, so their errors are averaged, not reduced.
    """
    gaps = 2 * rows["mean_largest_fraction"] - 1
    half = statistics.Z95 * np.sqrt((1 - gaps) * gaps / rows["inits"])
    yield from contrast(rows.assign(gaps=gaps, gaps_low=gaps - half, gaps_high=gaps + half), "gaps", of, against, each)


def spread(rows: pd.DataFrame, factor: float) -> Iterator[Check]:
    """The deviation of G_0 is that which gamma gives for outputs that are Gaussian over the data, but for a factor."""
    for row in row_dicts(rows):
        value = row["guess_fraction_std"] / guesses.standard_deviation(row["gamma"], int(row["classes"]))
        check = check_number("deviation of G_0 over that of gamma", row, float(value), 1 / factor, factor)
        yield replace(check, where=f"{row['network']} {row['width']}, {row['cell']}")


def below(rows: pd.DataFrame, column: str, bound: str) -> Iterator[Check]:
    """A column with an interval lies below another column, beyond chance. One that is not below fails anyhow."""
    for row in row_dicts(rows):
        check = check_column(row, column, most=row[bound] * (1 - 1e-6), decided=True)
        yield check if check.inside > 0 else replace(check, low=check.value, high=check.value)


STATISTICS: dict[str, Callable[..., Iterator[Check]]] = {
    function.__name__: function
    for function in (
        interval, below, even_guesses, theory, at_width, drawn_at_width, constant, same_guesses, regimes, distribution,
        density, contrast, closer, extrapolated, entropy, spread, guess_difference,
        models.same_size, models.of_each, models.alike,
        runs.difference, runs.learns, runs.most_runs, runs.small_by_pairs,
        identities.same_histogram, identities.same_guesses_by_regime, identities.all_classes, identities.same_runs,
        identities.same_curves, identities.same_gradients, identities.same_starts,
    )
}  # fmt: skip


@cache
def kappa(activation: str) -> float:
    """E phi^4 / (E phi^2)^2 - 1, the largest over the variances 0.1 to 2 that an activation sees here."""
    nodes, weights = quadrature()
    values = [ACTIVATIONS[activation].function(np.sqrt(variance) * nodes) for variance in (0.1, 0.5, 1.0, 2.0)]
    return float(max((value**4 @ weights) / (value**2 @ weights) ** 2 for value in values) - 1)


def _first_order(row: Mapping[str, Any]) -> float:
    return float(kappa(row["activation"]) * row["depth"] / row["width"])


def _resolution(gamma: float) -> float:
    return max(RESOLUTION * float(gamma), statistics.NEUTRAL_GAMMA)


def _allowed(row: Mapping[str, Any], gamma: float) -> tuple[float, float]:
    allowance = np.exp(_first_order(row))
    return float(max((1 + gamma) / allowance - 1, 0.0)), float((1 + gamma) * allowance - 1)


def _critical_among(count: int) -> float:
    """The critical distance of one of `count` distributions, over that of 95 of 100 cases."""
    level = FALSE_ALARM / max(count, 1)
    return float(np.sqrt(np.log(2 / level) / np.log(2 / (1 - statistics.CONFIDENCE))))


def _wide_bins(expected: statistics.Array) -> list[int]:
    """Where groups of neighbouring bins begin, each of which has the least expected count."""
    begins = [0]
    for index in range(1, len(expected)):
        if expected[begins[-1] : index].sum() >= LEAST_EXPECTED <= expected[index:].sum():
            begins.append(index)
    return begins


def _chi_square(counts: statistics.Array, expected: statistics.Array) -> float:
    return float(((counts - expected) ** 2 / expected).sum())
