"""A packed run is complete, the same whenever it is packed, and works where it is unpacked."""

import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from normplace.verifying.manifest import problems, read_manifest
from study import archive, reference
from tests.checkout import ROOT, copy_of_repository, run


@pytest.fixture
def finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run at results/quick: what the reference ships, one file of it a link to a cache."""
    results = tmp_path / "here" / "results" / "quick"
    shutil.copytree(ROOT / "reference" / "quick", results)
    manifest = read_manifest(results)
    whole = manifest.model_copy(update={"files": manifest.promised(), "shipped": None})
    (results / "manifest.json").write_text(whole.model_dump_json(exclude_none=True))
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
        assert len(opened.getnames()) == len(read_manifest(finished).files) + 1


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


def test_an_unpacked_run_is_verified_and_drawn_from(finished: Path, tmp_path: Path) -> None:
    archive.main("quick")
    clone = copy_of_repository(tmp_path / "clone")
    (clone / "results").mkdir()
    subprocess.run(["tar", "-xzf", finished.parent / "quick.tar.gz", "-C", clone / "results"], check=True)
    shutil.rmtree(tmp_path / "cache")  # which the archive must not need
    assert problems(clone / "results" / "quick", read_manifest(clone / "results" / "quick")) == []
    make = ("make", "--no-print-directory", "--assume-old=.venv/installed")
    verified = run(clone, *make, "verify")
    assert "integrity of results/quick: no altered" in verified.stdout, verified.stdout + verified.stderr
    assert "\nclaims: " in verified.stdout
    assert "--tidy results/quick/tidy" in run(clone, *make, "--dry-run", "figures").stdout
