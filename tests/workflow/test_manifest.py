"""The manifest names every file with its hash, and every command of the run."""

import hashlib
import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from normplace.files import write_npz, write_text
from normplace.verifying.manifest import problems, read_manifest
from study import code, configuration, manifest
from tests.checkout import SMOKE


def test_files_and_jobs_of_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    results = Path("results/x")
    of_one_job = ["init/placements/mnist/none.npz", "init/placements/mnist/sums.sha256"]
    kept = ["data/mnist/init-parity.npz", *of_one_job, "report.html", "tables/a.md", "tidy/a.csv"]
    # Of another configuration, and half a table, of a job that was killed.
    stale = ["init/placements/mnist/none-old.npz", "tidy/.a.csv.x7f_", "training/dynamics/x.csv"]
    for name in [*kept, *stale, "logs/a.log", "manifest.json"]:
        if name.endswith(".npz"):
            write_npz(results / name, {}, {"raw_sha256": "abc", "options": {"device": "cpu"}})
        else:
            write_text(results / name, name)
    cached = (results / "tidy" / "a.csv").rename(tmp_path / "cached")
    os.utime(cached, (5, 5))  # before the job that begins at 10
    (results / "tidy" / "a.csv").symlink_to(cached)
    records = {}
    for output in (*kept, *stale, "../y/tidy/a.csv"):  # the last is of another run
        made_by = {"code": "c" if "report" in output else "b", "versions": {"python": "3"}}
        records[str(results / output)] = SimpleNamespace(
            rule="sample",
            shellcmd=f"make {output}",
            params=[repr("--inits 5"), repr(made_by), repr(1000)],
            starttime=10.0,
            endtime=12.04,
        )
    monkeypatch.setattr(manifest.FilePersistence, "metadata", lambda self, output: records.get(str(output)))
    smoke = configuration.read([manifest.ROOT / path for path in SMOKE])
    found = manifest.manifest(results, smoke)
    contents = {name: (results / name).read_bytes() for name in kept}
    assert found["files"] == {
        name: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
        for name, content in contents.items()
    }
    assert {job["command"] for job in found["jobs"]} == {f"make {name}" for name in kept}
    assert all(job["seconds"] == 2.0 for job in found["jobs"])
    assert [job["command"] for job in found["jobs"] if job["cached"]] == ["make tidy/a.csv"]
    assert found["seconds"] == {"sample": 2.0 * len(kept)}
    assert found["configuration"] == smoke
    assert found["inputs"]["data/mnist/init-parity.npz"]["raw_sha256"] == "abc"
    assert found["devices"] == ["cpu"]
    assert found["seeds"]["placements"] == [smoke["seed"]]
    assert found["seeds"]["start_matters"] == [smoke["seed"] + 1]
    assert found["code"]["sample"] == "b, c"
    assert set(found["code"]) == {"sample", "figures"}
    assert found["machine"]["processor"]
    write_text(results / "manifest.json", json.dumps(found))
    assert problems(results, read_manifest(results)) == [f"extra: {name}" for name in stale]


def test_seconds_commands_and_code_are_those_that_snakemake_recorded(finished: Path) -> None:
    """Of a real run: every job that made a file is there, with what it ran."""
    found = json.loads((finished / "results" / "smoke" / "manifest.json").read_text())
    jobs = {job["command"]: job for job in found["jobs"]}
    assert len(jobs) == len(found["jobs"])
    for path, rule, stage in (
        ("init/placements/mnist/none.npz", "sample_placements", "sample"),
        ("training/dynamics/mnist-4/runs-0-1/none.csv", "train_dynamics", "train"),
        ("tidy/placements/gamma.csv", "summarise", "summarise"),
        ("tables/claims.csv", "claims", "verify"),
    ):
        assert path in found["files"]
        assert found["code"][rule] == code.of(stage)
        made = [job for job in jobs.values() if job["rule"] == rule]
        assert all(job["code"] == code.of(stage) for job in made)
        assert sum(job["seconds"] for job in made) == pytest.approx(found["seconds"][rule], abs=0.06 * len(made))
    sampled = [job for job in jobs.values() if "(dirname results/smoke/init/placements/mnist/" in job["command"]]
    assert len(sampled) == 1
    assert "normplace sample --dataset file:results/smoke/data/mnist/init-" in sampled[0]["command"]
    assert 0 < sampled[0]["seconds"] < 300
