"""Copies of the repository, in which tests run the workflow as a user would."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


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
        "PYTHONPATH": str(folder / "src"),
        "DATA_ROOT": str(folder / "data"),
        "NORMPLACE_OFFLINE": "1",
    }


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command in the copy."""
    return subprocess.run(command, cwd=folder, env=environment(folder), capture_output=True, text=True, check=False)


def snakemake(folder: Path, *arguments: str, config: str = "config/smoke.yaml") -> subprocess.CompletedProcess[str]:
    """Run Snakemake in the copy; `arguments` may be options and targets."""
    return run(folder, "snakemake", *arguments, "--cores", "2", "--configfile", config)
