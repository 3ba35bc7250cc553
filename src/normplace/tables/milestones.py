"""What a training run did when: one row per run, and one over all runs of a cell."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from normplace.tables.tidy import with_interval

CLOSED = 0.05  # a gap below 5 points counts as closed, whichever class is ahead
SHARES = (0.8, 0.9)  # of what the final accuracy is above guessing the commonest class
EARLY = 0.1  # of all steps
MILESTONES = (
    "gap_at_start", "largest_fraction_at_start", "log_gradient_ratio", "early_accuracy", "accuracy_over_log_steps",
    "final_accuracy", "final_training_accuracy", "overfit", "steps_to_closed_gap", "steps_to_gap_closed_for_good",
    *(f"steps_to_{share:.0%}".rstrip("%") for share in SHARES), "last_step",
)  # fmt: skip
LATER = 7  # accuracies over the logarithm of steps are averaged over the evaluations after this one


def learned_accuracy(commonest: float, test_points: int) -> float:
    """Test accuracy that says a run has learned: two standard errors above guessing the commonest class.

    commonest: its share of the test points.
    """
    return commonest + 2 * float(np.sqrt(commonest * (1 - commonest) / test_points))


def early(steps: npt.NDArray[np.int64]) -> int:
    """Which of the evaluations at these steps is the nearest to a tenth of all steps."""
    return int(np.abs(steps - EARLY * steps[-1]).argmin())


def of_runs(cell: dict[str, Any], rows: pd.DataFrame) -> pd.DataFrame:
    """One row per run and kind of BatchNorm statistics.

    Steps are those of evaluations, infinite where it never was so. The gap may cross zero on its way, so there are two:
    when it is first below 5 points, and from when on it stays there. Accuracies are on the test split, gaps on the
    training split. overfit: accuracy on the training split less that on the test split, at the last step.
    accuracy_over_log_steps: mean over the evaluations after step 7, which are log-spaced. What a run has learned is
    what its final accuracy is above guessing the commonest class; one that ends no better than `learned_accuracy` says
    never reaches a share of it. log_gradient_ratio: log10 of the gradient norm of the other classes' loss over that of
    the favoured class's, mean over layers, at the start.
    The start is measured with batch statistics, as is the class favoured, so rows of running statistics have no start.
    """
    one_class = cell["one_class_accuracy_high"]
    learned = learned_accuracy(one_class, cell["test_points"])
    return pd.DataFrame(
        {
            "bn_statistics": mode,
            "run": run,
            "diverged": int(of_run["diverged"].any()),
            **_milestones(of_run, one_class, learned),
        }
        for (mode, run), of_run in rows.groupby(["bn_statistics", "run"], sort=False)
    )


def over_runs(runs: pd.DataFrame) -> pd.DataFrame:
    """One row per kind of BatchNorm statistics: medians of steps, means of all else, each with the range over runs.

    n counts the runs that did not diverge. Diverged ones count in what was measured at the start, and in nothing else.
    """
    found = []
    for mode, of_mode in runs.groupby("bn_statistics", sort=False):
        diverged = int(of_mode["diverged"].sum())
        row: dict[str, Any] = {"bn_statistics": mode, "n": len(of_mode) - diverged, "diverged": diverged}
        for name in MILESTONES:
            values = of_mode[name].dropna().to_numpy(dtype=np.float64)
            row |= with_interval(name, *_with_range(values, np.median if name.startswith("steps") else np.mean))
        found.append(row)
    return pd.DataFrame(found)


def _milestones(run: pd.DataFrame, one_class: float, learned: float) -> dict[str, float]:
    """All milestones of a run; only those of the start for one that diverged, the others not a number."""
    train, test = (run[run["split"] == split].set_index("step") for split in ("train", "test"))
    steps = test.index.to_numpy(dtype=np.int64)
    accuracy = test["accuracy"].to_numpy(dtype=np.float64)
    final, fitted = float(accuracy[-1]), float(train["accuracy"].iloc[-1])
    closed = train["gap"].abs() < CLOSED
    late = accuracy[steps > LATER]
    milestones = {
        "early_accuracy": float(accuracy[early(steps)]),
        "accuracy_over_log_steps": float(late.mean()) if len(late) else np.nan,
        "final_accuracy": final,
        "final_training_accuracy": fitted,
        "overfit": fitted - final,
        "steps_to_closed_gap": _first(closed),
        "steps_to_gap_closed_for_good": _first(closed[::-1].cummin()[::-1]),
    }
    for share in SHARES:
        milestones[f"steps_to_{share:.0%}".rstrip("%")] = _first(
            (test["accuracy"] >= one_class + share * (final - one_class)) & (final > learned)
        )
    first = train.iloc[0]
    start = {
        "gap_at_start": first["gap"],
        "largest_fraction_at_start": first["max_guess_fraction"],
        "log_gradient_ratio": _log_gradient_ratio(first),
    }
    if run["bn_statistics"].iloc[0] == "running":
        start = dict.fromkeys(start, np.nan)
    last = {"last_step": float(steps[-1])}
    return start | (dict.fromkeys(milestones | last, np.nan) if run["diverged"].any() else milestones | last)


def _log_gradient_ratio(first: "pd.Series[Any]") -> float:
    sides = [first[[name for name in first.index if name.startswith(f"gradient_norm_{side}_")]].to_numpy(float)
             for side in ("minority", "majority")]  # fmt: skip
    if not len(sides[0]):
        return np.nan
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.log10(sides[0] / sides[1]).mean())


def _first(condition: "pd.Series[bool]") -> float:
    return float(condition.index.to_numpy()[condition.argmax()]) if condition.any() else np.inf


def _with_range(values: "np.ndarray[Any, Any]", average: Any) -> tuple[float, float, float]:
    if len(values) == 0:
        return np.nan, np.nan, np.nan
    with np.errstate(invalid="ignore"):  # the median of two infinities
        value = float(average(values))
    return (np.inf if np.isnan(value) else value), float(values.min()), float(values.max())
