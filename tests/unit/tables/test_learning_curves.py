"""Milestones and curves of made-up runs whose answers are known."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from normplace.errors import UserError
from normplace.tables.learning_curves import summarise
from normplace.tables.records import write_training

OPTIONS = {
    "norm": "none", "placement": "none", "activation": "relu", "depth": 3, "width": 10, "optimizer": "adam",
    "learning_rate": 1e-3, "batch_size": 8, "epochs": 1, "select": "any", "runs": 3, "weight_variance": 2.0,
    "bias_variance": 0.0, "schedule": "constant", "weight_decay": 0.0, "clip": 0.0, "augment": False,
    "evaluated": 10000, "output_bias": "drawn",
}  # fmt: skip
DATA = {
    "dataset": "digits", "label": "digits", "stand_in": False, "points": 5, "classes": {"a": ["0"], "b": ["1"]},
    "test_class_counts": [50, 50],
}  # fmt: skip


def write(path: Path, gaps: list[list[float]], accuracies: list[list[float]], diverged: list[int]) -> Path:
    """Runs with these training gaps and test accuracies at steps 0, 1, ...; a diverged run ends without values."""
    rows = []
    for run, (gap, accuracy) in enumerate(zip(gaps, accuracies, strict=True)):
        for step in range(len(gap)):
            ended = bool(diverged[run]) and step == len(gap) - 1
            for split in ("train", "test"):
                rows.append(
                    {
                        "run": run, "step": step, "split": split, "bn_statistics": "", "diverged": int(ended),
                        "loss": np.nan if ended else 1 - accuracy[step],
                        "accuracy": np.nan if ended else accuracy[step],
                        "accuracy_majority": np.nan if ended else 0.5 + gap[step] / 2,
                        "accuracy_minority": np.nan if ended else 0.5 - gap[step] / 2,
                        "max_guess_fraction": np.nan if ended else 0.5 + gap[step] / 2,
                        "weight_cosine": 1.0, "gradient_norm": 1.0,
                    }
                )  # fmt: skip
    return write_rows(path, pd.DataFrame(rows))


def write_rows(path: Path, rows: pd.DataFrame) -> Path:
    write_training(path, OPTIONS, DATA, rows.to_csv(index=False))
    return path


def test_milestones_of_known_runs(tmp_path: Path) -> None:
    gaps = [[1.0, 0.5, 0.04, 0.2], [0.8, 0.04, 0.0, 0.0], [0.9, 0.9, 0.9, 0.9]]
    accuracies = [[0.5, 0.79, 0.81, 1.0], [0.5, 0.5, 0.9, 1.0], [0.5, 0.8, 0.8, 0.8]]
    milestones = summarise([write(tmp_path / "a.csv", gaps, accuracies, [0, 0, 0])])["milestones"]
    (row,) = milestones.to_dict("records")
    assert (row["n"], row["diverged"]) == (3, 0)
    assert row["gap_at_start"] == pytest.approx(0.9)
    assert row["steps_to_closed_gap"] == 2  # 2, 1 and never
    assert (row["steps_to_closed_gap_low"], row["steps_to_closed_gap_high"]) == (1, np.inf)
    assert row["steps_to_gap_closed_for_good"] == np.inf  # 0.2 again at the end, 1 and never
    assert row["steps_to_80"] == 2  # of what is above one half: 3, 2 and 1
    assert row["steps_to_90"] == 3  # 3, 3 and 1
    assert row["final_accuracy"] == pytest.approx(2.8 / 3)
    assert row["final_accuracy_low"] < row["final_accuracy"] < row["final_accuracy_high"]
    assert row["early_accuracy"] == pytest.approx(0.5)


def test_diverged_runs_are_counted_and_not_averaged(tmp_path: Path) -> None:
    gaps, accuracies = [[1.0, 0.5, 0.0], [0.6, 0.3, 0.2]], [[0.5, 0.6, 0.7], [0.5, 0.9, 0.9]]
    tables = summarise([write(tmp_path / "a.csv", gaps, accuracies, [0, 1])])
    curves, milestones = tables["curves"], tables["milestones"]
    (row,) = milestones.to_dict("records")
    assert (row["n"], row["diverged"]) == (1, 1)
    assert row["final_accuracy"] == pytest.approx(0.7)
    assert row["gap_at_start"] == pytest.approx(0.8)  # known before the divergence
    assert row["steps_to_gap_closed_for_good"] == 2
    assert curves["step"].tolist() == [0, 0, 1, 1, 2, 2]  # a row per split
    last = curves[(curves["step"] == 2) & (curves["split"] == "test")].iloc[0]
    assert last["n"] == 1
    assert last["accuracy"] == pytest.approx(0.7)
    everything = write(tmp_path / "b.csv", gaps, accuracies, [1, 1])
    (row,) = summarise([everything])["milestones"].to_dict("records")
    assert (row["n"], row["diverged"]) == (0, 2)
    assert np.isnan(row["final_accuracy"])
    assert np.isnan(row["steps_to_80_high"])


def test_curves_are_medians_and_quartiles(tmp_path: Path) -> None:
    gaps = [[0.0, value] for value in (0.1, 0.2, 0.3, 0.4, 0.5)]
    path = write(tmp_path / "a.csv", gaps, [[0.5, 0.6]] * 5, [0] * 5)
    curves = summarise([path])["curves"]
    row = curves[(curves["step"] == 1) & (curves["split"] == "train")].iloc[0]
    assert (row["gap_low"], row["gap"], row["gap_high"]) == pytest.approx((0.2, 0.3, 0.4))
    assert row["n"] == 5
    assert row["norm"] == "none"


def test_files_that_differ_in_their_runs_alone_are_parts_of_one_cell(tmp_path: Path) -> None:
    gaps, accuracies = [[0.8, 0.1], [0.9, 0.2], [0.7, 0.0]], [[0.5, 0.9], [0.5, 0.8], [0.5, 0.7]]
    whole = write(tmp_path / "whole.csv", gaps, accuracies, [0, 0, 0])
    rows = pd.read_csv(whole)
    parts = [tmp_path / "first.csv", tmp_path / "second.csv"]
    for path, part in zip(parts, (rows[rows["run"] < 2], rows[rows["run"] == 2]), strict=True):
        write_training(path, {**OPTIONS, "runs": part["run"].nunique()}, DATA, part.to_csv(index=False))
    found, expected = summarise(parts), summarise([whole])
    for name, table in expected.items():
        pd.testing.assert_frame_equal(found[name], table)
    assert found["milestones"]["runs"].tolist() == [3]
    assert found["runs"]["run"].tolist() == [0, 1, 2]
    with pytest.raises(UserError, match=r"whole\.csv: run 2 is in another file of the same networks too"):
        summarise([parts[1], whole])


def test_a_run_that_learned_nothing_never_reaches_a_share_of_its_final_accuracy(tmp_path: Path) -> None:
    accuracies = [[0.5, 0.55, 0.59], [0.5, 0.5, 0.61]]  # one class is half of 100 test points: learned is above .6
    gaps = [[0.9, 0.5, 0.1]] * 2
    milestones = summarise([write(tmp_path / "a.csv", gaps, accuracies, [0, 0])])["milestones"]
    (row,) = milestones.to_dict("records")
    assert row["one_class_accuracy_low"] == row["one_class_accuracy_high"] == 0.5
    assert (row["steps_to_90_low"], row["steps_to_90_high"]) == (2, np.inf)


def test_the_start_is_measured_with_batch_statistics_only(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [[0.9, 0.5]], [[0.5, 0.9]], [0])
    rows = pd.read_csv(path)
    both = pd.concat([rows.assign(bn_statistics=mode) for mode in ("batch", "running")])
    write_rows(path, both)
    milestones = summarise([path])["milestones"]
    starts = milestones.set_index("bn_statistics")["gap_at_start"]
    assert starts["batch"] == pytest.approx(0.9)
    assert np.isnan(starts["running"])
    assert (milestones["final_accuracy"] == 0.9).all()
