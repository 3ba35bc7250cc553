"""`normplace verify` as a user meets it: what it prints, writes and exits with."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml

from normplace.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "reference" / "quick"


def verify(*options: str | Path) -> int:
    """The exit code."""
    try:
        main(["verify", *map(str, options)])
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def only(name: str, to: Path) -> Path:
    """A file of one claim."""
    claims = yaml.safe_load((ROOT / "claims.yaml").read_text())["claims"]
    to.write_text(yaml.safe_dump({"claims": [claim for claim in claims if claim["id"] == name]}))
    return to


@pytest.mark.slow
def test_the_table_is_printed_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    claims = only("batch-after-neutral", tmp_path / "one.yaml")
    assert verify("--results", REFERENCE, "--claims", claims, "--output", tmp_path / "out") == 0
    printed = capsys.readouterr().out
    assert printed.startswith("holds: batch-after-neutral\n")
    assert printed.endswith("claims: holds 1\n")
    row = pd.read_csv(tmp_path / "out" / "claims.csv").iloc[0]
    assert (row["claim"], row["verdict"], row["n"]) == ("batch-after-neutral", "holds", 400)
    (record,) = json.loads((tmp_path / "out" / "claims.json").read_text())
    assert len(record["checks"]) == row["checks"] == 3 * 20
    assert {check["verdict"] for check in record["checks"]} == {"holds"}
    assert "batch-after-neutral: BatchNorm after" in (tmp_path / "out" / "claims.md").read_text()


@pytest.mark.slow
def test_a_failing_claim_exits_with_1_after_the_whole_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(REFERENCE / "tidy", tmp_path / "run" / "tidy")
    table = tmp_path / "run" / "tidy" / "placements" / "gamma.csv"
    rows = pd.read_csv(table, keep_default_na=False, na_values=[""])
    rows["norm"] = rows["norm"].replace({"batch": "layer", "layer": "batch"})
    rows.to_csv(table, index=False)
    claims = only("batch-before-constant", tmp_path / "one.yaml")
    assert verify("--results", tmp_path / "run", "--claims", claims) == 1
    assert "FAILS: batch-before-constant" in capsys.readouterr().out
    assert (tmp_path / "run" / "tables" / "claims.md").exists()


def test_integrity_and_comparison(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = Path(shutil.copytree(REFERENCE, tmp_path / "run"))
    assert verify("--results", run, "--integrity", "--against", REFERENCE) == 0
    (run / "tidy" / "placements" / "gamma.csv").unlink()
    capsys.readouterr()
    assert verify("--results", run, "--integrity", "--against", REFERENCE) == 1
    printed = capsys.readouterr().out
    assert printed.count("missing: tidy/placements/gamma.csv") == 2
    assert "claims:" not in printed


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--results", "nowhere"], "--results nowhere: no such folder"),
        (["--results", "empty"], "--results empty: has no folder tidy"),
        (["--results", "full", "--integrity", "--claims", "mine.yaml"], "--claims: is for judging claims"),
        (["--results", "empty", "--integrity"], "manifest.json: no such file"),
        (["--results", "empty", "--against", "empty"], "manifest.json: no such file"),
        (["--results", "empty", "--against", "nowhere"], "--against nowhere: no such folder"),
        (["--results", "full", "--claims", "nowhere.yaml"], "--claims nowhere.yaml: cannot be read"),
    ],
)
def test_mistakes_are_one_clear_line(
    options: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "full" / "tidy").mkdir(parents=True)
    assert verify(*options) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert words in error
