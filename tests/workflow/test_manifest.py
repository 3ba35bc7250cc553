"""The manifest names every file with its hash, and every command of the run."""

import base64
import hashlib
import json
import os
from pathlib import Path

import pytest
import yaml

from workflow import manifest


def test_files_and_jobs_of_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    results = Path("results/x")
    kept = {"tidy/a.csv": b"1", "init/placements/mnist/none.npz": b"4"}
    stale = {"init/placements/mnist/none-old.npz": b"5", "training/dynamics/x.csv": b"6"}  # of another configuration
    for name, content in {**kept, **stale, "logs/a.log": b"2", "manifest.json": b"3"}.items():
        (results / name).parent.mkdir(parents=True, exist_ok=True)
        (results / name).write_bytes(content)
    manifest.RECORDS.mkdir(parents=True)
    for output in (*kept, *stale, "../y/tidy/a.csv"):  # the last is of another run
        record = {"rule": "sample", "shellcmd": f"make {output}", "starttime": 10.0, "endtime": 12.04}
        name = base64.urlsafe_b64encode(os.path.normpath(results / output).encode()).decode()
        (manifest.RECORDS / name).write_text(json.dumps(record))
    configuration = yaml.safe_load((manifest.ROOT / "config" / "smoke.yaml").read_text())
    found = manifest.manifest(results, configuration)
    assert found["files"] == {
        name: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": 1} for name, content in kept.items()
    }
    assert {job["command"] for job in found["jobs"]} == {f"make {name}" for name in kept}
    assert all(job["seconds"] == 2.0 for job in found["jobs"])
    assert found["configuration"] == configuration
    assert set(found["code"]) == set(manifest.STAGES)
