"""`normplace measure` as a new user meets it: what is printed and written, and one clear line for every mistake."""

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from normplace.cli.main import main

MODELS = """
import os

import torch
from torch import nn


def build():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 20), nn.BatchNorm1d(20), nn.ReLU(), nn.Linear(20, 2))


class Broken(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(64, 2)

    def forward(self, x):
        h = x.flatten(1, 2)
        return self.layer(h)


class Picky(nn.Module):
    def __init__(self, width):
        super().__init__()


instance = build()
width = 20
calls = []


def zero():
    network = build()
    nn.init.zeros_(network[-1].weight)
    nn.init.zeros_(network[-1].bias)
    return network


def one_class():
    network = build()
    nn.init.constant_(network[-1].bias, 0)
    network[-1].bias.data[torch.randint(2, ())] += 1e3
    return network


class Wide(nn.Module):
    def __init__(self, width, deep=None):
        super().__init__()
        print("built with", width, deep)
        if width < 1:
            raise ValueError("too narrow")
        self.net = nn.Sequential(nn.Flatten(), nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 2))

    def forward(self, x):
        return self.net(x)


def stops():
    calls.append(1)
    if len(calls) > int(os.environ["STOPS_AFTER"]):
        raise KeyboardInterrupt
    return build()
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folder with a module of models, as the current one; its modules are forgotten afterwards."""
    (tmp_path / "my_models.py").write_text(MODELS)
    (tmp_path / "needs_more.py").write_text("import not_installed_here\n")
    (tmp_path / "typo.py").write_text("def f(:\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    for name in ("my_models", "needs_more", "typo"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return tmp_path


def measure(model: str, *options: object, dataset: str = "digits", output: str = "m.json") -> dict[str, Any]:
    """Run it on a few points; return what it wrote."""
    main(["measure", model, "--dataset", dataset, "--points", "20", *map(str, options), "--output", output])
    found: dict[str, Any] = json.loads(Path(output).read_text(), parse_constant=lambda name: pytest.fail(name))
    return found


def mistake(capsys: pytest.CaptureFixture[str], model: str, *options: object, dataset: str = "digits") -> str:
    """Run what must fail before it writes anything; return its one line of error."""
    with pytest.raises(SystemExit) as caught:
        measure(model, "--inits", 3, *options, dataset=dataset)
    assert caught.value.code == 2
    assert not list(Path.cwd().glob("m.*"))
    lines = [line for line in capsys.readouterr().err.splitlines() if "net/s" not in line and "?net" not in line]
    assert len(lines) == 1
    return lines[0]


@pytest.mark.slow
def test_what_is_written_and_printed(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = measure("my_models:build", "--inits", 25, "--seed", 4, "--device", "cpu", "--precision", 9)
    assert (found["inits"], found["inits_asked"], found["classes"]) == (25, 25, 2)
    assert found["options"] == {
        "model": "my_models:build", "model_arguments": {}, "positions": None, "binary": None, "dataset": "digits",
        "classes": None, "points": 20, "standardise": None,
        "shift": 0.0, "no_stand_in": False, "resize": None, "inits": 25, "seed": 4, "device": "cpu",
    }  # fmt: skip
    assert len(found["data"]["sha256"]) == 64
    assert found["initialisation"] == "the builder, called anew for every network"
    assert set(found["bn_statistics"]) == {"batch", "running"}
    seen = found["bn_statistics"]["batch"]
    assert seen["gamma"]["low"] < seen["gamma"]["value"] < seen["gamma"]["high"]
    assert len(seen["largest_fraction"]["networks"]) == 25
    assert [layer["name"] for layer in seen["layers"]] == ["input", "0", "1", "2", "3", "4"]
    printed = capsys.readouterr().out
    for words in ("20 points of shape 1x8x8", "25 networks", "called anew", seen["verdict"], "eval()", "ReLU: 1 of 1"):
        assert words in printed
    written = {name: (here / name).read_bytes() for name in ("m.json", "m.png", "m.pdf")}
    measure("my_models:build", "--inits", 25, "--seed", 4, "--device", "cpu")
    assert written == {name: (here / name).read_bytes() for name in written}


@pytest.mark.slow
def test_a_module_is_redrawn_and_the_result_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    found = measure("my_models:instance", "--inits", 3)
    assert "reset_parameters" in found["initialisation"]
    assert "3 networks are too few for a verdict, at least 20" in capsys.readouterr().out


@pytest.mark.slow
def test_a_torchvision_model_on_grey_images_of_another_size() -> None:
    found = measure("torchvision:squeezenet1_1", "--inits", 2, "--resize", 32, "--classes", "all")
    assert (found["points"], found["shape"]) == (20, "3x32x32")
    assert found["classes"] == 10
    assert set(found["bn_statistics"]) == {"batch"}


@pytest.mark.slow
def test_a_npy_file_is_used_as_it_is(here: Path) -> None:
    x = np.random.default_rng(0).standard_normal((30, 64))
    np.save(here / "x.npy", x)
    found = measure("my_models:build", "--inits", 2, dataset="npy:x.npy")
    assert (found["points"], found["shape"]) == (20, "64")
    x = x[:20].astype(np.float32)
    gamma = (x.mean(axis=0) ** 2).sum() / x.var(axis=0).sum()
    assert found["bn_statistics"]["batch"]["layers"][0]["value"] == pytest.approx(gamma, rel=1e-5)


@pytest.mark.slow
def test_an_interrupt_keeps_what_was_measured(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STOPS_AFTER", "1000")
    measure("my_models:stops", "--inits", 2)
    in_trial = len(sys.modules["my_models"].calls) - 2
    monkeypatch.setenv("STOPS_AFTER", str(2 * in_trial + 2 + 4))
    with pytest.raises(SystemExit) as caught:
        measure("my_models:stops", "--inits", 50, "--precision", 1e-6)
    assert caught.value.code == 130
    assert json.loads((here / "m.json").read_text())["inits"] == 4
    assert (here / "m.png").exists()
    assert "interrupted after 4 of 50 networks" in capsys.readouterr().err


@pytest.mark.slow
def test_a_precision_that_was_not_reached_says_what_it_takes(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        measure("my_models:build", "--inits", 10, "--precision", 0.05)
    assert caught.value.code == 2
    gamma = json.loads((here / "m.json").read_text())["bn_statistics"]["batch"]["gamma"]
    half_width = (gamma["high"] - gamma["low"]) / 2 / gamma["value"]
    needed = int(np.ceil(10 * (half_width / 0.05) ** 2))
    line = capsys.readouterr().err.splitlines()[-1]
    assert "--precision 0.05" in line
    assert f"(--inits {needed})" in line


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("my_models:Broken", ["forward raised RuntimeError: mat1", "(my_models.py, line 19)", "shape [4, 1, 8, 8]"]),
        ("my_models:Picky", ["builder raised TypeError", "'width'"]),
        ("my_models:biuld", ["no biuld", "close names are build"]),
        ("my_models:width", ["type int", "callable"]),
        ("my_models", ["allowed are torchvision:NAME, timm:NAME, transformers:TYPE, and package.module:callable"]),
        (
            "my_models.py:build",
            ["allowed are torchvision:NAME, timm:NAME, transformers:TYPE, and package.module:callable"],
        ),
        ("my_model:build", ["no module my_model "]),
        ("needs_more:f", ["importing needs_more raised ModuleNotFoundError", "not_installed_here", "line 1"]),
        ("typo:f", ["importing typo raised SyntaxError", "typo.py, line 1"]),
        ("torchvision:resnet81", ["no model resnet81", "resnet18"]),
        ("torchvision:vit_b_16", ["builder raised AssertionError", "indivisible by patch size", "--resize"]),
        ("torchvision:squeezenet1_1", ["forward raised", "shape [4, 3, 8, 8]", "--resize"]),
    ],
)
def test_one_clear_line_for_a_wrong_model(model: str, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    line = mistake(capsys, model)
    for word in [f"MODEL {model}: ", *words]:
        assert word in line


@pytest.mark.slow
def test_code_beside_a_config_is_not_run(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though the config names it, and though somebody who is asked would say yes."""
    pytest.importorskip("transformers")
    (here / "evil").mkdir()
    names = {"AutoConfig": "conf.C", "AutoModelForCausalLM": "conf.M"}
    (here / "evil" / "config.json").write_text(json.dumps({"model_type": "evil", "auto_map": names}))
    (here / "evil" / "conf.py").write_text("from pathlib import Path\nPath('ran').touch()\n")
    monkeypatch.setattr("sys.stdin", io.StringIO("yes\n" * 9))
    line = mistake(capsys, "transformers:evil", dataset="tokens:50,8")
    assert "transformers:evil" in line
    assert not (here / "ran").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--inits", "1"], ["--inits", "1 is not in the range x>=2"]),
        (["--precision", "0"], ["--precision", "0.0 is not in the range 0<x<inf"]),
        (["--resize", "0"], ["--resize", "0 is not in the range x>=1"]),
        (["--output", "m.png"], ["--output m.png", ".json"]),
        (["--dataset", "xyz:x.npz"], ["--dataset xyz:x.npz", "unknown"]),
        (["--dataset", "npz:x.npz"], ["--dataset npz:x.npz", "no such file"]),
        (["--dataset", "npy:missing.npy"], ["npy:missing.npy", "no such file"]),
        (["--dataset", "npy:my_models.py"], ["npy:my_models.py", "not a .npy file"]),
        (["--dataset", "npy:objects.npy"], ["npy:objects.npy", "not a .npy file", "Python objects"]),
        (
            ["--dataset", "npy:whole.npy"],
            ["npy:whole.npy", "needs floats", "int64 tokens, or masks (bool), [n, ...]", "uint8 [20, 64]"],
        ),
        (["--dataset", "npy:line.npy"], ["npy:line.npy", "needs floats", "float64 [20]"]),
        (["--dataset", "npy:nan.npy"], ["npy:nan.npy", "NaN"]),
        (["--dataset", "npy:short.npy"], ["--points 20", "short.npy has 7 points"]),
        (["--dataset", "npy:short.npy", "--classes", "all"], ["--classes all", "not for npy: inputs"]),
        (["--dataset", "gaussian", "--resize", "9"], ["--resize 9", "images", "[20, 1000]"]),
    ],
)
def test_one_clear_line_for_a_wrong_option(
    options: list[str], words: list[str], here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arrays = {"objects": np.array([{}]), "whole": np.ones((20, 64), dtype=np.uint8), "line": np.arange(20.0)}
    arrays |= {"nan": np.full((20, 64), np.nan), "short": np.random.default_rng(0).random((7, 64))}
    for name, array in arrays.items():
        np.save(here / f"{name}.npy", array)
    with pytest.raises(SystemExit) as caught:
        main(["measure", "my_models:build", "--dataset", "digits", "--points", "20", "--output", "m.json", *options])
    assert caught.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    for word in words:
        assert word in line
    assert not list(here.glob("m.*"))


@pytest.mark.slow
def test_measurements_are_one_row_a_model_and_kind_of_statistics(here: Path) -> None:
    names = ("build", "zero", "one_class")
    found = {name: measure(f"my_models:{name}", "--inits", 25, output=f"{name}.json") for name in names}
    main(["measurements", *(f"{name}.json" for name in names), "--output", "models.csv"])
    table = pd.read_csv(here / "models.csv")
    assert table["model"].tolist() == [f"my_models:{name}" for name in names for _ in range(2)]
    assert table["bn_statistics"].tolist() == ["batch", "running"] * 3
    assert table["stand_in"].tolist() == [False] * 6
    usual, zero, one_class = (table[table["model"] == f"my_models:{name}"].iloc[0] for name in names)
    batch = found["build"]["bn_statistics"]["batch"]
    assert usual["gamma_guesses"] == pytest.approx(batch["gamma_of_guesses"]["value"])
    assert usual["largest_fraction_95"] == pytest.approx(batch["largest_fraction"]["quantiles"]["0.95"])
    assert zero["regime"] == "no guess"
    assert np.isnan(zero["gamma_guesses"])
    relu = found["zero"]["bn_statistics"]["batch"]["layers"][-1]  # the outputs are no layer
    assert relu["kind"] == "ReLU"
    assert zero["gamma_readout"] == relu["value"] == pytest.approx(usual["gamma_readout"])
    assert one_class["regime"] == "deeply prejudiced"
    assert one_class["gamma_guesses"] == np.inf
    assert usual["rises_at"] == "ReLU"


def test_a_foreign_file_among_measurements(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "other.json").write_text('{"bn_statistics": {"batch": {}}}')
    for name in ("other.json", "missing.json"):
        with pytest.raises(SystemExit) as caught:
            main(["measurements", name, "--output", "models.csv"])
        assert caught.value.code == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert f"{name}: not a file of `normplace measure`" in line
    assert not (here / "models.csv").exists()


@pytest.mark.slow
def test_a_sweep_has_a_row_a_value_and_below_it_its_contrasts(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "my_models.py").write_text(
        f"{MODELS}\n\ndef wide(width, biases=(1, 2)):\n    assert len(biases) == 2\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 2))\n"
    )
    options = ["--vary", "width=4,8", "--vary", "biases=[1,2],[3,4]", "--inits", 3, "--contrast"]
    found = measure("my_models:wide", *options)
    arguments = [one["arguments"] for one in found["measurements"]]
    assert arguments == [{"width": width, "biases": biases} for width in (4, 8) for biases in ([1, 2], [3, 4])]
    first = found["measurements"][0]
    assert set(first["contrast"]) == {"shuffled", "Gaussian"}
    alone = measure("my_models:wide", "--model-arg", "width=4", "--inits", 3, output="alone.json")
    assert first["bn_statistics"]["batch"]["gamma"] == alone["bn_statistics"]["batch"]["gamma"]
    rows = [line.split()[0] for line in capsys.readouterr().out.splitlines() if line.startswith(("4", "8", "  "))][:12]
    assert rows == ["4,", "shuffled", "Gaussian"] * 2 + ["8,", "shuffled", "Gaussian"] * 2


WIDE = ["measure", "my_models:Wide", "--dataset", "digits", "--points", "20", "--inits", "5", "--output", "m.json"]


@pytest.mark.slow
def test_nested_arguments_add_up(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main([*WIDE, "--model-arg", "width=9", "--model-arg", "deep.first=1", "--vary", "deep.second=2,3"])
    said = capsys.readouterr().out
    for second in (2, 3):
        assert f"built with 9 {{'first': 1, 'second': {second}}}" in said
    written = json.loads((here / "m.json").read_text())
    assert written["options"]["model_arguments"] == {"width": 9, "deep.first": 1}
    assert [one["arguments"] for one in written["measurements"]] == [{"deep.second": 2}, {"deep.second": 3}]


def test_a_value_is_not_taken_for_a_size(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["measure", "torchvision:resnet18", *WIDE[2:], "--model-arg", "norm_layer=none"])
    assert "builder raised TypeError" in (line := capsys.readouterr().err.splitlines()[-1])
    assert "--resize" not in line


@pytest.mark.slow
def test_a_value_that_fails_does_not_take_the_others_with_it(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([*WIDE, "--vary", "width=8,0,16"])
    assert caught.value.code == 2
    said = capsys.readouterr()
    assert "1 of 3 were not measured: MODEL my_models:Wide, width=0: the builder raised ValueError" in said.err
    assert [one["arguments"]["width"] for one in json.loads((here / "m.json").read_text())["measurements"]] == [8, 16]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--vary", "width=8", "--vary", "width=16"], "--vary width: is given twice"),
        (["--vary", "width=8,8"], "'width=8,8' has a value twice"),
        (["--model-arg", "width=.nan"], "'.nan' is no finite number"),
        (["--model-arg", "width=1", "--model-arg", "width.deep=2"], "--model-arg width.deep: width has a value of its"),
        (["--model-arg", "width.deep=2", "--model-arg", "width=1"], "--model-arg width: has a value inside it, too"),
    ],
)
def test_arguments_that_do_not_fit(options: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([*WIDE, *options])
    assert caught.value.code == 2
    assert words in capsys.readouterr().err


@pytest.mark.slow
def test_a_date_is_a_word(here: Path) -> None:
    main([*WIDE, "--model-arg", "width=8", "--model-arg", "deep=2020-01-01"])
    assert json.loads((here / "m.json").read_text())["options"]["model_arguments"]["deep"] == "2020-01-01"


@pytest.mark.slow
def test_a_module_that_reads_the_command_line_and_leaves_the_folder(here: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (here / "restless.py").write_text(
        "import argparse, os\nfrom my_models import build\n"
        "argparse.ArgumentParser().parse_args()\nos.chdir('elsewhere')\n"
    )
    command = "measure restless:build --dataset digits --points 20 --inits 5 --output m.json"
    ran = subprocess.run(
        [sys.executable, "-m", "normplace.cli", *command.split()], cwd=here, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert (here / "m.json").is_file()
    assert "written: m.json, m.png, m.pdf" in ran.stdout


def test_an_npz_that_is_an_npy_says_so(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(here / "x.npy", np.ones((20, 64)))
    with pytest.raises(SystemExit):
        main(["measure", "my_models:build", "--dataset", "npz:x.npy", "--output", "m.json"])
    assert "say npy:x.npy" in capsys.readouterr().err


@pytest.mark.slow
def test_a_closed_pipe_is_no_mistake_of_the_user(here: Path) -> None:
    command = f"{sys.executable} -m normplace.cli measure my_models:build --dataset digits --points 20 --inits 3"
    done = subprocess.run(
        ["bash", "-c", f"{command} --output m.json | true; echo ${{PIPESTATUS[0]}}"], capture_output=True, text=True
    )
    assert "Broken pipe" not in done.stderr
    assert done.stdout.strip() in ("0", "141")
