"""The command line as other programs call it: file contracts, and one clear line for every mistake."""

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from normplace.cli.main import main
from normplace.networks.norms import NORMS, Norm


def run(*arguments: object) -> None:
    main([str(argument) for argument in arguments])


def mistake(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Run a command that must fail; return its one line of error."""
    with pytest.raises(SystemExit) as caught:
        run(*arguments)
    assert caught.value.code == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if "WARNING" not in line]
    assert len(lines) == 1
    return lines[0]


def test_sample_writes_what_the_contract_says(tmp_path: Path) -> None:
    output = tmp_path / "x.npz"
    options = "--dataset digits --classes all --points 50 --norm batch --placement before --depth 3 --width 20"
    run("sample", *options.split(), "--inits", 7, "--seed", 4, "--device", "cpu", "--output", output)
    with np.load(output, allow_pickle=False) as archive:
        averages = {"mean_var", "expected_var", "agreement"}
        assert set(archive.files) == {"guess_fraction", "output_mean", "output_var", *averages, "gamma", "config"}
        for name in averages:
            assert archive[name].shape == (3, 7)
            assert archive[name].dtype == np.float32
        for name in ("guess_fraction", "output_mean", "output_var"):
            assert archive[name].shape == (3, 7, 10)
            assert archive[name].dtype == np.float32
        assert archive["gamma"].shape == (3,)
        config = json.loads(archive["config"].item())
    assert config["options"] == {
        "dataset": "digits", "classes": "all", "points": 50, "standardise": None, "shift": 0.0, "no_stand_in": False,
        "norm": "batch", "placement": "before", "depth": 3, "width": 20, "activation": "relu",
        "bn_statistics": "batch", "weight_variance": 2.0, "bias_variance": 0.0, "inits": 7, "seed": 4, "device": "cpu",
    }  # fmt: skip
    assert len(config["data"]["sha256"]) == 64
    assert config["versions"]["torch"] == version("torch")  # which torch.__version__ may say more of


@pytest.mark.slow
def test_a_stand_in_is_said_first_and_last(tmp_path: Path) -> None:
    sample = "sample --dataset mnist --points 30 --norm none --depth 1 --inits 5"
    command = [sys.executable, "-m", "normplace.cli", *sample.split(), "--data-root", str(tmp_path)]
    ran = subprocess.run(
        [*command, "--output", str(tmp_path / "x.npz")], capture_output=True, text=True, check=True
    )  # fmt: skip
    first, *_, last = ran.stderr.splitlines()
    assert first.startswith("normplace: WARNING: MNIST was not found in")
    assert last == "normplace: WARNING: the data were a STAND-IN: scikit-learn digits (stand-in for MNIST)"


@pytest.mark.slow
def test_a_placement_without_a_norm_is_ignored(tmp_path: Path) -> None:
    common = ["--dataset", "digits", "--points", "30", "--norm", "none", "--depth", "2", "--inits", "5"]
    run("sample", *common, "--output", tmp_path / "a.npz")
    run("sample", *common, "--placement", "after", "--processes", 2, "--output", tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


@pytest.mark.slow
def test_theory_writes_what_the_contract_says(tmp_path: Path) -> None:
    run("theory", "--norm", "none", "--depth", 5, "--output", tmp_path / "iso.csv")
    table = pd.read_csv(tmp_path / "iso.csv")
    errors = ["gamma_error", "guess_fraction_std_error"]
    assert list(table.columns) == ["depth", "gamma", "correlation", "guess_fraction_std", *errors]
    assert not table[errors].to_numpy().any()
    assert table["depth"].tolist() == [1, 2, 3, 4, 5]
    assert table["gamma"].iloc[4] == pytest.approx(2.787109, abs=1e-6)
    assert table["correlation"].iloc[0] == pytest.approx(1 / np.pi)
    data = [
        "--dataset",
        "digits",
        "--points",
        "60",
        "--norm",
        "layer",
        "--placement",
        "after",
        "--depth",
        "4",
    ]
    draws = ["--draws-output", tmp_path / "d.npz", "--draws", 300]
    run("theory", *data, *draws, "--output", tmp_path / "own.csv")
    own = pd.read_csv(tmp_path / "own.csv")
    assert (own["gamma"].diff().dropna() < 0).all()  # layer after loses its prejudice with depth
    with np.load(tmp_path / "d.npz") as archive:
        assert archive["guess_fraction"].shape == (2, 300, 2)
        assert archive["depths"].tolist() == [1, 4]
        # 300 draws: relative standard error of a standard deviation below 1/sqrt(300)
        found = archive["guess_fraction"][:, :, 0].std(axis=1)
    np.testing.assert_allclose(found, own["guess_fraction_std"].iloc[[0, 3]], rtol=4 / 300**0.5)
    run("theory", *data, "--width", 30, "--weight-variance", 3, "--bias-variance", 0.5, "--output", tmp_path / "w.csv")
    at_width = pd.read_csv(tmp_path / "w.csv")
    assert (at_width["gamma_error"] > 0).all()
    assert (at_width["gamma"] > own["gamma"]).all()  # a bias is common to all points


def test_theory_for_ten_classes_is_narrower(tmp_path: Path) -> None:
    data = ["--dataset", "digits", "--points", "60", "--norm", "none", "--depth", "1"]
    run("theory", *data, "--output", tmp_path / "two.csv")
    run("theory", *data, "--classes", "all", "--output", tmp_path / "ten.csv")
    two, ten = (pd.read_csv(tmp_path / f"{name}.csv")["guess_fraction_std"].item() for name in ("two", "ten"))
    assert 0.05 < ten < 0.6 * two


def test_summarise_joins_samples_with_their_theory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = ["--dataset", "digits", "--points", "60"]
    cell = ["--norm", "layer", "--placement", "before", "--depth", "4"]
    run("sample", *data, *cell, "--inits", 300, "--output", tmp_path / "s.npz")
    run("theory", *data, *cell, "--draws-output", tmp_path / "t.npz", "--output", tmp_path / "t.csv")
    run("summarise", tmp_path / "s.npz", "--theory", tmp_path / "t.npz", "--output", tmp_path / "tidy")
    assert f"{tmp_path / 'tidy' / 'gamma.csv'}: 4 rows" in capsys.readouterr().out
    gamma = pd.read_csv(tmp_path / "tidy" / "gamma.csv")
    assert gamma["depth"].tolist() == [1, 2, 3, 4]
    assert (gamma["gamma_low"] < gamma["gamma"]).all()
    assert (gamma["gamma"] < gamma["gamma_high"]).all()
    shallow = gamma.iloc[0]
    assert shallow["gamma_low"] < shallow["gamma_kernel"] < shallow["gamma_high"]
    assert shallow["ks_kernel"] < 1.5 * shallow["ks_critical_kernel"]
    histograms = pd.read_csv(tmp_path / "tidy" / "histograms.csv")
    totals = histograms.groupby("depth")[["count", "share_isotropic", "share_kernel"]].sum()
    np.testing.assert_allclose(totals["count"], 300)
    np.testing.assert_allclose(totals[["share_isotropic", "share_kernel"]], 1, atol=1e-9)
    assert pd.read_csv(tmp_path / "tidy" / "regimes.csv")["regime_theory"].tolist() == ["deeply prejudiced"]


def test_a_theory_of_other_points_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cell = [
        "--dataset",
        "digits",
        "--points",
        "60",
        "--norm",
        "layer",
        "--placement",
        "before",
        "--depth",
        "2",
    ]
    other = ["--classes", '{"a": [0, 1], "b": [2, 3]}']
    run("sample", *cell, "--inits", 5, "--output", tmp_path / "s.npz")
    run("theory", *cell, *other, "--draws-output", tmp_path / "t.npz", "--output", tmp_path / "t.csv")
    capsys.readouterr()
    line = mistake(capsys, "summarise", tmp_path / "s.npz", "--theory", tmp_path / "t.npz", "--output", tmp_path / "o")
    assert "no sample of the same data" in line


SAMPLE = ["sample", "--dataset", "digits", "--norm", "layer", "--placement", "before", "--depth", "2"]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (["--norm", "layr"], ["--norm", "'layr'", "batch"]),
        (["--placement", "behind"], ["--placement", "'behind'", "before"]),
        (["--depth", "0"], ["--depth", "0 is not in the range x>=1"]),
        (["--depth", "two"], ["--depth", "two", "whole number of at least 1"]),
        (["--width", "-3"], ["--width", "-3 is not in the range x>=1"]),
        (["--inits", "1"], ["--inits", "1 is not in the range x>=2"]),
        (["--points", "1"], ["--points", "1 is not in the range x>=2"]),
        (["--width", "1"], ["--width 1", "LayerNorm"]),
        (["--bn-statistics", "running"], ["--bn-statistics running", "layer"]),
        (["--norm", "none", "--activation", "gelu", "--depth", "300", "--points", "20", "--inits", "2"], ["vanish"]),
        (["--seed", "-1"], ["--seed", "-1 is not in the range x>=0"]),
        (["--points", "2000"], ["--points 2000", "1437"]),
        (["--classes", '{"a": ["zebra"], "b": [1]}'], ["--classes", "zebra", "0 (0)"]),
        (["--classes", "nonsense"], ["--classes nonsense", "parity"]),
        (["--dataset", "imagenet"], ["--dataset imagenet", "gaussian"]),
        (["--dataset", "folder:/nowhere"], ["/nowhere", "train/"]),
        (["--dataset", "file:/nowhere.npz"], ["--dataset file:/nowhere.npz", "no such file"]),
        (["--shift", "nan"], ["--shift", "nan", "finite"]),
        (["--shift=-inf"], ["--shift", "-inf is not in the range -inf<x<inf"]),
        (["--shift", "much"], ["--shift", "much", "finite number"]),
        (["--activation", "swish"], ["--activation", "'swish'", "silu"]),
        (["--device", "tpu"], ["--device", "'tpu'", "cuda"]),
        (["--standardise", "minmax"], ["--standardise", "'minmax'", "own"]),
        (["--initz", "5"], ["--initz", "--inits"]),
        (["--init", "5"], ["--init", "--inits"]),
        (["--classes", "--no-stand-in"], ["--classes", "--no-stand-in", "requires an argument"]),
        (["--no-stand-in=5"], ["--no-stand-in", "does not take a value"]),
        (["stray"], ["stray", "unexpected"]),
    ],
)
def test_mistakes_are_one_clear_line(
    changed: list[str], words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = mistake(capsys, *SAMPLE, *changed, "--output", tmp_path / "x.npz")
    for word in words:
        assert word in line
    assert list(tmp_path.iterdir()) == []


def test_a_norm_without_a_placement(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["sample", "--dataset", "digits", "--norm", "batch", "--depth", "2", "--output"]
    assert "--placement is missing" in mistake(capsys, *command, tmp_path / "x.npz")


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_no_gpu_for_cuda(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = mistake(capsys, *SAMPLE, "--device", "cuda", "--output", tmp_path / "x.npz")
    assert "--device cuda" in line
    assert "no GPU" in line


def test_an_unwritable_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "is a directory" in mistake(capsys, *SAMPLE, "--output", tmp_path)
    assert "not a regular file" in mistake(capsys, *SAMPLE, "--output", "/dev/null")
    (tmp_path / "file").write_text("")
    assert "cannot be written" in mistake(capsys, *SAMPLE, "--output", tmp_path / "file" / "x.npz")
    assert "cannot be written (File name too long)" in mistake(capsys, *SAMPLE, "--output", "x" * 300)
    assert "--output x.csv: needs the suffix .npz" in mistake(capsys, *SAMPLE, "--output", "x.csv")
    assert "--output x.npz: needs the suffix .csv" in mistake(capsys, "phase", "--output", "x.npz")
    draws = ["theory", *SAMPLE[1:3], "--norm", "none", "--depth", "2", "--output", "x.csv", "--draws-output", "x.json"]
    assert "--draws-output x.json: needs the suffix .npz" in mistake(capsys, *draws)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (["--lr", "0"], ["--lr", "0.0 is not in the range 0<x<inf"]),
        (["--lr", "-1e-3"], ["--lr", "-0.001 is not in the range 0<x<inf"]),
        (["--lr", "inf"], ["--lr", "inf is not in the range 0<x<inf"]),
        (["--lr", "nan"], ["--lr", "nan", "finite number above 0"]),
        (["--batch-size", "500"], ["--batch-size 500", "100 training points"]),
        (["--runs", "0"], ["--runs", "0 is not in the range x>=1"]),
        (["--epochs", "0"], ["--epochs", "0 is not in the range x>=1"]),
        (["--optimizer", "adamw"], ["--optimizer", "'adamw'", "sgd"]),
        (["--select", "fair"], ["--select", "'fair'", "neutral"]),
        (["--test-points", "5000"], ["--test-points 5000", "360"]),
        (["--select", "prejudiced", "--placement", "after"], ["--select prejudiced", "1000 starts", "largest is 0."]),
    ],
)
def test_mistakes_of_train(
    changed: list[str], words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = "train --dataset digits --points 100 --norm batch --placement before --depth 1".split()
    command += "--lr 1e-3 --batch-size 20 --epochs 1 --runs 1".split()
    line = mistake(capsys, *command, *changed, "--output", tmp_path / "t.csv")
    for word in words:
        assert word in line
    assert list(tmp_path.iterdir()) == []


def test_train_and_curves_write_what_the_contract_says(tmp_path: Path) -> None:
    command = "train --dataset digits --points 100 --norm batch --placement before --depth 1 --width 20".split()
    run(*command, *"--lr 1e-3 --batch-size 20 --epochs 3 --runs 2".split(), "--output", tmp_path / "t.csv")
    rows = pd.read_csv(tmp_path / "t.csv")
    assert list(rows.columns)[:12] == [
        "run", "step", "epoch", "split", "bn_statistics", "loss", "accuracy", "accuracy_majority",
        "accuracy_minority", "max_guess_fraction", "guess_fraction_majority", "weight_cosine",
    ]  # fmt: skip
    assert set(rows["bn_statistics"]) == {"batch", "running"}
    assert rows["step"].max() == 15
    assert (rows.groupby(["run", "step"]).size() == 4).all()  # two splits, two kinds of statistics
    run("curves", tmp_path / "t.csv", "--output", tmp_path / "tidy")
    milestones = pd.read_csv(tmp_path / "tidy" / "milestones.csv")
    assert milestones["n"].tolist() == [2, 2]


def test_a_folder_with_several_image_sizes(
    image_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(np.zeros((9, 9, 3), dtype=np.uint8)).save(image_folder / "train" / "ant" / "big.png")
    line = mistake(capsys, *SAMPLE, "--dataset", f"folder:{image_folder}", "--output", tmp_path / "x.npz")
    assert "several sizes" in line


def test_mistakes_of_theory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["theory", "--norm", "none", "--depth", 3, "--output", tmp_path / "t.csv"]
    assert "--draws-output" in mistake(capsys, *command, "--draws-output", tmp_path / "d.npz")
    assert "--points" in mistake(capsys, *command, "--points", 10)
    batch = ["--norm", "batch", "--placement", "before"]
    assert "--simulate: needs --width" in mistake(capsys, *command, "--simulate", 10).replace(" 10:", ":")
    assert "--simulate N draws" in mistake(capsys, *command, *batch, "--width", 50, "--dataset", "digits")
    assert "there is no pair chain" in mistake(capsys, *command, "--width", 10)
    assert "--bias-variance" in mistake(capsys, *command, "--bias-variance", -1)
    assert "at least 2 are needed" in mistake(capsys, *command, "--norm", "layer", "--placement", "after", "--width", 1)
    deep = ["--dataset", "digits", "--draws-output", tmp_path / "d.npz", "--draws-depths", "1,9"]
    assert "--draws-depths 9" in mistake(capsys, *command, *deep)
    digits = ["--dataset", "digits"]
    assert "--draws: needs --draws-output" in mistake(capsys, *command, *digits, "--draws", 5)
    assert "--draws: needs --dataset" in mistake(capsys, *command, "--draws", 5)
    assert "0 is not in the range x>=1" in mistake(capsys, *command, *deep[:-1], "1,0")
    assert "--draws-depths: needs --dataset" in mistake(capsys, *command, "--draws-depths", 2)
    foreign = tmp_path / "foreign.npz"
    np.savez(foreign, a=np.zeros(2))
    assert "foreign.npz" in mistake(capsys, "summarise", foreign, "--output", tmp_path / "tidy")


def test_numbers_below_0(tmp_path: Path) -> None:
    sample = ["sample", "--dataset", "digits", "--points", "30", "--norm", "none", "--depth", "1", "--inits", "2"]
    for shift in (["--shift", "-1e-3"], ["--shift=-1e-3"]):
        run(*sample, *shift, "--output", tmp_path / "x.npz")
        with np.load(tmp_path / "x.npz") as archive:
            assert json.loads(archive["config"].item())["options"]["shift"] == -0.001


def test_several_values_after_one_option(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = []
    for norm in ("layer", "rms"):
        cell = ["--dataset", "digits", "--points", "60", "--norm", norm, "--placement", "before", "--depth", "2"]
        run("sample", *cell, "--inits", 50, "--output", tmp_path / f"{norm}.npz")
        run("theory", *cell, "--draws-output", tmp_path / f"{norm}-theory.npz", "--output", tmp_path / "t.csv")
        files.append((tmp_path / f"{norm}.npz", tmp_path / f"{norm}-theory.npz"))
    samples, theories = zip(*files, strict=True)
    few = ["--bootstrap", 20, "--output"]
    tables = {
        "none": ["summarise", *samples, *few],
        "empty": ["summarise", *samples, "--theory", *few],
        "both": ["summarise", *samples, "--theory", *theories, *few],
        "last": ["summarise", *samples, *few, tmp_path / "last", "--theory", *theories],
        "each": ["summarise", *samples, f"--theory={theories[0]}", "--theory", theories[1], *few],
    }
    for name, command in tables.items():
        run(*command, *([] if name == "last" else [tmp_path / name]))
    found = {name: (tmp_path / name / "gamma.csv").read_bytes() for name in tables}
    assert found["none"] == found["empty"] != found["both"]
    assert found["both"] == found["last"] == found["each"]
    assert pd.read_csv(tmp_path / "both" / "gamma.csv")["gamma_kernel"].notna().all()
    line = mistake(capsys, "curves", "t.csv", "--output")
    assert line == "normplace curves: error: Option '--output' requires an argument. (see normplace curves --help)"
    assert "'SAMPLE.npz...'" in mistake(capsys, "summarise", "--theory", *theories, "--output", tmp_path / "w")


def test_a_norm_that_is_added_later_is_a_choice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["sample", "--dataset", "digits", "--points", "30", "--depth", "1", "--inits", "3", "--norm", "twice"]
    command += ["--placement", "after", "--output", str(tmp_path / "x.npz")]
    assert "'twice' is not one of 'none', 'batch'" in mistake(capsys, *command)
    twice = Norm("twice", "twice", "nodes", centres=False, scales=False, operation=lambda z: 2 * z)
    monkeypatch.setitem(NORMS, "twice", twice)
    run(*command)
    with np.load(tmp_path / "x.npz") as archive:
        assert json.loads(archive["config"].item())["options"]["norm"] == "twice"


def test_the_installed_command_answers() -> None:
    command = Path(sys.executable).with_name("normplace")
    found = subprocess.run([command, "--version"], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "0.1.0"
