"""The statistics that claims about training are judged by: from one row per run to checks.

Runs of one number share their seed in all cells: weights, and the order of points. So cells are compared run by run,
and the run is the unit of Student's t, whatever the cells have in common and however much their spreads differ. A cell
is what differs in anything but its runs. Runs that diverged have no milestones and are left out; a claim counts those
that are left (`claims`).
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from scipy import stats

from normplace import statistics
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
)

Runs: TypeAlias = "pd.Series[float]"  # a number of each run, by the run's number
# What makes a cell; norm, placement and bn_statistics are in its name.
OF_CELL = (
    "dataset", "class_names", "network", "width", "depth", "cell", "bn_statistics", "learning_rate", "select",
    "output_bias",
)  # fmt: skip
MOST_RUNS = 1000  # of which a number is said
POWER = 0.8  # the chance to see a difference as large as that measured, of which a number of runs is said


def difference(
    rows: pd.DataFrame, column: str, of: Filter, against: Filter, each: list[str], *, best: bool = False
) -> Iterator[Check]:
    """The mean of a column over the cells `of` less that over the cells `against`, more than 0 beyond chance.

    each: the columns for each value of which there is a check. best: of each cell, only the learning rate at which it
    ends most accurate.
    """
    found = []
    for group in groups(rows, each):
        at_rate = _at_best_rate(group) if best else group
        first, second = (_by_run(chosen(at_rate, side), column) for side in (of, against))
        where = place(group, each) + (", each at its best rate" if best else "")
        found += _mean(first - second, f"difference of {_words(column)}", where, group, least=0.0)
    yield from (_with_runs_it_would_take(check, among=len(found)) for check in found)


def learns(rows: pd.DataFrame, each: list[str]) -> Iterator[Check]:
    """Each cell's mean final test accuracy is above that which says a run has learned, beyond chance over runs.

    That is two standard errors of the test points above guessing the commonest class for all of them
    (`milestones.learned_accuracy`). A mean below it fails, with whatever interval: nothing was seen to be learned.
    """
    for group in groups(rows, each):
        least = learned_accuracy(*group[["one_class_accuracy_high", "test_points"]].iloc[0])
        for name, of_cell in group.groupby("cell", sort=False):
            where = f"{name}, {place(group, each)}"
            for check in _mean(_by_run(of_cell, "final_accuracy"), "final accuracy", where, group, least=least):
                if check.inside <= 0:  # decided, and its words have the interval
                    words = check.expected, check.measured
                    check = replace(check, low=check.value, high=check.value, words=words)
                yield check


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

    The unit is the difference of the column between two kinds of cells, `unit[0]` less `unit[1]`, of the same runs. Two
    checks of each cell, since opposite changes would cancel in a mean: not that much more, and not that much less.
    """
    for group in groups(rows, each):
        high, low = (_by_run(chosen(group, side), column) for side in unit)
        whole = share * (high - low)
        after, before = (chosen(group, side) for side in (of, against))
        for name in after["cell"].unique():
            moved = _by_run(after[after["cell"] == name], column) - _by_run(before[before["cell"] == name], column)
            for sign, way in ((1, "more"), (-1, "less")):
                words = f"{share:g} of the difference between placements, less how much {way} {_words(column)} is"
                yield from _mean(whole - sign * moved, words, f"{name}, {place(group, each)}", group, least=0.0)


def _at_best_rate(rows: pd.DataFrame) -> pd.DataFrame:
    keys = [key for key in OF_CELL if key != "learning_rate"]
    means = rows.groupby([*keys, "learning_rate"], sort=False)["final_accuracy"].mean().dropna().reset_index()
    best = means.loc[means.groupby(keys, sort=False)["final_accuracy"].idxmax(), [*keys, "learning_rate"]]
    return rows.merge(best, on=[*keys, "learning_rate"])


def _mean(of_runs: Runs, quantity: str, where: str, group: pd.DataFrame, **range_: Any) -> list[Check]:
    """The mean over runs, held against a range: fields of Check, such as least. None of fewer than 2 runs."""
    values = np.asarray(of_runs.dropna(), dtype=np.float64)
    if len(values) < 2:
        return []
    mean = statistics.interval_of_mean(values)
    stand_in, freedom = of_stand_in(group), len(values) - 1
    return [Check(quantity, where, len(values), *mean, **range_, decided=True, stand_in=stand_in, freedom=freedom)]


def _by_run(rows: pd.DataFrame, column: str) -> Runs:
    """The mean over cells of a column, by run; not a number where one of the cells lacks it."""
    wide = rows.pivot_table(column, "run", list(OF_CELL), observed=True)
    return wide.dropna(axis=1, how="all").mean(axis=1, skipna=False)


def _words(column: str) -> str:
    return column.replace("_", " ")


def _with_runs_it_would_take(check: Check, among: int) -> Check:
    """An undecided check, whose words say how many runs per cell would be needed to decide it as one of so many.

    They are those at which a difference as large as that seen is found in 8 of 10 cases, by its variance as seen.
    """
    margin = abs(check.margin())
    if check.verdict(among) != UNDECIDED or not 0 < margin < np.inf:
        return check
    level, runs = 1 - FALSE_ALARM / (2 * among), 2
    while runs <= MOST_RUNS and margin * (runs / check.n) ** 0.5 < np.sum(stats.t.ppf([level, POWER], runs - 1)):
        runs += 1
    number = f"some {runs}" if runs <= MOST_RUNS else f"more than {MOST_RUNS:,}"
    return replace(check, words=(check.expected, f"{check.measured}; {number} runs per cell would decide"))
