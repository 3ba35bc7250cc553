"""From training runs to tidy tables: curves with bands over runs, and milestones with intervals."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from normplace.errors import UserError
from normplace.statistics import Array, bootstrap, interval
from normplace.tables.records import read_training
from normplace.tables.tidy import with_interval

CURVES = (
    "loss", "accuracy", "accuracy_majority", "accuracy_minority", "gap", "max_guess_fraction", "weight_cosine",
    "gradient_norm",
)  # fmt: skip
CLOSED = 0.05  # a gap below 5 points counts as closed, whichever class is ahead
SHARES = (0.8, 0.9)  # of the final accuracy
EARLY = 0.1  # of all steps
RESAMPLES = 2000


def summarise(paths: list[Path]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tables (curves, milestones) of training runs; files that differ in their runs alone are parts of one cell.

    Raises:
        UserError: a file is damaged or foreign, or has runs that another has.
    """
    parts: dict[str, list[tuple[Path, dict[str, Any], pd.DataFrame]]] = {}
    for path in paths:
        cell, rows = read_training(path)
        parts.setdefault(str({**cell, "runs": 0}), []).append((path, cell, rows))
    curves, milestones = [], []
    for of_cell in parts.values():
        cell, rows = _joined(of_cell)
        curves.append(_curves(rows).assign(**cell))
        milestones += _milestones(cell, rows)
    return pd.concat(curves, ignore_index=True), pd.DataFrame(milestones)


def _joined(parts: list[tuple[Path, dict[str, Any], pd.DataFrame]]) -> tuple[dict[str, Any], pd.DataFrame]:
    """The cell and the rows of all its runs."""
    seen: set[int] = set()
    for path, _, rows in parts:
        runs = set(rows["run"])
        if again := seen & runs:
            raise UserError(f"{path}: run {min(again)} is in another file of the same networks too")
        seen |= runs
    rows = pd.concat([rows for *_, rows in parts], ignore_index=True)
    return {**parts[0][1], "runs": len(seen)}, rows


def learned_accuracy(commonest: float, test_points: int) -> float:
    """Test accuracy that says a run has learned: two standard errors above guessing the commonest class.

    commonest: its share of the test points.
    """
    return commonest + 2 * float(np.sqrt(commonest * (1 - commonest) / test_points))


def _curves(rows: pd.DataFrame) -> pd.DataFrame:
    """Median and quartiles over the runs that had not diverged by then, for every evaluation; n counts them."""
    finite = rows[rows["diverged"] == 0].sort_values("step", kind="stable")
    groups = finite.groupby(["split", "bn_statistics", "step"], sort=False)
    table = groups["loss"].count().rename("n").to_frame()
    for name in CURVES:
        for suffix, share in (("_low", 0.25), ("", 0.5), ("_high", 0.75)):
            table[name + suffix] = groups[name].quantile(share)
    return table.reset_index()


def _milestones(cell: dict[str, Any], rows: pd.DataFrame) -> list[dict[str, Any]]:
    """One row a kind of BatchNorm statistics: what runs did when, with 95 % bootstrap intervals over runs.

    Steps are those of evaluations, infinite where it never was so; their median is given. The gap may cross zero
    on its way, so there are two: when it is first below 5 points, and from when on it stays there. Accuracies are
    on the test split, gaps on the training split; their mean is given. n counts the runs that did not diverge;
    diverged ones count in what was measured at the start, and in nothing else. A run that ends no better than
    `learned_accuracy` says never reaches a share of its final accuracy. The start is measured with batch statistics,
    as is the class favoured, so rows of running statistics have no start.
    """
    learned = learned_accuracy(cell["one_class_accuracy_high"], cell["test_points"])
    found = []
    for mode, of_mode in rows.groupby("bn_statistics", sort=False):
        runs = pd.DataFrame([_run_milestones(run, learned) for _, run in of_mode.groupby("run")])
        diverged = int(of_mode.groupby("run")["diverged"].any().sum())
        row = {**cell, "bn_statistics": mode, "n": len(runs) - diverged, "diverged": diverged}
        for name in runs.columns:
            average = np.median if name.startswith("steps") else np.mean
            row |= _with_interval(name, runs[name].dropna().to_numpy(dtype=np.float64), average)
        found.append(row)
    return found


def _run_milestones(run: pd.DataFrame, learned: float) -> dict[str, float]:
    """All milestones of a run; only those of the start for one that diverged, the others not a number."""
    train, test = (run[run["split"] == split].set_index("step") for split in ("train", "test"))
    steps = test.index.to_numpy(dtype=np.int64)
    accuracy = test["accuracy"].to_numpy(dtype=np.float64)
    final = float(accuracy[-1])
    closed = train["gap"].abs() < CLOSED
    milestones = {
        "early_accuracy": float(accuracy[np.abs(steps - EARLY * steps[-1]).argmin()]),
        "final_accuracy": final,
        "steps_to_closed_gap": _first(closed),
        "steps_to_gap_closed_for_good": _first(closed[::-1].cummin()[::-1]),
    }
    for share in SHARES:
        milestones[f"steps_to_{100 * share:.0f}"] = _first((test["accuracy"] >= share * final) & (final > learned))
    start = {"gap_at_start": train["gap"].iloc[0], "largest_fraction_at_start": train["max_guess_fraction"].iloc[0]}
    if run["bn_statistics"].iloc[0] == "running":
        start = dict.fromkeys(start, np.nan)
    return start | (dict.fromkeys(milestones, np.nan) if run["diverged"].any() else milestones)


def _first(condition: "pd.Series[bool]") -> float:
    return float(condition.index.to_numpy()[condition.argmax()]) if condition.any() else np.inf


def _with_interval(name: str, values: Array, average: Any) -> dict[str, float]:
    if len(values) == 0:
        return with_interval(name, np.nan, np.nan, np.nan)
    with np.errstate(invalid="ignore"):  # the median of two infinities
        value, resampled = average(values), average(values[bootstrap(len(values), RESAMPLES, seed=0)], axis=1)
    numbers = (value, *interval(np.where(np.isnan(resampled), np.inf, resampled)))
    return with_interval(name, *(np.inf if np.isnan(number) else float(number) for number in numbers))
