"""Statistics of training: known answers, and intervals that cover."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from normplace.verifying.checks import FAILS, HOLDS, UNDECIDED
from normplace.verifying.runs import OF_CELL, difference, learns, most_runs, small_by_pairs

CELL = dict.fromkeys(OF_CELL, "") | {
    "dataset": "mnist", "label": "MNIST", "width": 100, "depth": 20, "learning_rate": 1e-3, "stand_in": False,
    "activation": "relu", "test_points": 100, "one_class_accuracy_high": 0.5,
}  # fmt: skip
DEEP, NEUTRAL = {"cell": ["none", "layer-before"]}, {"cell": ["batch-after", "layer-after"]}
CELLS = [*DEEP["cell"], *NEUTRAL["cell"]]


def table(values: dict[str, Any], column: str = "y", **more: Any) -> pd.DataFrame:
    """Runs of cells: cell -> the column's values."""
    rows = [
        CELL | {"cell": cell, "run": run, column: value, "last_step": 100} | more
        for cell, of_cell in values.items()
        for run, value in enumerate(of_cell)
    ]
    return pd.DataFrame(rows)


def test_a_difference_is_that_of_students_t_over_pairs() -> None:
    """With one cell a side it is scipy's test of pairs."""
    generator = np.random.default_rng(0)
    first, second = generator.normal(1, 1, 6), generator.normal(0, 1, 6)
    rows = table({"none": first, "batch-after": second})
    (check,) = difference(rows, "y", {"cell": ["none"]}, {"cell": ["batch-after"]}, ["dataset"])
    expected = stats.ttest_rel(first, second)
    low, high = expected.confidence_interval(0.95)
    assert (check.low, check.high) == (pytest.approx(low), pytest.approx(high))
    assert check.margin() == pytest.approx(float(expected.statistic))
    assert check.freedom == 5
    assert check.where == "MNIST"


@pytest.mark.slow
@pytest.mark.parametrize(("of", "against"), [(CELLS[:2], CELLS[2:]), (CELLS[:1], CELLS[1:])])
def test_its_interval_covers_with_few_runs_of_shared_seeds(of: list[str], against: list[str]) -> None:
    """Nominal 95 %: 4 cells of 5 runs, whose deviations differ by a factor of 9; two of them vary together."""
    generator, inside, trials = np.random.default_rng(1), 0, 1500
    deviations = dict(zip(CELLS, (0.9, 0.5, 0.1, 0.3), strict=True))
    for _ in range(trials):
        shared = generator.normal(0, 1, 5)
        noise = {cell: generator.normal(0, 1, 5) for cell in CELLS}
        parts = {cell: (0.9 * shared + 0.4 * noise[cell]) if cell in CELLS[:2] else noise[cell] for cell in CELLS}
        drawn = {cell: deviations[cell] * part for cell, part in parts.items()}
        (check,) = difference(table(drawn), "y", {"cell": of}, {"cell": against}, ["dataset"])
        inside += check.low < 0 < check.high
    assert check.freedom == 4
    assert inside / trials == pytest.approx(0.95, abs=4 * (0.05 * 0.95 / trials) ** 0.5)


@pytest.mark.parametrize(("shift", "verdict"), [(3.0, HOLDS), (0.3, UNDECIDED), (-3.0, FAILS)])
def test_a_difference_is_decided_beyond_chance(shift: float, verdict: str) -> None:
    generator = np.random.default_rng(2)
    rows = table({cell: generator.normal(shift * (cell in DEEP["cell"]), 0.3, 5) for cell in CELLS})
    (check,) = difference(rows, "y", DEEP, NEUTRAL, ["dataset"])
    assert check.verdict(among=1) == verdict
    assert ("runs per cell would decide" in check.measured) == (verdict == UNDECIDED)


@pytest.mark.slow
def test_the_runs_it_would_take_are_about_enough() -> None:
    generator = np.random.default_rng(3)
    spread = stats.norm.ppf((np.arange(5) + 0.5) / 5)
    spread /= spread.std(ddof=1)
    (check,) = difference(
        table({"none": 0.6 + spread, "batch-after": np.zeros(5)}), "y", {"cell": ["none"]}, {"cell": ["batch-after"]},
        ["dataset"],
    )  # fmt: skip
    needed = int(check.measured.split("some ")[1].split()[0])
    assert 25 < needed < 50
    held = 0
    for _ in range(200):
        shared = generator.normal(0, 2, needed)
        rows = table({"none": shared + generator.normal(0.6, 1, needed), "batch-after": shared})
        (again,) = difference(rows, "y", {"cell": ["none"]}, {"cell": ["batch-after"]}, ["dataset"])
        held += again.verdict(1) == HOLDS
    assert 0.68 < held / 200 < 0.92  # 8 of 10


def test_at_its_best_rate_each_cell_is_another() -> None:
    parts = []
    for rate, final, early in ((1e-3, 0.9, 0.6), (1e-2, 0.6, 0.9)):
        for cell, swapped in (("none", False), ("batch-after", True)):
            better = (1.5 - final) if swapped else final
            of_rate = table({cell: early + np.linspace(0, 0.01, 3)}, learning_rate=rate)
            parts.append(of_rate.assign(final_accuracy=better))
    (check,) = difference(pd.concat(parts), "y", {"cell": ["none"]}, {"cell": ["batch-after"]}, ["dataset"], best=True)
    assert check.value == pytest.approx(0.6 - 0.9)  # none learns best at 1e-3, the other at 1e-2
    assert "best rate" in check.where


def test_runs_that_diverged_are_left_out_and_a_missing_side_is_no_check() -> None:
    rows = table({"none": [1.0, 1.1, np.nan], "batch-after": [0.0, 0.1, 0.2]})
    (check,) = difference(rows, "y", {"cell": ["none"]}, {"cell": ["batch-after"]}, ["dataset"])
    assert (check.value, check.n, check.freedom) == (pytest.approx(1.0), 2, 1)
    assert list(difference(rows, "y", {"cell": ["rms-after"]}, {"cell": ["none"]}, ["dataset"])) == []


@pytest.mark.parametrize(("value", "verdict"), [(0.9, HOLDS), (0.605, UNDECIDED), (0.59, FAILS), (0.5, FAILS)])
def test_learning_is_seen_beyond_chance_over_runs(value: float, verdict: str) -> None:
    wide = table(
        {"none": value + np.linspace(-0.02, 0.02, 5), "layer-before": [0.9, 0.91, 0.92, 0.93, 0.94]}, "final_accuracy"
    )
    first, second = learns(wide, ["dataset"])
    assert first.least == pytest.approx(0.6)
    assert first.freedom == 4
    assert "[" in first.measured
    assert first.verdict(among=2) == verdict
    assert second.verdict(among=2) == HOLDS
    assert first.where == "none, MNIST"


@pytest.mark.parametrize(("within", "verdict"), [(10, HOLDS), (7, UNDECIDED), (0, FAILS)])
def test_most_runs_by_an_exact_test(within: int, verdict: str) -> None:
    steps = [*[40.0] * within, *[np.inf] * (10 - within)]
    rows = table({"none": steps[::2], "layer-before": steps[1::2]}, "steps_to_closed_gap")
    (check,) = most_runs(rows, "steps_to_closed_gap", 0.5, ["dataset"])
    assert check.verdict(among=1) == verdict
    assert f"in {within} of 10 runs" in check.measured
    late = rows.assign(steps_to_closed_gap=60.0)
    assert next(most_runs(late, "steps_to_closed_gap", 0.5, ["dataset"])).verdict(1) == FAILS


@pytest.mark.parametrize(("moved", "verdicts"), [(0.02, [HOLDS, HOLDS]), (0.4, [FAILS, HOLDS]), (-0.4, [HOLDS, FAILS])])
def test_a_change_is_small_beside_the_difference_of_placements(moved: float, verdicts: list[str]) -> None:
    generator = np.random.default_rng(4)
    of_run = generator.normal(0, 0.3, 20)  # shared by the pair: the test must not mind
    parts = []
    for bias, more in (("drawn", 0.0), ("centred", moved)):
        values = {cell: of_run + 0.6 * (cell in DEEP["cell"]) + more + generator.normal(0, 0.02, 20) for cell in CELLS}
        parts.append(table(values, output_bias=bias))
    drawn, centred = {"output_bias": ["drawn"]}, {"output_bias": ["centred"]}
    unit = [drawn | DEEP, drawn | NEUTRAL]
    checks = list(small_by_pairs(pd.concat(parts), "y", centred | DEEP, drawn | DEEP, unit, 1 / 3, ["dataset"]))
    assert [check.verdict(among=4) for check in checks] == 2 * verdicts  # of each cell
    assert [check.freedom for check in checks] == 4 * [19]


def test_opposite_changes_of_two_cells_do_not_cancel() -> None:
    generator = np.random.default_rng(5)
    parts = []
    for bias, more in (("drawn", (0.0, 0.0)), ("centred", (0.4, -0.4))):
        moved = dict(zip(DEEP["cell"], more, strict=True))
        values = {cell: 0.6 * (cell in moved) + moved.get(cell, 0.0) + generator.normal(0, 0.02, 20) for cell in CELLS}
        parts.append(table(values, output_bias=bias))
    drawn, centred = {"output_bias": ["drawn"]}, {"output_bias": ["centred"]}
    unit = [drawn | DEEP, drawn | NEUTRAL]
    checks = small_by_pairs(pd.concat(parts), "y", centred | DEEP, drawn | DEEP, unit, 1 / 3, ["dataset"])
    assert [check.verdict(among=4) for check in checks] == [FAILS, HOLDS, HOLDS, FAILS]
