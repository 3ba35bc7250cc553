"""The statistics that claims are judged by: pure functions from rows of a tidy table to checks.

A check holds a measured number, with its standard error, against a range. How far outside chance may carry it is set
before looking: with k checks in a test, each may be beyond its range by the t quantile at which all k of them are
wrongly refused in at most 1 of 100 cases (Bonferroni). So no rule depends on what was measured.

Finite width. A layer of n nodes gives a point's squared norm a relative variance of kappa / n, with
kappa = E phi^4 / (E phi^2)^2 - 1, which is 5 for ReLU. After L layers, expectations of smooth functions of the kernel
are off by about kappa L / n: that much log(1 + gamma), the log of an output's total variance over that over the data,
may differ from infinite width. It is the size of a first-order term, not a proven bound.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from normplace import class_summaries, guesses, statistics
from normplace.activations import FUNCTIONS, quadrature
from normplace.learning_curves import learned_accuracy

FALSE_ALARM = 0.01  # the chance that a test refuses results that obey its claim
Z95 = float(stats.norm.ppf((1 + statistics.CONFIDENCE) / 2))  # half an interval, in standard errors
LEAST_EXPECTED = 5  # counts a bin of a chi-square test needs
DRAWS = 500  # of the C-class theory, the same ones at every gamma, so that differences are smooth
HOLDS, FAILS, UNDECIDED = "holds", "fails", "undecided"
Filter = Mapping[str, Any]


@dataclass(frozen=True)
class Check:
    """One number held against a range.

    value, with its 95 % interval low..high (equal to it where the range already allows for chance), from n networks
    or runs; it should be in least..most. decided: the claim needs the number to be inside beyond chance; else it needs
    it to be not outside beyond chance. words: what is expected and seen where that is a name.
    """

    quantity: str
    where: str
    n: int
    value: float
    low: float
    high: float
    least: float = -np.inf
    most: float = np.inf
    decided: bool = False
    stand_in: bool = False
    words: tuple[str, str] | None = None

    @property
    def inside(self) -> float:
        """Distance to the nearer end of the range, negative outside it."""
        return float(min(self.value - self.least, self.most - self.value))

    def margin(self) -> float:
        """`inside` in standard errors, that of the side towards the nearer end."""
        below = self.value - self.least < self.most - self.value
        end = self.low if below == (self.inside > 0) else self.high
        towards = 0.0 if end == self.value else abs(end - self.value)  # both may be infinite
        error = towards / Z95 * np.sqrt(self.n / max(self.n - 1, 1))  # a bootstrap of n is too narrow by this
        if np.isnan(self.value) or np.isnan(error):
            return float("nan")
        if error == 0:
            return float(np.copysign(np.inf, self.inside))
        return 0.0 if np.isinf(error) else float(self.inside / error)

    def verdict(self, among: int) -> str:
        """holds, fails or undecided, as one of `among` checks."""
        quantile = float(stats.t.ppf(1 - FALSE_ALARM / (2 * among), max(self.n - 1, 1)))
        margin = self.margin()
        if np.isnan(margin):
            return UNDECIDED
        if not self.decided:
            return HOLDS if margin >= -quantile else FAILS
        return HOLDS if margin >= quantile else FAILS if margin <= -quantile else UNDECIDED


def interval(rows: pd.DataFrame, column: str, least: float = -np.inf, most: float = np.inf) -> list[Check]:
    """A column with an interval lies in least..most beyond chance."""
    return [_check(row, column, least=least, most=most, decided=True) for row in _dicts(rows)]


def learns(rows: pd.DataFrame) -> list[Check]:
    """The mean final test accuracy is above that which says a run has learned (`learning_curves.learned_accuracy`).

    That is two standard errors of the test points above guessing the commonest class for all of them.
    """
    return [
        _exact("final accuracy", row, float(row["final_accuracy"]), learned_accuracy(row), np.inf)
        for row in _dicts(rows)
    ]


def even_guesses(rows: pd.DataFrame, gamma: float) -> list[Check]:
    """The standard deviation of G_0 over networks is below that which this gamma gives, beyond chance.

    Its own standard error is taken as that of a normal variable, s / sqrt(2 n); it is less for guesses that pile up.
    """
    most = guesses.standard_deviation(gamma)
    checks = []
    for row in _dicts(rows):
        value = float(row["guess_fraction_std"])
        half = Z95 * value / np.sqrt(2 * row["inits"])
        check = _exact("deviation of G_0", row, value, -np.inf, most)
        checks.append(replace(check, low=value - half, high=value + half, decided=True))
    return checks


def theory(rows: pd.DataFrame, expected: str) -> list[Check]:
    """gamma is a theory's (a column) within the finite-width allowance on log(1 + gamma) and chance."""
    checks = []
    for row in _dicts(rows):
        least, most = _allowed(row, row[expected])
        checks.append(_check(row, "gamma", least=least, most=most))
    return checks


def constant(rows: pd.DataFrame, expected: float | str) -> list[Check]:
    """gamma of BatchNorm before ReLU is this (a number or a column) at every depth, less what finite width takes off.

    A node's values over the data are normal but for the points' norms, which differ by a log-normal factor: relative
    variance 5 / n a layer, carried on by a homogeneous activation at most in full. With s^2 = 5 L / n its log variance,
    (E |z|)^2 / E z^2 falls from 2 / pi by exp(-s^2 / 4), and with it m^2 / q = gamma / (1 + gamma). So gamma lies
    between that and the infinite-width value.
    """
    checks = []
    for row in _dicts(rows):
        infinite = row[expected] if isinstance(expected, str) else expected
        ratio = infinite / (1 + infinite) * np.exp(-_first_order(row) / 4)
        checks.append(_check(row, "gamma", least=ratio / (1 - ratio), most=infinite))
    return checks


def same_guesses(rows: pd.DataFrame, reference: str) -> list[Check]:
    """Networks guess as those of the reference cell: no summary of G_0 differs by more than one point of the data.

    Networks of one index share their random numbers, so this is no matter of chance; rounding may flip a tie.
    """
    columns = ["guess_fraction_std", "mean_largest_fraction", *(f"guess_fraction_{q}" for q in (5, 25, 50, 75, 95))]
    keys = ["dataset", "depth"]
    of_reference = rows[rows["cell"] == reference].set_index(keys)[columns]
    checks = []
    for row in _dicts(rows[rows["cell"] != reference]):
        expected = of_reference.loc[tuple(row[key] for key in keys)]
        value = max(abs(row[column] - expected[column]) for column in columns)
        check = _exact("largest difference", row, float(value), 0.0, 1 / row["points"])
        checks.append(replace(check, where=f"{check.where}, against {reference}"))
    return checks


def regimes(rows: pd.DataFrame, expected: Mapping[str, list[str]] | str) -> list[Check]:
    """The regime seen (`statistics.seen_regime`, from guesses alone) is one expected: by cell, or a column's.

    value: 1 where it is, -1 where it is not, none for an undecided regime, which decides nothing; words have gamma.
    """
    checks = []
    for row in _dicts(rows):
        allowed = [row[expected]] if isinstance(expected, str) else expected[row["cell"]]
        seen = row["regime_seen"]
        inside = np.nan if seen == "undecided" else 1.0 if seen in allowed else -1.0
        numbers = f"{seen}, gamma of guesses {row['gamma_guesses']:.3g} " + (
            f"[{row['gamma_guesses_low']:.3g}, {row['gamma_guesses_high']:.3g}]"
        )
        check = _exact("regime", row, inside, 0.0, np.inf)
        checks.append(replace(check, words=(" or ".join(allowed), numbers)))
    return checks


def distribution(rows: pd.DataFrame, theory: str) -> list[Check]:
    """The Kolmogorov-Smirnov distance of G_0 to a theory ("isotropic" or "kernel") is one that chance explains.

    Allowed are the critical distance and how far finite width may move the distribution function.
    """
    rows = rows[rows[f"ks_{theory}"].notna()]
    level = FALSE_ALARM / max(len(rows), 1)
    at_level = np.sqrt(np.log(2 / level) / 2) / np.sqrt(np.log(2 / (1 - statistics.CONFIDENCE)) / 2)
    checks = []
    for row in _dicts(rows):
        gamma = row[f"gamma_{theory}"]
        grid = np.linspace(0, 1, 1001)[1:-1]
        moved = max(
            np.abs(guesses.distribution(grid, end) - guesses.distribution(grid, gamma)).max()
            for end in _allowed(row, gamma)
        )
        allowed = row[f"ks_critical_{theory}"] * at_level + moved
        checks.append(_exact("distance of distributions", row, row[f"ks_{theory}"], 0.0, float(allowed)))
    return checks


def density(rows: pd.DataFrame, theory: str) -> list[Check]:
    """Counts of G_0 in bins follow a theory's density: Pearson's chi-square, bins of at least 5 expected counts.

    Finite width may change log gamma by e = kappa L / n; the Fisher information of log gamma is 1/2, so that adds a
    non-centrality of up to inits e^2 / 2. Given is chi-square over the critical value; a point mass, all of it expected
    in one bin, decides nothing.
    """
    cells = list(rows.groupby(["dataset", "cell", "depth"], sort=False))
    checks = []
    for _, bins in cells:
        row = _dicts(bins.sort_values("bin_low"))[0]
        n = int(row["inits"])
        counts, expected = _merged(bins["count"].to_numpy(float), n * bins[f"share_{theory}"].to_numpy(float))
        chi_square = float(((counts - expected) ** 2 / expected).sum())
        noncentrality = n * _first_order(row) ** 2 / 2
        critical = float(stats.ncx2.ppf(1 - FALSE_ALARM / len(cells), len(counts) - 1, noncentrality))
        value = chi_square / critical if len(counts) > 1 else np.nan
        checks.append(_exact("chi-square / critical", row, value, 0.0, 1.0))
    return checks


def contrast(
    rows: pd.DataFrame, column: str, of: Filter, against: Filter, each: list[str], *, same: bool = False
) -> list[Check]:
    """The mean of a column over the rows `of` less that over those `against`, for each value of some columns.

    More than 0 beyond chance, or, with `same`, 0 but for chance. Rows of one side may share random numbers, so
    their standard errors are averaged, not reduced. No check where a side is empty.
    """
    checks = []
    for _, group in rows.groupby(each, sort=False):
        sides = [group[_matches(group, chosen)] for chosen in (of, against)]
        if any(side.empty for side in sides):
            continue
        first = _dicts(group)[0]
        means = [float(side[column].mean()) for side in sides]
        half = [
            [float((side[f"{column}{end}"] - side[column]).abs().mean()) for end in ("_low", "_high")] for side in sides
        ]
        value, n = means[0] - means[1], int(min(side[_count(first)].min() for side in sides))
        low, high = value - np.hypot(half[0][0], half[1][1]), value + np.hypot(half[0][1], half[1][0])
        where = ", ".join(first["label"] if name == "dataset" else f"{name} {first[name]}" for name in each)
        stand_in = bool(group["stand_in"].any())
        ends = (0.0, 0.0) if same else (0.0, np.inf)
        quantity = f"difference of {column.replace('_', ' ')}"
        check = Check(quantity, where, n, value, float(low), float(high), *ends, decided=not same, stand_in=stand_in)
        checks.append(check)
    return checks


def closer(rows: pd.DataFrame) -> list[Check]:
    """At the last depth the widest networks are closer to infinite width than the narrowest: |y| falls.

    y = log((1 + gamma) / (1 + gamma at infinite width)), its fall averaged over cells.
    """
    deepest = rows[rows["depth"] == rows["depth"].max()]
    falls, halves = [], []
    for _, group in deepest.groupby("cell", sort=False):
        y, half = [], []
        for row in _dicts(group.sort_values("width").iloc[[0, -1]]):
            y.append(abs(np.log1p(row["gamma"]) - np.log1p(row["gamma_kernel"])))
            half.append((np.log1p(row["gamma_high"]) - np.log1p(row["gamma_low"])) / 2)
        falls.append(y[0] - y[1])
        halves.append(np.hypot(*half))
    value, half_of_mean = float(np.mean(falls)), float(np.mean(halves))
    return [
        Check("fall of |y|", "mean over configurations", int(deepest["inits"].min()), value, value - half_of_mean,
              value + half_of_mean, least=0.0, decided=True, stand_in=bool(deepest["stand_in"].any()))
    ]  # fmt: skip


def proportional(rows: pd.DataFrame) -> list[Check]:
    """The fitted first-order coefficient c is proportional to depth: c / depth at the last depth is that at half of it.

    Both come of the same networks, which makes the stated error of their difference too large rather than too small.
    """
    checks = []
    for _, group in rows.groupby("cell", sort=False):
        deepest = int(group["depth"].max())
        last, half = (_dicts(group[group["depth"] == depth])[0] for depth in (deepest, deepest // 2))
        value = last["c"] / deepest - half["c"] / (deepest // 2)
        error = np.hypot(
            *((row["c_high"] - row["c_low"]) / 2 / depth for row, depth in ((last, deepest), (half, deepest // 2)))
        )
        where = f"{last['cell']}, {last['label']}, depth {deepest} less {deepest // 2}"
        n = int(group["inits"].min())
        ends = (value - error, value + error, 0.0, 0.0)
        checks.append(Check("difference of c / depth", where, n, value, *ends, stand_in=last["stand_in"]))
    return checks


def entropy(rows: pd.DataFrame) -> list[Check]:
    """Mean entropy of guesses over C classes is that drawn from the data's kernel, within finite width and chance.

    How far finite width may move it: the C-class formula at the ends of the allowed gamma less that at gamma itself.
    """
    checks = []
    for row in _dicts(rows[rows["rank"] == 1]):
        at = [
            _mean_entropy(gamma, row["classes"]) for gamma in (*_allowed(row, row["gamma_kernel"]), row["gamma_kernel"])
        ]
        least, most = row["entropy_kernel"] + at[1] - at[2], row["entropy_kernel"] + at[0] - at[2]
        checks.append(_check(row, "entropy", least=least, most=most))
    return checks


STATISTICS: dict[str, Callable[..., list[Check]]] = {
    function.__name__: function
    for function in (
        interval, even_guesses, theory, constant, same_guesses, regimes, distribution, density, contrast, closer,
        proportional, entropy, learns,
    )
}  # fmt: skip


@cache
def kappa(activation: str) -> float:
    """E phi^4 / (E phi^2)^2 - 1, the largest over the variances 0.1 to 2 that an activation sees here."""
    nodes, weights = quadrature()
    values = [FUNCTIONS[activation](np.sqrt(variance) * nodes) for variance in (0.1, 0.5, 1.0, 2.0)]
    return float(max((value**4 @ weights) / (value**2 @ weights) ** 2 for value in values) - 1)


def _first_order(row: Mapping[str, Any]) -> float:
    return float(kappa(row["activation"]) * row["depth"] / row["width"])


def _allowed(row: Mapping[str, Any], gamma: float) -> tuple[float, float]:
    allowance = np.exp(_first_order(row))
    return float(max((1 + gamma) / allowance - 1, 0.0)), float((1 + gamma) * allowance - 1)


@cache
def _mean_entropy(gamma: float, classes: int) -> float:
    return float(class_summaries.entropy(guesses.draw_class_fractions(gamma, classes, DRAWS, seed=0)).mean())


def _merged(
    counts: npt.NDArray[np.float64], expected: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Neighbouring bins put together until each has the least expected count."""
    groups: list[list[int]] = [[]]
    for index in range(len(expected)):
        if expected[groups[-1]].sum() >= LEAST_EXPECTED:
            groups.append([])
        groups[-1].append(index)
    if len(groups) > 1 and expected[groups[-1]].sum() < LEAST_EXPECTED:
        last = groups.pop()
        groups[-1] += last
    return (
        np.array([counts[group].sum() for group in groups]),
        np.array([expected[group].sum() for group in groups]),
    )


def _check(row: Mapping[str, Any], column: str, *, least: float, most: float, decided: bool = False) -> Check:
    """The check of a column with its interval."""
    value, low, high = (float(row[f"{column}{end}"]) for end in ("", "_low", "_high"))
    check = _exact(column.replace("_", " "), row, value, least, most)
    return replace(check, low=low, high=high, decided=decided)


def _exact(quantity: str, row: Mapping[str, Any], value: float, least: float, most: float) -> Check:
    """The check of a number without an interval, whose range allows for chance where there is any."""
    n = int(row[_count(row)])
    return Check(quantity, _where(row), n, value, value, value, least, most, stand_in=bool(row["stand_in"]))


def _count(row: Mapping[str, Any]) -> str:
    """The column that says how many networks, or runs that did not diverge, a row is of."""
    return "inits" if "inits" in row else "n"


def _where(row: Mapping[str, Any]) -> str:
    """The configuration, data set and depth of a row, with what is not as usual."""
    activation = "" if row["activation"] == "relu" else f" {row['activation']}"
    shift = f" shifted by {row['shift']:g}" if row.get("shift") else ""
    return f"{row['cell']}{activation}, {row['label']}{shift}, depth {row['depth']}"


def _dicts(rows: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in rows.to_dict("records")]


def _matches(rows: pd.DataFrame, chosen: Filter) -> "pd.Series[bool]":
    return rows[list(chosen)].isin(dict(chosen)).all(axis=1)
