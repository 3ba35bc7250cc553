"""The manifest names every file with its hash, and every command of the run."""

import base64
import hashlib
import json
import os
from pathlib import Path

import pytest
import yaml

from normplace.files import write_npz, write_text
from normplace.verifying.manifest import problems, read_manifest
from study import configuration, manifest


def test_files_and_jobs_of_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    results = Path("results/x")
    of_one_job = ["init/placements/mnist/none.npz", "init/placements/mnist/none.sha256"]
    kept = ["data/init/mnist-parity.npz", *of_one_job, "report.html", "tables/a.md", "tidy/a.csv"]
    stale = ["init/placements/mnist/none-old.npz", "training/dynamics/x.csv"]  # of another configuration
    for name in [*kept, *stale, "logs/a.log", "manifest.json"]:
        if name.endswith(".npz"):
            write_npz(results / name, {}, {"raw_sha256": "abc", "options": {"device": "cpu"}})
        else:
            write_text(results / name, name)
    cached = (results / "tidy" / "a.csv").rename(tmp_path / "cached")
    os.utime(cached, (5, 5))  # before the job that begins at 10
    (results / "tidy" / "a.csv").symlink_to(cached)
    manifest.RECORDS.mkdir(parents=True)
    for output in (*kept, *stale, "../y/tidy/a.csv"):  # the last is of another run
        record = {"rule": "sample", "shellcmd": f"make {output}", "starttime": 10.0, "endtime": 12.04}
        record["params"] = ["'--inits 5'", f"'{configuration.code('train' if 'report' in output else 'sample')}'"]
        name = base64.urlsafe_b64encode(os.path.normpath(results / output).encode()).decode()
        (manifest.RECORDS / name).write_text(json.dumps(record))
    smoke = yaml.safe_load((manifest.ROOT / "config" / "smoke.yaml").read_text())
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
    assert found["inputs"]["data/init/mnist-parity.npz"]["raw_sha256"] == "abc"
    assert found["devices"] == ["cpu"]
    assert found["seeds"]["placements"] == [smoke["seed"]]
    assert found["seeds"]["start_matters"] == [smoke["seed"] + 1]
    assert found["code"]["sample"] == ", ".join(sorted(map(configuration.code, ("sample", "train"))))
    assert set(found["code"]) == {"sample", "figures"}
    assert found["machine"]["processor"]
    write_text(results / "manifest.json", json.dumps(found))
    assert problems(results, read_manifest(results)) == [f"extra: {name}" for name in stale]
