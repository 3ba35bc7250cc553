"""A full disk under the results, at a few stages; at all of them: `python -m tests.faults.full_disk`."""

import json
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from normplace.files import write_bytes
from normplace.measuring import picture
from study import configuration, expected
from tests.checkout import QUICK, ROOT, TINY_TARGETS
from tests.faults import full_disk


@pytest.mark.usefixtures("small_disk")  # it skips where none can be mounted
def test_stages_of_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNAKEMAKE_OUTPUT_CACHE", "")  # the trial sets its own
    rules = ["dataset_gaussian", "kernel_theory_placements"]
    assert not full_disk.trial(tmp_path / "trial", TINY_TARGETS[1:2], rules)


def test_a_command_of_the_study(small_disk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = json.dumps(configuration.read([ROOT / name for name in QUICK]))
    path = small_disk / "expected.json"
    with full_disk.full(small_disk, 0), pytest.raises(SystemExit) as ended:
        expected.main(config, str(path))
    assert ended.value.code == 3
    assert capsys.readouterr().err == f"python -m study.expected: error: {path}: No space left on device\n"
    assert not list(small_disk.iterdir())
    expected.main(config, str(path))
    assert path.read_text() == "{}\n"


def test_a_file_is_named_and_a_picture_fails_like_any(small_disk: Path) -> None:
    def drawn() -> Figure:
        figure = Figure()
        figure.subplots().set_title("of a disk that is full")
        return figure

    with full_disk.full(small_disk, full_disk.PAGE):
        for write, path in (
            (lambda path: write_bytes(path, bytes(full_disk.PAGE + 1)), small_disk / "x.csv"),
            (lambda path: picture._write(drawn, path), small_disk / "x.pdf"),
        ):
            with pytest.raises(OSError, match="No space left on device") as failed:
                write(path)
            assert failed.value.filename == str(path)
    assert not list(small_disk.iterdir())
