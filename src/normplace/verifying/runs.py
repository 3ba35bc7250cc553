"""The statistics that claims about training are judged by: from one row per run to checks.

Few runs per cell say little of their own variance, so it is pooled over the cells that are compared: two cells of
5 runs leave 8 degrees of freedom, at which chance goes to 3.4 standard errors in one of 100 cases, where 4 let it go to
4.6. A cell is what differs in anything but its runs. Runs that diverged have no milestones and are left out.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from normplace import statistics
from normplace.statistics import Array
from normplace.tables.milestones import learned_accuracy
from normplace.verifying.checks import (
    FALSE_ALARM,
    UNDECIDED,
    Check,
    Filter,
    check_number,
    chosen,
    first_row,
    groups,
    of_stand_in,
    place,
    t_quantile,
)

Cells = dict[tuple[Any, ...], Array]  # the values of a column in the runs of each cell
# What makes a cell; norm, placement and bn_statistics are in its name.
OF_CELL = (
    "dataset", "class_names", "network", "width", "depth", "cell", "bn_statistics", "learning_rate", "select",
    "output_bias",
)  # fmt: skip
MOST_RUNS = 1000  # of which a number is said
POWER = 0.8  # the chance to see a difference as large as that measured, of which a number of runs is said


@dataclass(frozen=True)
class Mean:
    """A weighted sum of means over runs. error: its standard error; freedom: degrees of it; runs: the fewest a cell."""

    value: float
    error: float
    freedom: int
    runs: int

    def check(self, quantity: str, where: str, *, stand_in: bool, **range_: Any) -> Check:
        """Held against a range: fields of Check, such as least."""
        half = t_quantile(statistics.CONFIDENCE, self.freedom) * self.error
        ends = self.value - half, self.value + half
        return Check(
            quantity, where, self.runs, self.value, *ends, **range_, decided=True, stand_in=stand_in,
            freedom=self.freedom,
        )  # fmt: skip


def difference(
    rows: pd.DataFrame, column: str, of: Filter, against: Filter, each: list[str], *, best: bool = False
) -> Iterator[Check]:
    """The mean of a column over the cells `of` less that over the cells `against`, more than 0 beyond chance.

    each: the columns for each value of which there is a check. best: of each cell, only the learning rate at which it
    ends most accurate.
    """
    for group in groups(rows, each):
        cells = [_cells(chosen(group, side), column, best=best) for side in (of, against)]
        if all(cells):
            spread = _spread(values for side in cells for values in side.values())
            mean = _combined([(1, cells[0]), (-1, cells[1])], spread)
            where = place(group, each) + (", each at its best rate" if best else "")
            check = mean.check(f"difference of {_words(column)}", where, stand_in=of_stand_in(group), least=0.0)
            yield _with_runs_it_would_take(check, mean.error)


def learns(rows: pd.DataFrame, each: list[str]) -> Iterator[Check]:
    """Each cell's mean final test accuracy is above that which says a run has learned, beyond chance over runs.

    That is two standard errors of the test points above guessing the commonest class for all of them
    (`milestones.learned_accuracy`). A mean below it fails, with whatever interval: nothing was seen to be learned.
    """
    for group in groups(rows, each):
        least = learned_accuracy(*group[["one_class_accuracy_high", "test_points"]].iloc[0])
        cells = _cells(group, "final_accuracy")
        for name, values in cells.items():
            where = f"{name[OF_CELL.index('cell')]}, {place(group, each)}"
            mean = _combined([(1, {name: values})], _spread(cells.values()))
            check = mean.check("final accuracy", where, stand_in=of_stand_in(group), least=least)
            yield check if check.inside > 0 else replace(check, low=check.value, high=check.value)


def most_runs(rows: pd.DataFrame, column: str, share: float, each: list[str]) -> Iterator[Check]:
    """In more than half of the runs a number of steps is at most this share of all steps, beyond chance (binomial).

    value: 1 where it is, -1 where it is not beyond chance, none between; words have the number of runs.
    """
    all_groups = list(groups(rows, each))
    for group in all_groups:
        there = group.dropna(subset=[column])
        inside = int((there[column] <= share * there["last_step"]).sum())
        level = FALSE_ALARM / (2 * len(all_groups))
        more, fewer = (stats.binomtest(inside, len(there), alternative=side).pvalue for side in ("greater", "less"))
        found = 1.0 if more <= level else -1.0 if fewer <= level else np.nan
        row = first_row(there) | {"n": len(there)}
        check = check_number(f"whether {_words(column)} are few", row, found, 0.0)
        yield replace(
            check, where=place(group, each),
            words=(f"in more than half of the runs by {share:g} of the steps", f"in {inside} of {len(there)} runs"),
        )  # fmt: skip


def small_by_pairs(
    rows: pd.DataFrame, column: str, of: Filter, against: Filter, unit: list[Filter], share: float, each: list[str]
) -> Iterator[Check]:
    """Changing `against` to `of`, run by run, moves a column by less than a share of a unit, beyond chance.

    The unit is the difference of the column between two kinds of cells, `unit[0]` less `unit[1]`, of the same runs. A
    check each way: that much more, and that much less. Student's t over runs, which are paired by their seed.
    """
    for group in groups(rows, each):
        sides = [_by_run(chosen(group, side), column) for side in (of, against, *unit)]
        pairs = pd.concat(sides, axis=1, keys=range(4)).dropna()
        if len(pairs) < 2:
            continue
        moved, whole = pairs[0] - pairs[1], share * (pairs[2] - pairs[3])
        for sign, way in ((1, "more"), (-1, "less")):
            left = whole - sign * moved
            error = float(left.std(ddof=1) / np.sqrt(len(left)))
            mean = Mean(float(left.mean()), error, len(left) - 1, len(left))
            words = f"{share:g} of the difference between placements, less how much {way} {_words(column)} is"
            yield mean.check(words, place(group, each), stand_in=of_stand_in(group), least=0.0)


def _cells(rows: pd.DataFrame, column: str, *, best: bool = False) -> Cells:
    """Cell -> the column's values in its runs."""
    keys = list(OF_CELL)
    if best:
        rows = _at_best_rate(rows, [key for key in keys if key != "learning_rate"])
    there = rows.dropna(subset=[column])
    return {
        tuple(name): of_cell[column].to_numpy(dtype=np.float64) for name, of_cell in there.groupby(keys, sort=False)
    }


def _at_best_rate(rows: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    means = rows.groupby([*keys, "learning_rate"], sort=False)["final_accuracy"].mean().dropna().reset_index()
    best = means.loc[means.groupby(keys, sort=False)["final_accuracy"].idxmax(), [*keys, "learning_rate"]]
    return rows.merge(best, on=[*keys, "learning_rate"])


def _spread(cells: Iterable[Array]) -> tuple[float, int]:
    """The variance within cells, pooled, and its degrees of freedom."""
    squares = [(float(((values - values.mean()) ** 2).sum()), len(values) - 1) for values in cells]
    freedom = sum(count for _, count in squares)
    return (sum(square for square, _ in squares) / freedom if freedom else np.inf), freedom


def _combined(sides: Sequence[tuple[int, Cells]], spread: tuple[float, int]) -> Mean:
    """The sum over sides of a sign times the mean over its cells' means, by the variance within cells."""
    variance, freedom = spread
    value = sum(sign * float(np.mean([values.mean() for values in cells.values()])) for sign, cells in sides)
    parts = sum(1 / (len(values) * len(cells) ** 2) for _, cells in sides for values in cells.values())
    fewest = min(len(values) for _, cells in sides for values in cells.values())
    return Mean(value, float(np.sqrt(variance * parts)), max(freedom, 1), fewest)


def _by_run(rows: pd.DataFrame, column: str) -> "pd.Series[float]":
    """The mean over cells of a column, by run; not a number where one of the cells lacks it."""
    wide = rows.pivot_table(column, "run", list(OF_CELL), observed=True)
    return wide.dropna(axis=1, how="all").mean(axis=1, skipna=False)


def _words(column: str) -> str:
    return column.replace("_", " ")


def _with_runs_it_would_take(check: Check, error: float) -> Check:
    """An undecided check, whose words say how many runs per cell would be needed to decide it.

    They are those at which a difference as large as that seen is found in 8 of 10 cases, by its variance as seen.
    """
    if check.verdict(1) != UNDECIDED or not check.value or not error:
        return check
    needed = (stats.norm.ppf(1 - FALSE_ALARM / 2) + stats.norm.ppf(POWER)) ** 2 * (error / check.value) ** 2
    runs = needed * check.n
    number = f"some {np.ceil(runs):.0f}" if runs <= MOST_RUNS else f"more than {MOST_RUNS:,}"
    return replace(check, words=(check.expected, f"{check.measured}; {number} runs per cell would decide"))
