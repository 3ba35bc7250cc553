"""Theory's columns of the shipped run, made again; measurements in their place are noticed."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from study import recomputed
from tests.checkout import ROOT

pytestmark = pytest.mark.slow
TABLE = "tidy/placements/gamma.csv"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the reference; its blobs are there, its images are not."""
    monkeypatch.setenv("DATA_ROOT", str(tmp_path / "nothing"))
    monkeypatch.setenv("NORMPLACE_OFFLINE", "1")
    monkeypatch.setattr(recomputed, "COLUMNS", ("gamma",))
    run = Path(shutil.copytree(ROOT / "reference" / "quick", tmp_path / "run"))
    for experiment in ("shift", "width_convergence", "classes"):
        shutil.rmtree(run / "tidy" / experiment)
    return run


def test_shipped_theory_is_theory_and_a_measurement_is_not(run: Path) -> None:
    wrong, missing = recomputed.others(run)
    assert not wrong
    assert missing == ["mnist", "cifar10"]
    rows = pd.read_csv(run / TABLE, keep_default_na=False, na_values=[""])
    for norm, placement in (("layer", "after"), ("batch", "before")):  # by the chain, and simulated
        of_cell = (rows["norm"] == norm) & (rows["placement"] == placement) & (rows["dataset"] == "gaussian")
        rows.loc[of_cell, "gamma_finite"] = rows["gamma"]
    rows.loc[(rows["norm"] == "none") & (rows["dataset"] == "gaussian"), "gamma_kernel"] = rows["gamma"]
    wide = (rows["norm"] == "rms") & (rows["dataset"] == "gaussian")  # an error that would excuse everything
    rows.loc[wide, "gamma_finite_error"] = rows["gamma_finite"]
    rows.to_csv(run / TABLE, index=False)
    found, _ = recomputed.others(run)
    assert sorted(found) == [
        "placements/gamma.csv: gamma_finite of batch-before on gaussian, width 100",
        "placements/gamma.csv: gamma_finite of layer-after on gaussian, width 100",
        "placements/gamma.csv: gamma_finite_error of rms-after on gaussian, width 100",
        "placements/gamma.csv: gamma_finite_error of rms-before on gaussian, width 100",
        "placements/gamma.csv: gamma_kernel of none on gaussian",
    ]


def test_closed_forms_are_made_again(tmp_path: Path) -> None:
    tidy = Path(shutil.copytree(ROOT / "reference" / "quick" / "tidy", tmp_path / "tidy"))
    assert not list(recomputed.closed_forms(tidy))
    for table in ("activations/gamma.csv", "phase/map.csv"):
        rows = pd.read_csv(tidy / table, keep_default_na=False, na_values=[""])
        tanh = rows["activation"] == "tanh"
        rows.loc[tanh, "gamma_isotropic" if "gamma_isotropic" in rows else "gamma"] = 0.5
        rows.to_csv(tidy / table, index=False)
    found = set(recomputed.closed_forms(tidy))
    assert "phase/map.csv" in found
    of_table = {line for line in found if line.startswith("activations/gamma.csv: gamma_isotropic")}
    assert of_table
    assert all(line.endswith("tanh") for line in of_table)
    assert found == {*of_table, "phase/map.csv"}
