"""Tables of the same runs agree where some of the runs diverged, and a cell that did not is judged all the same."""

from pathlib import Path

import pytest

from normplace.tables.learning_curves import summarise
from normplace.verifying.checks import FAILS, HOLDS
from normplace.verifying.identities import same_curves, same_runs
from tests.unit.tables.test_learning_curves import write


@pytest.mark.parametrize("diverged", [[0, 0], [0, 1], [1, 1]])
def test_runs_that_diverged_do_not_make_tables_disagree(tmp_path: Path, diverged: list[int]) -> None:
    gaps, accuracies = [[1.0, 0.5, 0.0], [0.6, 0.3, 0.2]], [[0.5, 0.6, 0.7], [0.5, 0.8, 0.9]]
    found = summarise([write(tmp_path / "a.csv", gaps, accuracies, diverged)])
    cell = {name: table.assign(cell="none") for name, table in found.items() if name != "gradients"}
    for table, judge in ((cell["curves"], same_curves), (cell["milestones"], same_runs)):
        checks = list(judge(table, cell["runs"]))
        assert len(checks) == 2
        assert {check.verdict(1) for check in checks} == {HOLDS}
    altered = cell["curves"].assign(gap=cell["curves"]["gap"] + 0.01)
    assert FAILS in {check.verdict(1) for check in same_curves(altered, cell["runs"])}
