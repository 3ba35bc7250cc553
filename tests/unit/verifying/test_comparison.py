"""Standard errors of what has no 95 % interval beside it, and what then passes for the same number."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from normplace.verifying import comparison
from tests.checkout import ROOT

REFERENCE = ROOT / "reference" / "quick"


@pytest.mark.parametrize("n", [5, 20, 400])
def test_standard_errors_follow_from_quartiles_and_ranges(n: int) -> None:
    values = np.random.default_rng(n).normal(3, 2, size=(4000, n))
    low, high = np.quantile(values, [0.25, 0.75], axis=1)
    quartiles = pd.DataFrame({"fraction_low": low, "fraction_high": high})
    ranges = pd.DataFrame({"x_low": values.min(axis=1), "x_high": values.max(axis=1), "steps_to_closed_gap": 0})
    for table, column, bias in ((quartiles, "fraction", 0.3), (ranges, "x", 0.02)):  # of quartiles of 5
        found = comparison._standard_error(table, column, np.full(4000, float(n)))
        assert found.mean() == pytest.approx(2 / n**0.5, rel=bias if n == 5 else 0.1 * bias + 0.05)


@pytest.mark.slow
def test_altered_fractions_are_noticed(tmp_path: Path) -> None:
    table = Path("tidy/classes/classes.csv")
    shutil.copytree(REFERENCE / "tidy", tmp_path / "tidy")
    assert comparison._numbers(tmp_path, REFERENCE, [])[1] == []
    rows = pd.read_csv(REFERENCE / table, keep_default_na=False, na_values=[""])
    rows.assign(fraction=1.1 * rows["fraction"]).to_csv(tmp_path / table, index=False)
    differences = comparison._numbers(tmp_path, REFERENCE, [])[1]
    assert len(differences) > len(rows) / 4
    assert all(f"{table}, row" in line and ", fraction: " in line for line in differences)
