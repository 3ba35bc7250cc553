"""Runs that something disturbs: the same command afterwards completes them, with the bytes of an undisturbed run.

All of it in a folder whose name has spaces and accents. Longer trials of kills: `python -m tests.faults.kill`.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.checkout import TINY_TARGETS, environment, hashes, tiny_checkout
from tests.faults import kill

FEW = TINY_TARGETS[:2]  # one sample and one theory from the same data
COMMAND = kill.command(FEW)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_checkout(tmp_path_factory.mktemp("faults") / "mon dépôt à moi")


@pytest.fixture(scope="module")
def expected(checkout: Path) -> dict[str, str]:
    """What an undisturbed run makes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SNAKEMAKE_OUTPUT_CACHE", str(checkout.parent / "cache of the undisturbed"))
        assert run(checkout).returncode == 0
    return hashes(checkout)


@pytest.fixture
def fresh(checkout: Path, expected: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The checkout without results, and with an empty cache."""
    shutil.rmtree(checkout / "results", ignore_errors=True)
    monkeypatch.setenv("SNAKEMAKE_OUTPUT_CACHE", str(tmp_path / "le caché"))
    return checkout


def start(folder: Path, **variables: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        COMMAND, cwd=folder, env=environment(folder) | variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, encoding="utf-8", errors="replace",
    )  # fmt: skip


def run(folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    process = start(folder, **variables)
    said, _ = process.communicate()
    return subprocess.CompletedProcess(COMMAND, process.returncode, said)


def wait_for(path: Path) -> None:
    begun = time.monotonic()
    while not path.exists():
        assert time.monotonic() - begun < 120, f"{path} was not made"
        time.sleep(0.01)


def interrupt(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGINT)


@pytest.mark.parametrize(
    "disturb",
    [
        interrupt,
        lambda process: shutil.rmtree("results", ignore_errors=True),
        lambda process: shutil.rmtree(os.environ["SNAKEMAKE_OUTPUT_CACHE"], ignore_errors=True),
    ],
    ids=["SIGINT", "results gone", "cache gone"],
)
def test_disturbed_and_run_again(
    disturb: Callable[[subprocess.Popen[str]], None],
    fresh: Path,
    expected: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(fresh)
    process = start(fresh)
    wait_for(fresh / "results" / "tiny" / "data" / "gaussian" / "sums.sha256")
    disturb(process)
    process.communicate()
    again = run(fresh)
    assert again.returncode == 0, again.stdout
    assert hashes(fresh) == expected


def test_a_cache_deleted_after_a_run(fresh: Path, expected: dict[str, str]) -> None:
    assert run(fresh).returncode == 0
    cache = Path(os.environ["SNAKEMAKE_OUTPUT_CACHE"])
    shutil.rmtree(cache)
    again = run(fresh)
    assert again.returncode == 0, again.stdout
    assert hashes(fresh) == expected
    for sample in cache.glob("*.npz"):
        sample.unlink()
    part = run(fresh)
    assert part.returncode == 0, part.stdout
    assert hashes(fresh) == expected


def test_a_full_disk_under_the_cache(fresh: Path, expected: dict[str, str], small_disk: Path) -> None:
    full = run(fresh, SNAKEMAKE_OUTPUT_CACHE=str(small_disk))
    assert full.returncode == 1
    assert "No space left on device" in full.stdout
    subprocess.run(["mount", "-o", "remount,size=10m", str(small_disk)], check=True)
    again = run(fresh, SNAKEMAKE_OUTPUT_CACHE=str(small_disk))
    assert again.returncode == 0, again.stdout
    assert hashes(fresh) == expected
    shutil.rmtree(fresh / "results")  # its links lead to the disk that goes away


def test_killed_and_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNAKEMAKE_OUTPUT_CACHE", "")  # the trial sets its own
    assert kill.trial(2, 0, tmp_path, FEW[:1]) >= 1


def test_two_runs_at_once_in_one_folder(fresh: Path, expected: dict[str, str]) -> None:
    first = start(fresh)
    wait_for(fresh / "results")
    second = start(fresh)
    said = [process.communicate()[0] for process in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0), said
    assert "another run is on in this folder; waiting" in said[1]
    assert "Nothing to be done" in said[1]
    assert hashes(fresh) == expected


def test_a_clock_set_back(fresh: Path, expected: dict[str, str]) -> None:
    """By a year, when the data have been prepared: what is computed from them then is older than they are."""
    assert run(fresh).returncode == 0
    cache = Path(os.environ["SNAKEMAKE_OUTPUT_CACHE"])
    for folder in (fresh / "results" / "tiny" / "init", fresh / "results" / "tiny" / "theory"):
        for path in [path for path in folder.rglob("*") if path.is_symlink()]:
            path.resolve().unlink()
            path.unlink()
    future = time.time() + 365 * 24 * 3600
    for path in [*fresh.rglob("*"), *cache.iterdir()]:
        os.utime(path, (future, future), follow_symlinks=False)
    for _ in range(2):
        again = run(fresh)
        assert again.returncode == 0, again.stdout
        assert hashes(fresh) == expected


def test_a_terminal_without_utf8_and_no_home(fresh: Path, expected: dict[str, str]) -> None:
    ascii_only = {
        "LC_ALL": "C",
        "LANG": "C",
        "PYTHONIOENCODING": "ascii",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
    }
    found = run(fresh, **ascii_only, HOME="/dev/null/none", XDG_CACHE_HOME="")
    assert found.returncode == 0, found.stdout
    assert "Traceback" not in found.stdout
    assert hashes(fresh) == expected
