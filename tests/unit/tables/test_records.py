"""What the commands write is written again, byte for byte, and read; what is foreign is refused in one line."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from normplace.cli.main import main
from normplace.errors import UserError
from normplace.files import read_json, read_npz, write_npz
from normplace.tables import records
from normplace.tables.records import read_kernel_theory, read_sample, read_training

DATA = ["--dataset", "digits", "--points", "40"]
NETWORK = ["--norm", "layer", "--placement", "before", "--depth", "2"]


def run(*options: str | Path) -> None:
    main([*map(str, options)])


def test_a_sample(tmp_path: Path) -> None:
    path, again = tmp_path / "a.npz", tmp_path / "b.npz"
    run("sample", *DATA, *NETWORK, "--width", 7, "--inits", 3, "--output", path)
    arrays, config = read_npz(path, (*records.OF_SAMPLE, "gamma"))
    records.write_sample(again, config["options"], config["data"], **arrays)
    assert again.read_bytes() == path.read_bytes()
    sample = read_sample(path)
    assert sample.guess_fraction.shape == (2, 3, 2)
    assert sample.cell[:8] == ("digits", "scikit-learn digits", False, "mlp", "layer", "before", "batch", "relu")
    assert sample.cell[8:14] == (7, 2.0, 0.0, 2, 0.0, 40)


@pytest.mark.slow
def test_a_theory(tmp_path: Path) -> None:
    path, again = tmp_path / "a.npz", tmp_path / "b.npz"
    draws = ["--draws", "5", "--draws-output", path, "--output", tmp_path / "a.csv"]
    run("theory", *DATA, *NETWORK, *draws)
    arrays, config = read_npz(path, (*records.BY_DEPTH, "depths", "guess_fraction"))
    records.write_kernel_theory(again, config["options"], config["data"], **arrays)
    assert again.read_bytes() == path.read_bytes()
    theory = read_kernel_theory(path)
    assert (theory.cell.norm, theory.cell.width, theory.depths.tolist()) == ("layer", 0, [1, 2])
    assert theory.guess_fraction.shape == (2, 5, 2)
    assert theory.drawn(3) is None
    assert np.array_equal(theory.drawn(2), theory.guess_fraction[1])
    run("theory", *DATA, *NETWORK, *draws, "--width", 20)
    assert read_kernel_theory(path).cell.width == 20
    assert (read_kernel_theory(path).gamma_error > 0).all()


def test_a_training(tmp_path: Path) -> None:
    path, again = tmp_path / "a.csv", tmp_path / "b.csv"
    plan = ["--lr", "0.01", "--batch-size", "20", "--epochs", "1", "--runs", "2"]
    run("train", *DATA, *NETWORK, "--width", 7, *plan, "--output", path)
    config = read_json(path.with_suffix(".json"))
    records.write_training(again, config["options"], config["data"], path.read_text())
    assert again.read_bytes() == path.read_bytes()
    assert again.with_suffix(".json").read_bytes() == path.with_suffix(".json").read_bytes()
    cell, rows = read_training(path)
    wanted = {"norm": "layer", "depth": 2, "width": 7, "runs": 2, "class_names": "even / odd"}
    assert {name: cell[name] for name in wanted} == wanted
    counts = config["data"]["test_class_counts"]
    ends = cell["one_class_accuracy_low"], cell["one_class_accuracy_high"]
    assert ends == tuple(sorted(np.array(counts) / sum(counts)))
    np.testing.assert_array_equal(rows["gap"], rows["accuracy_majority"] - rows["accuracy_minority"])


def test_a_measurement(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    records.write_measurement(path, {"model": "torchvision:resnet18"}, {"label": "digits"}, {"inits": 9})
    found = read_json(path)
    assert (found["command"], found["options"], found["inits"]) == ("measure", {"model": "torchvision:resnet18"}, 9)
    path.write_text(path.read_text().replace("9", "8"))
    with pytest.raises(UserError, match=r"a\.json: damaged, altered"):
        read_json(path)


@pytest.mark.parametrize(
    "config", [[], {"options": {}, "data": {}}, {"options": [], "data": {}}, {"options": {}, "data": {"classes": 1}}]
)
def test_a_foreign_config_is_refused(config: Any, tmp_path: Path) -> None:
    arrays = {name: np.zeros((1, 2, 2), np.float32) for name in records.OF_SAMPLE[:3]}
    arrays |= {name: np.zeros((1, 2), np.float32) for name in records.OF_SAMPLE[3:]}
    write_npz(tmp_path / "a.npz", arrays, config)
    with pytest.raises(UserError, match=r"a\.npz: its config ") as raised:
        read_sample(tmp_path / "a.npz")
    assert "\n" not in str(raised.value)


def test_a_training_without_its_json_or_a_foreign_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    of_data = ("dataset", "label", "stand_in", "points", "classes", "test_points", "class_names", "runs")
    options = {name: "" for name in records.TRAINING_CELL if name not in of_data and "one_class" not in name}
    data: dict[str, Any] = {"dataset": "digits", "label": "", "stand_in": False, "points": 5, "classes": {"a": []}}
    data["test_class_counts"] = [1, 1]
    rows = "run,bn_statistics,accuracy_majority,accuracy_minority\n0,,0.5,0.5\n"
    records.write_training(path, {**options, "runs": 1}, data, rows)
    read_training(path)
    path.write_text(rows.replace("0.5", "0.6", 1))
    with pytest.raises(UserError, match=r"a\.csv: .* SHA-256"):
        read_training(path)
    path.with_suffix(".json").write_text("{}")
    with pytest.raises(UserError, match=r"a\.csv"):
        read_training(path)
    path.with_suffix(".json").unlink()
    with pytest.raises(UserError, match=r"a\.csv"):
        read_training(path)
    records.write_training(path, {**options, "runs": 1}, {**data, "test_class_counts": [0, 0]}, rows)
    with pytest.raises(UserError, match=r"a\.csv: .*division by zero"):
        read_training(path)
