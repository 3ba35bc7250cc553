"""What a run is made of: `python -m workflow.manifest --results DIR --configuration JSON --output FILE`.

Every file with its SHA-256 and size, every command with its seconds, and the code, the lock, the versions and the
machine that they are of. What an earlier configuration left in the folder is not of the run and not listed.
"""

import argparse
import base64
import json
import os
import platform
from pathlib import Path
from typing import Any

from normplace import provenance
from workflow import experiments
from workflow.configuration import ROOT, STAGES, code

RECORDS = Path(".snakemake") / "metadata"  # Snakemake's own, a file an output


def manifest(results: Path, configuration: dict[str, Any]) -> dict[str, Any]:
    """The manifest of a results folder, logs left out."""
    made = files_of_run(results, configuration)
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
        "jobs": jobs(results, made),
        "files": {
            name: {"sha256": provenance.sha256_of_file(results / name), "bytes": (results / name).stat().st_size}
            for name in made
        },
    }


def files_of_run(results: Path, configuration: dict[str, Any]) -> list[str]:
    """The files below `results` that this configuration makes, as far as they are there."""
    samples, theories, trainings = (
        {f"{experiment}/{name}" for experiment, jobs in of_stage(configuration).items() for name in jobs}
        for of_stage in (experiments.samples, experiments.theories, experiments.trainings)
    )
    made = {"init": samples, "theory": theories, "training": trainings}
    made["zoo"] = set(experiments.measurements(configuration))
    found = []
    for path in sorted(path for path in results.rglob("*") if path.is_file()):
        folder, *rest = path.relative_to(results).parts
        if folder in made and "/".join(rest).removesuffix(path.suffix) in made[folder]:
            found.append(path)
        if folder in ("data", "tidy", "tables", "figures"):
            found.append(path)
    return [path.relative_to(results).as_posix() for path in found]


def jobs(results: Path, made: list[str]) -> list[dict[str, Any]]:
    """Rule, command and seconds of every job that made one of these files."""
    found = {}
    for path in RECORDS.rglob("*"):
        if path.is_file():
            encoded = "".join(part.removeprefix("@") for part in path.relative_to(RECORDS).parts)
            output = Path(base64.urlsafe_b64decode(encoded).decode())
            if output.is_relative_to(results) and output.relative_to(results).as_posix() in made:
                record = json.loads(path.read_text(encoding="utf-8"))
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
