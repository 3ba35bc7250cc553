"""Copies of the repository, in which tests run the workflow as a user would."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from normplace.files import sha256_of_file

ROOT = Path(__file__).resolve().parents[1]
# Files of configurations: the default and its overlays.
QUICK = ("config/quick.yaml",)
PAPER = (*QUICK, "config/paper.yaml")
SMOKE = (*QUICK, "config/smoke.yaml")
TINY = (*SMOKE, "config/tiny.yaml")
# Of the tiny configuration: one output of every stage that is cached, six jobs in all.
TINY_TARGETS = (
    "results/tiny/init/placements/gaussian/none.npz",
    "results/tiny/theory/placements/gaussian/none.npz",
    "results/tiny/tidy/start_matters/curves.csv",
)


def copy_of_repository(to: Path) -> Path:
    """The files that git tracks or would track, in an empty folder."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).exists():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name)
    return to


def environment(folder: Path) -> dict[str, str]:
    """The user's, but offline and without real data (MNIST and CIFAR-10 become stand-ins), and with the copy's code."""
    return {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join(
            [*(str(folder / name) for name in ("src", "workflow")), *filter(None, [os.environ.get("PYTHONPATH")])]
        ),
        "DATA_ROOT": str(folder / "data"),
        "NORMPLACE_OFFLINE": "1",
    }


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command in the copy."""
    return subprocess.run(command, cwd=folder, env=environment(folder), capture_output=True, text=True, check=False)


def snakemake(folder: Path, *arguments: str, config: Sequence[str] = SMOKE) -> subprocess.CompletedProcess[str]:
    """Run Snakemake in the copy; `arguments` may be options and targets."""
    return run(folder, "snakemake", *arguments, "--cores", "2", "--configfile", *config)


def tiny() -> dict[str, Any]:
    """On top of the smoke configuration: data sets that are built in, and as small as it goes."""
    sizes = {"points": 100, "training_points": 100, "test_points": 50}
    mlps = ("batch_statistics", "centring", "learning_rates")
    return {
        "scale": "tiny",
        "datasets": {
            "gaussian": sizes,
            "digits": {**sizes, "classes": "parity"},
            "patches": {**sizes, "classes": "vehicles-animals"},
            "mnist": None,
            "cifar10": None,
        },
        "placements": {
            "inits": 5,
            "depth": 2,
            "histogram_depths": [1, 2],
            "theory_points": 50,
            "theory_draws": 10,
        },
        "training": {"epochs": 1, "runs": {"gaussian": 1, "digits": 1, "patches": 1}},
        "output_bias": {"datasets": ["gaussian"], "runs": 1},
        "start_matters": {"dataset": "gaussian", "cells": ["none"], "runs": 1},
        "classes": {"datasets": ["digits"]},
        "width_convergence": {"dataset": "digits"},
        **{experiment: {"dataset": "gaussian"} for experiment in mlps},
        **{experiment: {"dataset": "patches"} for experiment in ("architectures", "resnet_dynamics", "zoo")},
    }


def tiny_checkout(to: Path) -> Path:
    """A copy of the repository with the tiny configuration in it."""
    folder = copy_of_repository(to)
    (folder / TINY[-1]).write_text(yaml.safe_dump(tiny()))
    return folder


def hashes(folder: Path) -> dict[str, str]:
    """Of everything that the tiny configuration has made, logs left out."""
    results = folder / "results" / "tiny"
    files = [path for path in results.rglob("*") if path.is_file() and "logs" not in path.parts]
    return {str(path.relative_to(results)): sha256_of_file(path) for path in files}
