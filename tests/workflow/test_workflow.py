"""The whole DAG on the smoke configuration, run as a user would, on a copy of the repository."""

import ast
import re
import subprocess
from pathlib import Path

import pandas as pd
import pytest
import yaml

from figures import FIGURES
from study import configuration, experiments
from tests.checkout import ROOT, run, snakemake

NAMING_DATA = ("headline.csv", "gamma.csv", "regimes.md", "architectures.md", "image_learning.md", "zoo.md")
POINTS = {"points": 50, "training_points": 50, "test_points": 50, "classes": "parity"}


def jobs(dry_run: subprocess.CompletedProcess[str]) -> dict[str, int]:
    """Rule -> number of jobs that a dry run would do."""
    assert dry_run.returncode == 0, dry_run.stderr[-3000:]
    text = dry_run.stdout + dry_run.stderr
    return {rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", text, flags=re.MULTILINE)}


def number(jobs_of_experiments: dict[str, dict[str, experiments.Job]]) -> int:
    """How many jobs a stage has."""
    return sum(len(jobs) for jobs in jobs_of_experiments.values())


def test_every_figure_and_table_is_there(finished: Path) -> None:
    results = finished / "results" / "smoke"
    for name in FIGURES:
        assert (results / "figures" / f"{name}.pdf").read_bytes().startswith(b"%PDF")
        assert (results / "figures" / f"{name}.png").stat().st_size > 20_000
    initial, training = ("headline", "gamma", "regimes", "shares", "distances", "beyond"), ("learning", "milestones")
    for name in (*initial, *training, "architectures", "image_learning", "zoo"):
        table = pd.read_csv(results / "tables" / f"{name}.csv")
        assert len(table) >= (7 if name in initial + training else 2)
        assert len((results / "tables" / f"{name}.md").read_text().splitlines()) == len(table) + 2
        assert "\\toprule" in (results / "tables" / f"{name}.tex").read_text()
    report = (results / "report.html").read_text()
    assert all(f"{name}.png" in report for name in FIGURES)


def test_stand_ins_are_named_wherever_they_show(finished: Path) -> None:
    gamma = pd.read_csv(finished / "results" / "smoke" / "tidy" / "placements" / "gamma.csv")
    assert gamma.groupby("dataset")["stand_in"].first().to_dict() == {
        "cifar10": True, "gaussian": False, "mnist": True,
    }  # fmt: skip
    tables = {name: (finished / "results" / "smoke" / "tables" / name).read_text() for name in NAMING_DATA}
    assert all("stand-in for CIFAR-10" in text for text in tables.values())
    for name in ("headline.csv", "gamma.csv", "regimes.md"):
        assert "stand-in for MNIST" in tables[name]


def test_a_second_run_does_nothing(finished: Path) -> None:
    again = snakemake(finished)
    assert again.returncode == 0
    assert "Nothing to be done" in again.stdout + again.stderr


def test_figures_are_drawn_again_without_sampling_and_are_the_same(finished: Path, tmp_path: Path) -> None:
    drawn = run(finished, "python", "-m", "figures", "--tidy", "results/smoke/tidy", "--output", str(tmp_path))
    assert drawn.returncode == 0, drawn.stderr
    for name in FIGURES:
        for suffix in ("png", "pdf"):
            ours = finished / "results" / "smoke" / "figures" / f"{name}.{suffix}"
            assert (tmp_path / f"{name}.{suffix}").read_bytes() == ours.read_bytes()


def test_a_changed_setting_redoes_what_depends_on_it_and_nothing_else(finished: Path) -> None:
    config = yaml.safe_load((finished / "config" / "smoke.yaml").read_text())
    config["width_convergence"]["widths"][100] += 1
    (finished / "changed.yaml").write_text(yaml.safe_dump(config))
    todo = jobs(snakemake(finished, "--dry-run", config="changed.yaml"))
    assert todo["sample"] == 4  # one width of four cells
    assert todo["summarise_width_convergence"] == 1
    assert todo["finite_width"] == 1
    assert "kernel_theory" not in todo
    assert "dataset" not in todo
    config["seed"] = 1
    (finished / "changed.yaml").write_text(yaml.safe_dump(config))
    todo = jobs(snakemake(finished, "--dry-run", config="changed.yaml"))
    assert todo["sample"] == number(experiments.samples(config))
    assert todo["train"] == number(experiments.trainings(config))
    assert todo["measure"] == len(config["zoo"]["inits"])
    assert "kernel_theory" not in todo


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"placements": {"depth": 0}}, ["placements.depth", "0"]),
        ({"placements": {"inits": "many"}}, ["placements.inits", "many", "integer"]),
        ({"placements": {"initz": 5}}, ["placements", "'initz'", "inits"]),
        ({"placements": {"activation": "layr"}}, ["placements.activation", "layr", "relu"]),
        ({"placements": {"histogram_depths": [1, 99]}}, ["histogram_depths", "99"]),
        ({"dataset": {}}, ["'dataset'", "datasets"]),
        ({"datasets": {"imagenet": {"points": 5, "classes": "all"}}}, ["datasets", "imagenet", "mnist"]),
        ({"width_convergence": {"dataset": "digits"}}, ["width_convergence.dataset", "digits"]),
        ({"width_convergence": {"points": 5000}}, ["width_convergence.points", "5000"]),
        ({"width_convergence": {"widths": {"wide": 5}}}, ["widths", "wide"]),
        ({"seed": -1}, ["seed", "-1"]),
        ({"datasets": {"gaussian": {**POINTS, "classes": "parity"}}}, ["datasets.gaussian.classes", "parity", "all"]),
        ({"datasets": {"mnist": {**POINTS, "points": 70_000}}}, ["datasets.mnist.points", "70000", "60000"]),
        ({"datasets": {"mnist": {**POINTS, "points": 1}}}, ["datasets.mnist.points", "1"]),
        ({"training": {"learning_rate": 0}}, ["training.learning_rate", "0"]),
        ({"training": {"optimizer": "adamw"}}, ["training.optimizer", "adamw", "sgd"]),
        ({"architectures": {"cells": ["group"]}}, ["architectures.cells", "'group'", "group-after"]),
        ({"architectures": {"inits": {"lenet": 5}}}, ["architectures.inits", "lenet", "resnet9"]),
        ({"architectures": {"points": 5000}}, ["architectures.points", "5000"]),
        ({"resnet_dynamics": {"runs": {"cnn": 5}}}, ["resnet_dynamics.runs", "cnn", "vit"]),
        ({"resnet_dynamics": {"classes": ["parity"]}}, ["resnet_dynamics.classes", "parity", "cats-dogs"]),
        ({"resnet_dynamics": {"test_points": 2001}}, ["resnet_dynamics.test_points", "2001", "100"]),
        ({"zoo": {"inits": {"resnet19": 5}}}, ["zoo.inits", "resnet19", "resnet18"]),
        ({"zoo": {"dataset": "gaussian"}}, ["zoo.dataset", "gaussian", "cifar10"]),
        ({"start_matters": {"cells": ["layr-before"]}}, ["start_matters.cells", "layr-before", "layer-before"]),
    ],
)
def test_a_mistake_in_the_configuration_is_one_clear_line(
    change: dict[str, object], words: list[str], tmp_path: Path
) -> None:
    config = yaml.safe_load((ROOT / "config" / "smoke.yaml").read_text())
    for key, value in change.items():
        config[key] = {**config.get(key, {}), **value} if isinstance(value, dict) else value
    (tmp_path / "wrong.yaml").write_text(yaml.safe_dump(config))
    found = snakemake(ROOT, "--dry-run", config=str(tmp_path / "wrong.yaml"))
    assert found.returncode != 0
    lines = [line for line in found.stderr.splitlines() if line.startswith("configuration: ")]
    assert len(lines) == 1, found.stderr
    assert all(word in lines[0] for word in words), lines[0]
    assert "Traceback" not in found.stderr


def test_an_unknown_scale_is_one_clear_line() -> None:
    found = run(ROOT, "make", "--no-print-directory", "replicate", "SCALE=huge", "--assume-old=.venv/installed")
    assert found.returncode != 0
    assert "SCALE=huge: allowed are paper quick smoke" in found.stderr


def test_the_paper_scale_never_uses_stand_ins(finished: Path) -> None:
    found = snakemake(finished, "results/paper/data/init/mnist-parity.npz", config="config/paper.yaml")
    text = found.stdout + found.stderr
    assert found.returncode != 0
    assert "train-images-idx3-ubyte" in text
    assert not (finished / "results" / "paper" / "data" / "init" / "mnist-parity.npz").exists()


@pytest.mark.parametrize("scale", ["smoke", "quick", "paper"])
def test_every_scale_has_a_valid_configuration_of_tens_of_jobs(finished: Path, scale: str) -> None:
    todo = jobs(snakemake(finished, "--dry-run", "--forceall", config=f"config/{scale}.yaml"))
    assert 50 < todo["total"] < 400


def path_of(module: str) -> Path:
    return ROOT / "src" / "normplace" / f"{module.replace('.', '/')}.py"


def imported(module: str, found: set[str]) -> set[str]:
    """The modules of the package that one imports, directly or not, at any place in its code."""
    tree = ast.parse(path_of(module).read_text())
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "normplace":
            inside = f"{node.module}.".removeprefix("normplace.")
            names |= {inside.removesuffix("."), *(f"{inside}{alias.name}" for alias in node.names)}
    for name in names - found - {""}:
        if path_of(name).exists():
            found.add(name)
            imported(name, found)
    return found


# What each command of the workflow runs.
ROOTS = {
    "data": ["data.datasets"],
    "sample": ["data.datasets", "sampling.mlps", "sampling.images", "networks.images", "statistics"],
    "theory": ["data.datasets", "theories.isotropic", "theories.guesses", "theories.kernel"],
    "train": ["data.datasets", "training.runs", "networks.mlp", "networks.images"],
    "curves": ["tables.learning_curves"],
    "summarise": ["tables.samples"],
    "finite_width": ["tables.finite_width"],
    "measure": ["cli.measure"],
    "measurements": ["tables.zoo"],
    "claims": ["cli.verify"],
}


@pytest.mark.parametrize("stage", configuration.STAGES)
def test_a_stage_depends_on_just_the_modules_that_it_imports(stage: str) -> None:
    needed = set(ROOTS[stage]).union(*(imported(root, set()) for root in ROOTS[stage]))
    assert set(configuration.STAGES[stage]) - set(configuration.COMMON) == needed - set(configuration.COMMON)
