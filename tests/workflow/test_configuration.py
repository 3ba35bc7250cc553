"""One complete configuration and overlays; a mistake in one is a single clear line."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from normplace.files import read_npz
from normplace.verifying.manifest import read_manifest
from study import configuration
from tests.checkout import PAPER, QUICK, ROOT, SMOKE, TINY, environment, run, snakemake, tiny_checkout

OVERLAYS = ("config/overlays/full_resnet.yaml", "config/overlays/eight_models.yaml")
TRAINED = {
    "network": "vit", "base_width": 16, "cells": ["layer-before"], "classes": ["cats-dogs"], "points": 40, "epochs": 1,
    "runs": 1,
}  # fmt: skip
SAMPLED = {"network": "cnn", "base_width": 8, "points": 20, "inits": 5}


def trained(**change: object) -> dict[str, Any]:
    return {"resnet_dynamics": {"networks": [TRAINED | change]}}


def sampled(**change: object) -> dict[str, Any]:
    return {"architectures": {"networks": [SAMPLED | change]}}


POINTS = {"points": 50, "training_points": 50, "test_points": 50, "classes": "parity"}


def read(*paths: str | Path) -> dict[str, Any]:
    return configuration.read(ROOT / path for path in paths)


@pytest.mark.parametrize(("scale", "paths"), [("quick", QUICK), ("paper", (*PAPER, OVERLAYS[1]))])
def test_the_shipped_runs_are_of_these_configurations(scale: str, paths: tuple[str, ...]) -> None:
    as_recorded = json.loads(json.dumps(read(*paths)))
    assert as_recorded == read_manifest(ROOT / "reference" / scale).configuration


@pytest.mark.parametrize("overlay", ["config/paper.yaml", "config/smoke.yaml", *OVERLAYS])
def test_an_overlay_names_only_what_differs(overlay: str) -> None:
    def repeated(over: dict[str, Any], default: dict[str, Any], at: str = "") -> list[str]:
        found = []
        for key, value in over.items():
            if isinstance(value, dict) and isinstance(default.get(key), dict):
                found += repeated(value, default[key], f"{at}{key}.")
            elif value == default.get(key):
                found.append(f"{at}{key}")
        return found

    default = read(*(PAPER if "overlays" in overlay else QUICK))
    assert repeated(yaml.safe_load((ROOT / overlay).read_text()), default) == []


def test_an_overlay_changes_values_adds_keys_and_drops_those_that_are_null(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("scale: mine\nwidth_convergence: {widths: {50: null, 64: 9}}\n")
    default, found = read(*QUICK), read(*QUICK, mine)
    assert found["scale"] == "mine"
    assert found["width_convergence"]["widths"] == {100: 200, 200: 100, 400: 60, 800: 40, 64: 9}
    for key in set(default) - {"scale", "width_convergence"}:
        assert found[key] == default[key]
    configuration.check(found)


def test_entries_of_the_command_line_are_merged_like_files() -> None:
    default = read(*QUICK)
    entries = [
        "scale=mine",
        "training={epochs: 5}",
        "width_convergence={widths: {50: null, 64: 9}}",
        "shift={shifts: [0]}",
    ]
    found = configuration.read([ROOT / path for path in QUICK], entries)
    assert found["scale"] == "mine"
    assert found["training"] == default["training"] | {"epochs": 5}
    assert found["width_convergence"]["widths"] == {100: 200, 200: 100, 400: 60, 800: 40, 64: 9}
    assert found["shift"] == default["shift"] | {"shifts": [0]}
    for entry in ("training={epochs: ", "training=[5"):
        with pytest.raises(SystemExit, match=r"^configuration: --config training=.*: cannot be read \("):
            configuration.read([], [entry])


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("training={epoch: 5}", ["training: unknown key 'epoch', allowed are", "epochs"]),
        ("datasets=[mnist]", ["datasets", "['mnist']", "dictionary"]),
        ("nothing=5", ["unknown key 'nothing'", "placements"]),
        ("seed=", ["seed", "missing"]),
    ],
)
def test_a_mistake_in_an_entry_is_one_clear_line(entry: str, words: list[str]) -> None:
    found = run(ROOT, "snakemake", "-n", "--cores", "1", "--config", entry)
    assert found.returncode != 0
    (line,) = (line for line in found.stderr.splitlines() if line.startswith("configuration: "))
    assert all(word in line for word in words), line
    assert "Traceback" not in found.stderr


def test_jobs_get_the_entries_too(tmp_path: Path) -> None:
    folder = tiny_checkout(tmp_path)
    entry = ("--config", "scale=mine", "placements={inits: 6}")
    made = snakemake(folder, "results/mine/init/placements/gaussian/none.npz", *entry, config=TINY)
    assert made.returncode == 0, made.stderr
    arrays, _ = read_npz(folder / "results" / "mine" / "init" / "placements" / "gaussian" / "none.npz", ["agreement"])
    assert 6 in arrays["agreement"].shape
    shown = snakemake(folder, "-n", "--printshellcmds", "results/mine/report.html", *entry, config=TINY)
    assert "--config scale=mine 'placements={inits: 6}' --nolock" in shown.stdout


def test_numbers_keep_their_form_and_a_recorded_configuration_can_be_run_again() -> None:
    recorded = read_manifest(ROOT / "reference" / "quick").configuration  # JSON has no keys but strings
    assert configuration.check(recorded) == configuration.check(read(*QUICK))


MISTAKES: list[tuple[dict[str, Any], list[str]]] = [
    ({"placements": {"depth": 0}}, ["placements.depth", "0"]),
    ({"placements": {"inits": "many"}}, ["placements.inits", "many", "integer"]),
    ({"placements": {"inits": 5.0}}, ["placements.inits", "5.0", "integer"]),
    ({"placements": {"inits": True}}, ["placements.inits", "True", "integer"]),
    ({"placements": {"inits": None}}, ["placements.inits", "missing"]),
    ({"placements": {"initz": 5}}, ["placements", "'initz'", "inits"]),
    ({"placements": {"activation": "layr"}}, ["placements.activation", "layr", "relu"]),
    ({"placements": {"histogram_depths": [1, 99]}}, ["placements.histogram_depths", "99"]),
    ({"placements": {"histogram_depths": [1, 1]}}, ["placements.histogram_depths", "twice"]),
    ({"dataset": {}}, ["'dataset'", "datasets"]),
    ({"zoo": None}, ["zoo", "missing"]),
    ({"zoo": 5}, ["zoo", "5"]),
    ({"datasets": {"imagenet": {"points": 5, "classes": "all"}}}, ["datasets", "imagenet", "mnist"]),
    ({"datasets": {"mnist": {"poinst": 5}}}, ["datasets.mnist", "'poinst'", "training_points"]),
    ({"width_convergence": {"dataset": "digits"}}, ["width_convergence.dataset", "digits"]),
    ({"width_convergence": {"points": 5000}}, ["width_convergence.points", "5000"]),
    ({"width_convergence": {"widths": {"wide": 5}}}, ["widths", "wide"]),
    ({"classes": {"datasets": ["mnist", "digits"]}}, ["classes.datasets", "digits", "cifar10"]),
    ({"shift": {"shifts": [float("inf")]}}, ["shift.shifts.0", "inf", "finite"]),
    ({"seed": -1}, ["seed", "-1"]),
    ({"scale": "my scale"}, ["scale", "my scale"]),
    ({"datasets": {"gaussian": {**POINTS, "classes": "parity"}}}, ["datasets.gaussian.classes", "parity", "all"]),
    ({"datasets": {"mnist": {**POINTS, "points": 70_000}}}, ["datasets.mnist.points", "70000", "60000"]),
    ({"datasets": {"mnist": {**POINTS, "points": 1}}}, ["datasets.mnist.points", "1"]),
    ({"training": {"learning_rate": 0}}, ["training.learning_rate", "0"]),
    ({"training": {"batch_size": 5000}}, ["training.batch_size", "5000", "training points of datasets."]),
    ({"training": {"runs": {"mnist": None}}}, ["training.runs", "mnist", "datasets"]),
    ({"resnet_dynamics": {"batch_size": 39}}, ["resnet_dynamics.batch_size", "39", "batch of 1"]),
    ({"resnet_dynamics": {"schedule": "cosine"}}, ["resnet_dynamics.schedule", "cosine", "power"]),
    ({"resnet_dynamics": {"clip": -0.1}}, ["resnet_dynamics.clip", "-0.1"]),
    ({"training": {"optimizer": "adamw"}}, ["training.optimizer", "adamw", "sgd"]),
    ({"architectures": {"cells": ["group"]}}, ["architectures.cells", "'group'", "group-after"]),
    (sampled(network="lenet"), ["architectures.networks", "lenet", "resnet9"]),
    (sampled(points=5000), ["architectures.points", "5000"]),
    (sampled(network="vit", base_width=6), ["architectures.base_width", "6", "vit", "multiple of 4"]),
    (sampled(base_width=0), ["architectures.networks", "base_width", "0"]),
    (trained(network="lenet"), ["resnet_dynamics.networks", "lenet", "vit"]),
    (trained(cells=["batch-before"]), ["resnet_dynamics.cells", "batch-before", "vit", "layer"]),
    (trained(classes=["parity"]), ["resnet_dynamics.classes", "parity", "cats-dogs"]),
    (trained(points=5000), ["resnet_dynamics.points", "5000"]),
    ({"output_bias": {"cells": {"raised": ["none"]}}}, ["output_bias.cells", "raised", "centred"]),
    ({"output_bias": {"datasets": ["digits"]}}, ["output_bias.datasets", "digits", "mnist"]),
    ({"resnet_dynamics": {"test_points": 2001}}, ["resnet_dynamics.test_points", "2001", "100"]),
    ({"zoo": {"inits": {"resnet19": 5}}}, ["zoo.inits", "resnet19", "resnet18"]),
    ({"zoo": {"dataset": "gaussian"}}, ["zoo.dataset", "gaussian", "cifar10"]),
    ({"width_convergence": {"dataset": "gaussian"}}, ["width_convergence.dataset", "gaussian", "cifar10"]),
    ({"start_matters": {"cells": ["layr-before"]}}, ["start_matters.cells", "layr-before", "layer-before"]),
]


@pytest.mark.parametrize(("change", "words"), MISTAKES)
def test_a_mistake_is_one_clear_line(change: dict[str, Any], words: list[str], tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text(yaml.safe_dump(change))
    with pytest.raises(SystemExit) as refused:
        configuration.check(read(*SMOKE, tmp_path / "wrong.yaml"))
    line = str(refused.value)
    assert line.startswith("configuration: ")
    assert "\n" not in line
    assert all(word in line for word in words), line


@pytest.mark.parametrize(
    ("files", "change", "words"),
    [
        (SMOKE, {"placements": {"initz": 5}}, ["placements", "'initz'", "inits"]),
        (SMOKE, {"datasets": {"mnist": {"points": 70_000}}}, ["datasets.mnist.points", "70000", "60000"]),
        ((), {"scale": "mine"}, ["seed", "missing", "--configfile config/quick.yaml config/mine.yaml"]),
    ],
)
def test_snakemake_ends_with_that_line(
    files: tuple[str, ...], change: dict[str, Any], words: list[str], tmp_path: Path
) -> None:
    (tmp_path / "wrong.yaml").write_text(yaml.safe_dump(change))
    found = snakemake(ROOT, "--dry-run", config=[*files, str(tmp_path / "wrong.yaml")])
    assert found.returncode != 0
    lines = [line for line in found.stderr.splitlines() if line.startswith("configuration: ")]
    assert len(lines) == 1, found.stderr
    assert all(word in lines[0] for word in words), lines[0]
    assert "Traceback" not in found.stderr


@pytest.mark.parametrize(
    ("text", "words"), [("scale: [", "cannot be read"), ("- 5\n", "cannot be read"), (None, "No such file")]
)
def test_a_file_that_is_none_is_one_clear_line(text: str | None, words: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(SystemExit) as refused:
        read(*QUICK, path)
    line = str(refused.value)
    assert line.startswith(f"configuration: {path}: cannot be read")
    assert words in line
    assert "\n" not in line


@pytest.mark.parametrize("how", ["--snakefile", "--directory"])
def test_the_working_directory_need_not_be_the_project(how: str, tmp_path: Path) -> None:
    folder, elsewhere = tiny_checkout(tmp_path / "project"), tmp_path / "elsewhere"
    elsewhere.mkdir()
    if how == "--snakefile":
        command, where = ["snakemake", "--snakefile", str(folder / "Snakefile")], elsewhere
    else:
        command, where = ["snakemake", "--directory", str(elsewhere)], folder

    def there(*arguments: str) -> subprocess.CompletedProcess[str]:
        called = [*command, "--cores", "1", *arguments]
        return subprocess.run(called, cwd=where, env=environment(folder), capture_output=True, text=True, check=False)

    target, files = "results/tiny/data/gaussian/init-all.npz", [str(folder / name) for name in TINY]
    made = there("--configfile", *files, "--", target)
    assert made.returncode == 0, made.stderr
    assert (elsewhere / target).exists()
    assert not (folder / "results").exists()
    everything = there("-nq")  # of the default configuration
    assert everything.returncode == 0, everything.stderr
    assert "config/quick.yaml" in everything.stdout
