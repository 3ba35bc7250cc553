"""One command at a time: full disks, read-only folders, interrupts, terminals without UTF-8."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from normplace.cli.main import main
from normplace.files import read_npz
from tests.checkout import ROOT, environment

DATA = ["--dataset", "digits", "--points", "50"]
SAMPLE = ["sample", *DATA, "--norm", "none", "--depth", "2", "--width", "10", "--inits", "3000"]
TRAIN = [
    "train",
    *DATA,
    "--norm",
    "none",
    "--depth",
    "1",
    "--lr",
    "1e-3",
    "--epochs",
    "100000",
    "--runs",
    "1",
    "--batch-size",
    "25",
]


def test_a_full_disk_is_one_line_and_leaves_no_file(small_disk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*SAMPLE, "--output", str(small_disk / "x.npz")])
    assert ended.value.code == 3
    (line,) = capsys.readouterr().err.splitlines()
    assert line == f"normplace sample: error: {small_disk / 'x.npz'}: No space left on device"
    assert not list(small_disk.iterdir())


def test_a_disk_that_fills_in_the_middle_of_a_checkpoint_is_one_line(
    small_disk: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """torch's own writer ends in an error that hides the disk's."""
    monkeypatch.setattr("normplace.training.runs.CHECKPOINT_SECONDS", 0.0)
    with pytest.raises(SystemExit) as ended:
        main([*TRAIN, "--width", "100", "--test-points", "50", "--output", str(small_disk / "x.csv")])
    assert ended.value.code == 3
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"normplace train: error: {small_disk}/")
    assert line.endswith(".pt: No space left on device")


def test_a_read_only_folder_is_refused_before_any_work(small_disk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(SystemExit) as ended:
        main([*SAMPLE, "--output", str(small_disk / "x.npz")])
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "cannot be written (Read-only file system)" in line


def test_an_interrupt_is_one_line_and_keeps_the_checkpoint(tmp_path: Path) -> None:
    impatient = (
        "from normplace.cli.main import main; from normplace.training import runs; runs.CHECKPOINT_SECONDS = 0; main()"
    )
    command = [sys.executable, "-c", impatient, *TRAIN, "--output", str(tmp_path / "runs.csv")]
    process = subprocess.Popen(command, env=environment(ROOT), stderr=subprocess.PIPE, text=True)
    begun = time.monotonic()
    while not list(tmp_path.glob(".runs.csv.unfinished/*.pt")):
        assert process.poll() is None
        assert time.monotonic() - begun < 120, "no checkpoint was written"
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in said
    assert said.splitlines()[-1] == "normplace: interrupted; the output was not written"
    assert not (tmp_path / "runs.csv").exists()
    assert list(tmp_path.glob(".runs.csv.unfinished/*.pt"))


def test_names_that_the_terminal_cannot_show(image_folder: Path, tmp_path: Path) -> None:
    for split in ("train", "test"):
        (image_folder / split / "bee").rename(image_folder / split / "abeille dorée")
    images = image_folder.rename(tmp_path / "forêt")
    ascii_only = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, "-m", "normplace.cli", "data", "--dataset", f"folder:{images}"]
    found = subprocess.run(
        [*command, "--output", str(tmp_path / "é.npz")],
        env=environment(ROOT) | ascii_only,
        capture_output=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    assert rb"folder for\xeat: 16 points" in found.stdout
    _, config = read_npz(tmp_path / "é.npz", [])
    assert list(config["classes"]) == ["abeille dorée", "ant"]


def test_too_much_for_the_memory_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("normplace.data.datasets.read_arrays", full)
    with pytest.raises(SystemExit) as caught:
        main(["sample", "--norm", "none", "--dataset", "digits", "--depth", "1", "--inits", "2", "--output", "x.npz"])
    assert caught.value.code == 3
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("normplace sample: error: more than memory holds")
