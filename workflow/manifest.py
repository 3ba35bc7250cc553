"""What a run is made of: `python -m workflow.manifest --results DIR --configuration JSON --output FILE`.

Every file with its SHA-256 and size, every command with its seconds, and the code, the lock, the versions and the
machine that they are of. Last of all jobs.
"""

import argparse
import json
import os
import platform
from pathlib import Path
from typing import Any

from normplace import provenance
from workflow.configuration import ROOT, STAGES, code

RECORDS = Path(".snakemake") / "metadata"  # Snakemake's own, a file an output


def manifest(results: Path, configuration: dict[str, Any]) -> dict[str, Any]:
    """The manifest of a results folder, logs left out."""
    return {
        "configuration": configuration,
        "code": {stage: code(stage) for stage in STAGES},
        "lock": provenance.sha256_of_file(ROOT / "requirements.lock"),
        "versions": provenance.versions(),
        "machine": {
            "system": platform.system(),
            "architecture": platform.machine(),
            "cores": os.cpu_count(),
            "threads a process": int(os.environ.get("OMP_NUM_THREADS", 1)),
        },
        "jobs": jobs(results),
        "files": files(results),
    }


def files(results: Path) -> dict[str, dict[str, Any]]:
    """Path below `results` -> SHA-256 and size in bytes."""
    found = sorted(path for path in results.rglob("*") if path.is_file())
    parts = {path: path.relative_to(results) for path in found}
    return {
        part.as_posix(): {"sha256": provenance.sha256_of_file(path), "bytes": path.stat().st_size}
        for path, part in parts.items()
        if part.parts[0] != "logs" and part.name not in ("manifest.json", "report.html")
    }


def jobs(results: Path) -> list[dict[str, Any]]:
    """Rule, command and seconds of every job of this run, one a command."""
    found = {}
    for path in RECORDS.rglob("*"):
        if path.is_file():
            record = json.loads(path.read_text(encoding="utf-8"))
            if record["log"] and Path(record["log"][0]).is_relative_to(results):
                seconds = round(record["endtime"] - record["starttime"], 1)
                found[record["shellcmd"]] = {"rule": record["rule"], "command": record["shellcmd"], "seconds": seconds}
    return sorted(found.values(), key=lambda job: (job["rule"], job["command"]))


def main() -> None:
    """Write the manifest."""
    parser = argparse.ArgumentParser(prog="python -m workflow.manifest", description=__doc__)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--configuration", type=json.loads, required=True)
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args()
    provenance.write_text(args.output, json.dumps(manifest(args.results, args.configuration), indent=1) + "\n")


if __name__ == "__main__":
    main()
