"""One run at a time, also on a file system that has no locks."""

import errno
import fcntl
import os
import platform
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from study import lock
from tests.checkout import ROOT, environment

NO_FLOCK = "#include <errno.h>\nint flock(int descriptor, int operation) { errno = ENOSYS; return -1; }\n"
GONE = 2**22 + 1  # no process: Linux numbers none so high


@pytest.fixture(params=[errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP], ids=errno.errorcode.get)
def held(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that stands for a lock, which there is none of."""

    def flock(*_: object) -> None:
        raise OSError(request.param, os.strerror(request.param))

    monkeypatch.setattr(fcntl, "flock", flock)
    monkeypatch.setattr(lock, "LOOK_EVERY", 0.01)
    monkeypatch.setattr(lock.atexit, "register", lambda *_, **__: None)
    return tmp_path / "run.held"


def test_without_locks_a_file_stands_for_one(held: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with held.with_suffix(".lock").open("w") as file:
        assert lock.take(file, wait=False)
        assert held.read_text() == f"{platform.node()} {os.getpid()}"
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("normplace: no locks on this file system (")
        assert not lock.take(file, wait=False)
        assert capsys.readouterr().err == f"normplace: {held} says that a run is on; delete it if none is\n"


@pytest.mark.parametrize(
    ("text", "is_stale"),
    [
        (f"{platform.node()} {GONE}", True),
        (f"{platform.node()} {GONE} {os.getpid()}", False),
        (f"{platform.node()} 1", False),
        (f"another-host {GONE}", False),
        ("", False),
        ("not ours", False),
        (f"{platform.node()} x", False),
    ],
    ids=["gone", "one lives", "init lives", "another host", "not yet written", "foreign", "no number"],
)
def test_only_a_file_whose_processes_are_gone_is_stale(held: Path, text: str, is_stale: bool) -> None:
    held.write_text(text)
    with held.with_suffix(".lock").open("w") as file:
        assert lock.take(file, wait=False) == is_stale
    assert held.read_text() == (f"{platform.node()} {os.getpid()}" if is_stale else text)
    assert {path.name for path in held.parent.iterdir()} == {"run.held", "run.lock"}


def test_any_other_error_is_none_of_a_missing_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(*_: object) -> None:
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(fcntl, "flock", flock)
    with (tmp_path / "run.lock").open("w") as file, pytest.raises(OSError, match="broken"):
        lock.take(file, wait=False)


def start(folder: Path, library: Path, *command: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "study.one_run", *command], cwd=folder, text=True, stderr=subprocess.PIPE,
        env=environment(ROOT) | {"LD_PRELOAD": str(library)},
    )  # fmt: skip


def test_runs_wait_for_each_other_and_not_for_a_killed_one(tmp_path: Path) -> None:
    library, held = tmp_path / "no_flock.so", tmp_path / ".snakemake" / "normplace.held"
    (tmp_path / "no_flock.c").write_text(NO_FLOCK)
    try:
        compiler = ["gcc", "-shared", "-fPIC", "-o", str(library), str(tmp_path / "no_flock.c")]
        subprocess.run(compiler, check=True, capture_output=True)
    except (FileNotFoundError, subprocess.CalledProcessError):
        pytest.skip("a library without flock needs gcc")
    first = start(tmp_path, library, "sh", "-c", "sleep 600 & echo $! > child; wait")
    begun = time.monotonic()
    while not (tmp_path / "child").exists() or len(held.read_text().split()) < 3:
        assert first.poll() is None, first.communicate()
        assert time.monotonic() - begun < 60
        time.sleep(0.1)
    second = start(tmp_path, library, "touch", "done")
    time.sleep(3)
    assert not (tmp_path / "done").exists(), "it has waited for the first"
    first.send_signal(signal.SIGTERM)
    first.communicate(timeout=60)
    _, said = second.communicate(timeout=60)
    assert (first.returncode != 0, second.returncode) == (True, 0)
    assert "another run is on in this folder; waiting" in said
    assert "no locks on this file system" in said
    assert "Traceback" not in said
    assert (tmp_path / "done").exists()
    assert not held.exists()
    held.write_text(f"{platform.node()} {GONE}")
    third = start(tmp_path, library, "true")
    third.communicate(timeout=60)
    assert third.returncode == 0
    assert not held.exists()
