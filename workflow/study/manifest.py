"""What a run is made of: `python -m study.manifest --results DIR --configuration JSON --output FILE`.

Every file with its SHA-256 and size, every command with its seconds, and the data, the seeds, the code, the lock, the
versions and the machine that they are of. What an earlier configuration left in the folder is not of the run and not
listed. `normplace verify --integrity` holds the files against it, `--against` two runs by it.
"""

import argparse
import base64
import json
import os
import platform
import re
from collections import defaultdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from normplace import files as provenance
from study import experiments
from study.configuration import ROOT, versions

RECORDS = Path(".snakemake") / "metadata"  # Snakemake's own, a file an output
CODE = re.compile("[0-9a-f]{16}")  # as `configuration.code` writes it
DRAWING = ("seaborn", "snakemake")  # what figures, tables and the report depend on besides what computes


def manifest(results: Path, configuration: dict[str, Any]) -> dict[str, Any]:
    """The manifest of a results folder, logs left out."""
    made = files_of_run(results, configuration)
    commands = jobs(results, made)
    return {
        "configuration": configuration,
        "inputs": inputs(results, made),
        "seeds": seeds(configuration),
        "code": {
            **code_used(commands),
            "figures": provenance.sha256_of_sources((ROOT / "figures").rglob("*.py"))[:16],
        },
        "lock": provenance.sha256_of_file(ROOT / "requirements.lock"),
        "versions": {**versions(), **{name: version(name) for name in DRAWING}},
        "devices": devices(results, made),
        "machine": {
            "system": platform.system(),
            "architecture": platform.machine(),
            "processor": processor(),
            "cores": os.cpu_count(),
            "threads a process": 1,  # normplace.cli.main sees to it
        },
        "seconds": seconds(commands),
        "jobs": commands,
        "files": {
            name: {"sha256": provenance.sha256_of_file(results / name), "bytes": (results / name).stat().st_size}
            for name in made
        },
    }


def inputs(results: Path, made: list[str]) -> dict[str, dict[str, Any]]:
    """Each file of prepared points: where its data were found, and the SHA-256 of the pixels and labels read there."""
    prepared = [name for name in made if name.startswith("data/") and name.endswith(".npz")]
    return {name: provenance.read_npz(results / name, ())[1] for name in prepared}


def seeds(configuration: dict[str, Any]) -> dict[str, list[int]]:
    """The seeds of each experiment's networks and runs; each network and run draws from its own (seed, index)."""
    of_stage = (experiments.samples(configuration), experiments.trainings(configuration))
    return {
        experiment: sorted({int(re.findall(r"--seed (\d+)", job.options)[0]) for job in named.values()})
        for stage in of_stage
        for experiment, named in stage.items()
        if named
    }


def devices(results: Path, made: list[str]) -> list[str]:
    """The devices that networks were sampled and trained on, as their files say."""
    found = set()
    for name in made:
        if name.startswith("init/") and name.endswith(".npz"):
            found.add(provenance.read_npz(results / name, ())[1]["options"]["device"])
        if name.startswith("training/") and name.endswith(".json"):
            found.add(json.loads((results / name).read_text(encoding="utf-8"))["options"]["device"])
    return sorted(found)


def processor() -> str:
    """The processor's name, family and model: libraries choose their instructions by it, and with them rounding."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or "unknown"
    first = dict(re.findall(r"^(.+?)\s*:\s*(.*)$", text.split("\n\n")[0], flags=re.MULTILINE))
    known = [first[key] for key in ("model name", "cpu family", "model") if key in first]
    return ", ".join(known) or platform.processor() or "unknown"


def code_used(commands: list[dict[str, Any]]) -> dict[str, str]:
    """Hash of the modules that each rule's jobs ran; several where Snakemake was told to keep earlier results."""
    used: defaultdict[str, set[str]] = defaultdict(set)
    for job in commands:
        if job["code"]:
            used[job["rule"]].add(job["code"])
    return {rule: ", ".join(sorted(hashes)) for rule, hashes in sorted(used.items())}


def seconds(commands: list[dict[str, Any]]) -> dict[str, float]:
    """Wall time of all jobs of each rule, one after the other; those whose outputs were cached took next to none."""
    total: defaultdict[str, float] = defaultdict(float)
    for job in commands:
        total[job["rule"]] += job["seconds"]
    return {rule: round(value, 1) for rule, value in sorted(total.items())}


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
        if folder in ("data", "tidy", "tables", "figures", "report.html"):
            found.append(path)
    return [path.relative_to(results).as_posix() for path in found]


def jobs(results: Path, made: list[str]) -> list[dict[str, Any]]:
    """Rule, command, code, seconds of every job that made one of these files or found it among the cached outputs."""
    found = {}
    for path in RECORDS.rglob("*"):
        if path.is_file():
            encoded = "".join(part.removeprefix("@") for part in path.relative_to(RECORDS).parts)
            output = Path(base64.urlsafe_b64decode(encoded).decode())
            if output.is_relative_to(results) and output.relative_to(results).as_posix() in made:
                record = json.loads(path.read_text(encoding="utf-8"))
                took = round(record["endtime"] - record["starttime"], 1)
                cached = output.is_symlink() and output.stat().st_mtime < record["starttime"]
                found[record["shellcmd"]] = {
                    "rule": record["rule"],
                    "command": record["shellcmd"],
                    "code": next(filter(CODE.fullmatch, (param.strip("'") for param in record["params"])), None),
                    "seconds": took,
                    "cached": cached,
                }
    return sorted(found.values(), key=lambda job: (job["rule"], job["command"]))


def main() -> None:
    """Write the manifest."""
    parser = argparse.ArgumentParser(prog="python -m study.manifest", description=__doc__)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--configuration", type=json.loads, required=True)
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args()
    provenance.write_text(args.output, json.dumps(manifest(args.results, args.configuration), indent=1) + "\n")


if __name__ == "__main__":
    main()
