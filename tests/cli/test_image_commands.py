"""`normplace sample` and `train` with a network for images: contracts, agreement, and one line for every mistake."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from normplace.cli.main import main
from normplace.data.datasets import load
from normplace.networks.images import image_network
from normplace.sampling.images import sample_images
from tests.gammas import gamma

DATA = "--dataset digits --points 40"
CNN = "--network cnn --norm batch --placement before"


def run(command: str, output: Path) -> None:
    main([*command.split(), "--output", str(output)])


def mistake(capsys: pytest.CaptureFixture[str], command: str, output: Path) -> str:
    """Run a command that must fail; return its one line of error."""
    with pytest.raises(SystemExit) as caught:
        run(command, output)
    assert caught.value.code == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "WARNING" not in line]
    return line


@pytest.fixture(scope="module")
def sampled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """30 CNNs on 40 digits."""
    output = tmp_path_factory.mktemp("sampled") / "cnn.npz"
    run(f"sample {DATA} {CNN} --inits 30 --seed 4 --device cpu", output)
    return output


def test_sample_writes_what_the_sampler_of_image_networks_finds(sampled: Path) -> None:
    x = load("digits", points=40).x
    expected = sample_images(partial(image_network, "cnn", "batch", "before", (1, 8, 8), 2), x, 30, seed=4)
    with np.load(sampled) as archive:
        for name, array in expected._asdict().items():
            assert array.shape[:2] == (1, 30)
            assert archive[name].tobytes() == array.tobytes()
        assert archive["gamma"].shape == (1,)
        options = json.loads(archive["config"].item())["options"]
    assert options == {
        "dataset": "digits", "classes": None, "points": 40, "standardise": None, "shift": 0.0, "no_stand_in": False,
        "network": "cnn", "norm": "batch", "placement": "before", "bn_statistics": "batch",
        "base_width": 32, "weight_variance": 2.0, "bias_variance": 0.0, "inits": 30, "seed": 4, "device": "cpu",
    }  # fmt: skip


def test_training_starts_from_the_networks_that_sample_shows(sampled: Path, tmp_path: Path) -> None:
    settings = "--test-points 20 --lr 1e-3 --batch-size 20 --epochs 1 --runs 3 --seed 4 --device cpu"
    run(f"train {DATA} {CNN} {settings}", tmp_path / "t.csv")
    rows = pd.read_csv(tmp_path / "t.csv")
    starts = rows[(rows["step"] == 0) & (rows["split"] == "train") & (rows["bn_statistics"] == "batch")]
    with np.load(sampled) as archive:
        assert starts["guess_fraction_0"].tolist() == pytest.approx(archive["guess_fraction"][0, :3, 0].tolist())
    assert starts["guess_fraction_0"].nunique() == 3
    run(f"curves {tmp_path / 't.csv'}", tmp_path / "tidy")
    curves = pd.read_csv(tmp_path / "tidy" / "curves.csv")
    assert set(curves["network"]) == {"cnn"}
    assert set(curves["class_names"]) == {"even / odd"}
    assert set(curves["depth"]) == {0}


def test_summarise_has_no_theory_of_an_image_network(sampled: Path, tmp_path: Path) -> None:
    run(f"sample {DATA} --norm batch --placement before --depth 2 --inits 20", tmp_path / "mlp.npz")
    run(f"summarise {sampled} {tmp_path / 'mlp.npz'}", tmp_path / "tidy")
    table = pd.read_csv(tmp_path / "tidy" / "gamma.csv")
    assert table["network"].tolist() == ["cnn", "mlp", "mlp"]
    with np.load(sampled) as archive:
        drawn = gamma(archive["output_mean"], archive["output_var"])
        averaged = archive["mean_var"].mean() / archive["expected_var"].mean()
    assert table["gamma_drawn"].iloc[0] == pytest.approx(float(drawn.squeeze()))
    assert table["gamma"].iloc[0] == pytest.approx(averaged, rel=1e-5)
    assert table["gamma_low"].iloc[0] < averaged < table["gamma_high"].iloc[0]
    theory = [column for column in table if column.endswith("_isotropic") and "critical" not in column]
    assert len(theory) == 3
    assert table[theory].notna().all(axis=1).tolist() == [False, True, True]
    assert table[theory].isna().all(axis=1).tolist() == [True, False, False]
    histograms = pd.read_csv(tmp_path / "tidy" / "histograms.csv")
    assert histograms.groupby(["network", "depth"])["count"].sum().tolist() == [30, 20, 20]
    assert pd.read_csv(tmp_path / "tidy" / "regimes.csv")["network"].tolist() == ["mlp"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--norm none", ["--depth is missing", "at least 1"]),
        ("--norm group --placement after --depth 2", ["--norm group", "resnet9"]),
        ("--network lenet --norm none", ["--network", "'lenet'", "vit"]),
        ("--network cnn --norm none --depth 3", ["--depth 3", "mlp", "cnn has its own"]),
        ("--network vit --norm none --width 100", ["--width 100", "mlp", "vit has its own"]),
        ("--network vit --norm none --activation relu", ["--activation relu", "mlp", "vit has its own"]),
        ("--network cnn --norm layer --placement after", ["--norm layer", "not for cnn", "group"]),
        ("--network vit --norm batch --placement after", ["--norm batch", "not for vit", "rms"]),
        ("--network mixer --norm layer", ["--placement is missing", "--norm layer"]),
        ("--network cnn --norm none --dataset gaussian", ["--network cnn", "needs images", "[1000]"]),
    ],
)
def test_mistakes_are_one_clear_line(
    options: str, words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for command, name in (("sample", "x.npz"), ("train --lr 1e-3 --epochs 1 --batch-size 10", "x.csv")):
        line = mistake(capsys, f"{command} {DATA} {options}", tmp_path / name)
        for word in words:
            assert word in line
    assert list(tmp_path.iterdir()) == []


def test_what_only_mlps_have(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    running = f"sample {DATA} {CNN} --bn-statistics running"
    assert "--bn-statistics running: is for --network mlp" in mistake(capsys, running, tmp_path / "x")
    assert "--network" in mistake(capsys, "theory --network cnn --norm none", tmp_path / "x")
    assert "--depth is missing" in mistake(capsys, "theory --norm none", tmp_path / "x")
    halves = f"sample {DATA} --network vit --norm layer-centring --placement after"
    assert "not for vit" in mistake(capsys, halves, tmp_path / "x")
