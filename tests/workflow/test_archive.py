"""A packed run is complete, described, and the same whenever it is packed."""

import json
import shutil
import subprocess
import tarfile
from importlib.resources import files
from pathlib import Path

import pytest
import yaml

from normplace.verifying.manifest import read_manifest
from study import archive, crate, reference
from tests.checkout import ROOT

TOOLS = ROOT / ".tools" / "bin"
ENDED = "2026-01-02T03:04:05+00:00"


@pytest.fixture
def finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run at results/quick: what the reference ships and a page, one file of it a link to a cache."""
    results = tmp_path / "here" / "results" / "quick"
    shutil.copytree(ROOT / "reference" / "quick", results)
    manifest = read_manifest(results)
    whole = manifest.model_copy(update={"files": manifest.promised(), "shipped": None, "begun": ENDED, "ended": ENDED})
    (results / "manifest.json").write_text(whole.model_dump_json(exclude_none=True))
    (results / "index.html").write_text("<!doctype html>")
    (tmp_path / "cache").mkdir()
    table = results / "tidy" / "placements" / "gamma.csv"
    shutil.move(table, tmp_path / "cache" / "a1b2")
    table.symlink_to(tmp_path / "cache" / "a1b2")
    monkeypatch.chdir(tmp_path / "here")
    return results


def test_equal_runs_give_equal_archives_without_links(finished: Path) -> None:
    packed = finished.parent / "quick.tar.gz"
    archive.main("quick")
    first = packed.read_bytes()
    (finished / "tidy" / "placements" / "regimes.csv").touch()
    (finished / "manifest.json").chmod(0o600)
    archive.main("quick")
    assert packed.read_bytes() == first
    with tarfile.open(packed) as opened:
        assert all(member.isreg() and member.mtime == 0 for member in opened)
        beside = {"manifest.json", "index.html", "ro-crate-metadata.json", "README.md", "code/configuration.yaml"}
        names = {name.removeprefix("quick/") for name in opened.getnames()}
        assert names >= beside | {"code/Snakefile", "code/requirements.lock"} | set(read_manifest(finished).files)


def test_a_spoilt_run_is_not_packed(finished: Path) -> None:
    (finished / "tidy" / "placements" / "regimes.csv").write_text("")
    with pytest.raises(SystemExit, match=r"altered: tidy/placements/regimes\.csv\nresults/quick is not packed"):
        archive.main("quick")
    assert not (finished.parent / "quick.tar.gz").exists()


def test_what_is_no_finished_run_is_neither_packed_nor_shipped(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing that is shipped now is lost."""
    with pytest.raises(SystemExit, match=r"manifest\.json: no such file.*\nresults/nope is not packed: run `make"):
        archive.main("nope")
    shipped = finished.parents[1] / "reference" / "nope"
    shipped.mkdir(parents=True)
    monkeypatch.setattr(reference, "ROOT", finished.parents[1])
    with pytest.raises(SystemExit, match="results/nope is not shipped"):
        reference.main("nope")
    assert shipped.is_dir()


def test_the_archive_is_a_workflow_run_crate(finished: Path, tmp_path: Path) -> None:
    """By its own description, and by the validator where it is installed."""
    archive.main("quick")
    subprocess.run(["tar", "-xzf", finished.parent / "quick.tar.gz", "-C", tmp_path], check=True)
    unpacked, run_of = tmp_path / "quick", read_manifest(finished)
    graph = {entity["@id"]: entity for entity in json.loads((unpacked / crate.METADATA).read_text())["@graph"]}
    described = {name for name, entity in graph.items() if "File" in entity["@type"]}
    packed = {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*") if path.is_file()}
    assert described == packed - {crate.METADATA}
    assert all(graph[name]["sha256"] == file.sha256 for name, file in run_of.files.items())
    assert graph["./"]["datePublished"] == run_of.ended == ENDED
    configuration = yaml.safe_load((unpacked / crate.CONFIGURATION).read_text())
    assert configuration == run_of.configuration
    action = graph["#run"]
    assert action["instrument"] == {"@id": crate.WORKFLOW} == graph["./"]["mainEntity"]
    assert (unpacked / "code" / "workflow" / "study" / "plan.py").is_file()
    assert {one["@id"] for one in action["result"]} >= {"tidy/placements/gamma.csv", "tables/claims.csv"}
    if not TOOLS.is_dir():
        pytest.skip("no validator in .tools: `make .tools/installed` installs it")
    assert valid(unpacked) == []
    metadata = unpacked / crate.METADATA
    metadata.write_text(metadata.read_text().replace('"mainEntity"', '"someEntity"'))
    assert valid(unpacked)


def valid(folder: Path) -> list[str]:
    """What the validator requires and misses. Two checks are left out that fetch the context from the network."""
    context = files("rocrate") / "data" / "ro-crate.jsonld"
    report = folder.parent / "report.json"
    subprocess.run(
        [
            TOOLS / "python", ROOT / "tests" / "conventions" / "validate_crate.py", str(context),
            "--no-interactive", "validate", "--no-paging", "--output-format", "json", "--output-file", report,
            "--profile-identifier", "workflow-run-crate-0.5", "--skip-availability-check",
            "--skip-checks", "ro-crate-1.1_3.1,ro-crate-1.1_3.2", folder,
        ],
        capture_output=True, check=False,
    )  # fmt: skip
    return [f"{issue['check']['identifier']}: {issue['message']}" for issue in json.loads(report.read_text())["issues"]]
