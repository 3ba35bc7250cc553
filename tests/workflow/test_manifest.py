"""The manifest names every file with its hash, and every command of the run."""

import hashlib
import json
from pathlib import Path

import pytest

from workflow import manifest


def test_files_and_jobs_of_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    results = Path("results/x")
    for name, content in {"tidy/a.csv": b"1", "logs/a.log": b"2", "manifest.json": b"3"}.items():
        (results / name).parent.mkdir(parents=True, exist_ok=True)
        (results / name).write_bytes(content)
    manifest.RECORDS.mkdir(parents=True)
    for output, folder in (("a", "x"), ("b", "x"), ("c", "y")):  # a and b are of one job, c of another run
        record = {
            "rule": "sample", "log": [f"results/{folder}/logs/a.log"], "shellcmd": f"normplace {folder}",
            "starttime": 10.0, "endtime": 12.04,
        }  # fmt: skip
        (manifest.RECORDS / output).write_text(json.dumps(record))
    found = manifest.manifest(results, {"scale": "x"})
    assert found["files"] == {"tidy/a.csv": {"sha256": hashlib.sha256(b"1").hexdigest(), "bytes": 1}}
    assert found["jobs"] == [{"rule": "sample", "command": "normplace x", "seconds": 2.0}]
    assert found["configuration"] == {"scale": "x"}
    assert set(found["code"]) == set(manifest.STAGES)
