"""Training runs are kept in the repository and put back: by the same code at once, by other code after a proof."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from snakemake.utils import update_config

from study.kept import _alike
from tests.checkout import copy_of_repository, run, snakemake, tiny

APART = ("config/quick.yaml", "config/apart.yaml")
TARGET = "results/apart/tidy/start_matters/runs.csv"


def trained(folder: Path) -> dict[str, bytes]:
    results = folder / "results" / "apart" / "training"
    return {path.name: path.read_bytes() for path in results.rglob("*") if path.suffix in (".csv", ".json", ".sha256")
            if path.name != "commands.json"}  # fmt: skip


def change(folder: Path, module: str, old: str, new: str) -> None:
    path = folder / "src" / "normplace" / module
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


@pytest.mark.slow
def test_runs_are_kept_and_put_back(tmp_path: Path) -> None:
    folder = copy_of_repository(tmp_path / "copy")
    configuration = yaml.safe_load((folder / "config" / "smoke.yaml").read_text())
    update_config(configuration, tiny() | {"scale": "apart", "cells_together": False})
    (folder / APART[-1]).write_text(yaml.safe_dump(configuration))

    def kept(command: str) -> str:
        found = run(folder, "python", "-m", "study.kept", command, "apart")
        return found.stdout + found.stderr

    found = snakemake(folder, TARGET, config=APART)
    assert found.returncode == 0, found.stderr[-2000:]
    before = trained(folder)
    assert "reference/runs/apart has 2 parts" in kept("save")

    def lose_results() -> None:
        assert run(folder, "rm", "-rf", "results", ".snakemake").returncode == 0

    lose_results()
    change(folder, "training/plan.py", "LAST_RATE = 1e-6", "LAST_RATE = 1e-6 ")  # other code, the same numbers
    said = kept("restore")
    assert "beginning training/start_matters/" in said
    assert "2 parts restored to results/apart" in said
    assert trained(folder) == before
    to_do = snakemake(folder, "--dry-run", TARGET, config=APART).stdout
    assert "curves" in to_do
    assert "train " not in to_do

    lose_results()
    change(folder, "training/optimizers.py", "ADAM_EPS = (0.9, 0.999), 1e-8", "ADAM_EPS = (0.5, 0.999), 1e-8")
    assert "this code trains other numbers; these runs cannot be restored" in kept("restore")
    assert trained(folder) == {}
    for packed in list((folder / "reference" / "runs" / "apart").rglob("*.xz")):
        packed.write_bytes(packed.read_bytes()[:-20])
    assert "was altered after it was kept" in kept("restore")


def test_rounding_of_another_processor_is_no_other_training() -> None:
    before = pd.DataFrame({"split": ["train", "test"], "step": 1, "loss": [0.85, 0.9], "accuracy": [0.5, 0.25],
                           "gradient_norm": [14.0, np.nan]})  # fmt: skip

    def alike(**columns: list[float]) -> bool:
        return _alike(before, before.assign(**columns).set_index(pd.Index([5, 6])))

    assert alike()
    assert alike(loss=[0.850001, 0.9], gradient_norm=[14.0001, np.nan], accuracy=[0.502, 0.25])
    assert not alike(loss=[0.853, 0.9])
    assert not alike(accuracy=[0.51, 0.25])
    assert not alike(gradient_norm=[14.0, 0.0])
    assert not alike(loss=[np.inf, 0.9])
    late = before.assign(step=7)  # by then chaos has had its time
    assert _alike(late, late.assign(loss=[0.853, 0.9], accuracy=[0.51, 0.25]))
    assert not _alike(late, late.assign(loss=[0.88, 0.9]))
    assert not _alike(late, late.assign(accuracy=[0.56, 0.25]))
    assert not _alike(before, before.drop(columns="accuracy"))
    assert not _alike(before, before.head(1))
