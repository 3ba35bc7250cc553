"""The commands that draw and print: what they make, and mistakes as one line and exit code 2."""

import shutil
import sys
from pathlib import Path

import pytest

from figures import TABLES, command
from figures.tables.__main__ import write
from tests.checkout import ROOT

TIDY = ROOT / "reference" / "quick" / "tidy"


def tables(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> None:
    monkeypatch.setattr(sys, "argv", ["figures.tables", *map(str, arguments)])
    command.run("figures.tables", "Print tables.", list(TABLES), write)


def test_without_names_all_that_was_run_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tidy").mkdir()
    for experiment in ("zoo", "shift"):
        shutil.copytree(TIDY / experiment, tmp_path / "tidy" / experiment)
    tables(monkeypatch, "--tidy", tmp_path / "tidy", "--output", tmp_path / "out")
    assert {path.stem for path in (tmp_path / "out").iterdir()} == {"beyond", "zoo"}
    assert "headline is not made: no tables of placements" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["hedline", "--tidy", TIDY, "--output", "{tmp}"], ["NAME hedline", "headline"]),
        (["--tidy", "nowhere", "--output", "{tmp}"], ["--tidy nowhere", "no such folder"]),
        (["zoo", "--tidy", "{tmp}", "--output", "{tmp}"], ["--tidy", "no tables of zoo", "zoo is made of"]),
        (["milestones", "--tidy", "{tmp}", "--output", "{tmp}"], ["no tables of dynamics or start_matters"]),
        (["headline", "--tidy", "{tmp}", "--output", "{tmp}"], ["headline", "regimes.csv", "cannot be read"]),
        (["gamma", "--tidy", "{tmp}", "--output", "{tmp}"], ["gamma", "histograms.csv", "has no rows"]),
        (["zoo", "--tidy", TIDY, "--output", "{tmp}/file"], ["--output", "file", "exists"]),
        (["zoo", "--tidy", TIDY], ["--output"]),
    ],
)
def test_a_mistake_is_one_line(
    arguments: list[object],
    words: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "placements").mkdir()
    shutil.copy2(TIDY / "placements" / "gamma.csv", tmp_path / "placements")
    (tmp_path / "placements" / "histograms.csv").write_text("")
    (tmp_path / "placements" / "regimes.csv").write_bytes(b"\xff\xfe\x00,,\n1")
    with pytest.raises(SystemExit) as ended:
        tables(monkeypatch, *(str(argument).replace("{tmp}", str(tmp_path)) for argument in arguments))
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert all(word in said for word in words), said
