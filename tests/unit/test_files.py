"""Files are complete or not there; pickles are not opened; equal content is equal bytes."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO

import numpy as np
import pytest

from normplace.errors import UserError
from normplace.files import (
    check_writable,
    read_npz,
    sha256_of_arrays,
    sha256_of_file,
    sha256_of_sources,
    write_atomically,
    write_npz,
    write_text,
)
from study import cache
from tests.checkout import ROOT, environment


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "result.txt"
    write_text(path, "old")

    def fail(handle: IO[bytes]) -> None:
        handle.write(b"half of the new")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, fail)
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["result.txt"]


def test_what_a_killed_write_leaves_is_deleted_by_the_next_run(tmp_path: Path) -> None:
    """It is SIGKILLed with half of its file written."""
    path = tmp_path / "results" / "deep" / "x.csv"
    write = "import os, signal; from pathlib import Path; from normplace.files import write_atomically\n"
    write += "def half(handle): handle.write(b'half'); handle.flush(); os.kill(os.getpid(), signal.SIGKILL)\n"
    write += f"write_atomically(Path({str(path)!r}), half)"
    killed = subprocess.run([sys.executable, "-c", write], env=environment(ROOT), check=False)
    assert killed.returncode == -signal.SIGKILL
    assert [left.read_bytes() for left in path.parent.iterdir()] == [b"half"]
    write_text(path, "whole")
    cache.clean(tmp_path / "cache", str(tmp_path / "results"))
    assert [left.name for left in path.parent.iterdir()] == ["x.csv"]


def test_npz_round_trip_and_equal_bytes(tmp_path: Path) -> None:
    arrays, config = {"a": np.arange(5, dtype=np.float32)}, {"seed": 3, "name": "é"}
    write_npz(tmp_path / "1.npz", arrays, config)
    write_npz(tmp_path / "2.npz", arrays, dict(reversed(config.items())))
    assert (tmp_path / "1.npz").read_bytes() == (tmp_path / "2.npz").read_bytes()
    read, read_config = read_npz(tmp_path / "1.npz", ["a"])
    assert read["a"].tolist() == [0, 1, 2, 3, 4]
    assert read_config == config


def test_pickles_in_an_npz_are_refused(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "sprung"),)

    np.savez(tmp_path / "p.npz", a=np.array([Trap()], dtype=object), config=np.array("{}"))
    with pytest.raises(UserError, match=r"p\.npz"):
        read_npz(tmp_path / "p.npz", ["a"])
    assert not (tmp_path / "sprung").exists()


def test_hashes_see_content_type_and_shape(tmp_path: Path) -> None:
    a = np.zeros(4, dtype=np.float32)
    hashes = {sha256_of_arrays([b]) for b in (a, a.reshape(2, 2), a.astype(np.int32), a + 1)}
    assert len(hashes) == 4
    (tmp_path / "x").write_bytes(b"abc")
    assert sha256_of_file(tmp_path / "x") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    before = sha256_of_sources([tmp_path / "x"])
    (tmp_path / "x").write_bytes(b"abd")
    assert sha256_of_sources([tmp_path / "x"]) != before


def test_unwritable_outputs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is a directory"):
        check_writable(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        check_writable(tmp_path / "file" / "x.npz")
