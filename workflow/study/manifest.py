"""What a run is made of: `python -m study.manifest --results DIR --configuration JSON --output FILE`.

Every file with its SHA-256 and size, every command with its seconds, and the data, the seeds, the code, the lock, the
versions and the machine that they are of. What an earlier configuration left in the folder is not of the run and not
listed. `normplace verify --integrity` holds the files against it, `--against` two runs by it.
"""

import argparse
import ast
import json
import os
import platform
import re
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from snakemake.io import IOFile
from snakemake.persistence.file import FilePersistence

from normplace import files as provenance
from study.code import ROOT
from study.data import versions
from study.jobs import Sample, Training
from study.one_line import or_one_line
from study.plan import Plan

DRAWING = ("seaborn", "snakemake")  # what figures, tables and the report depend on besides what computes
RESTORED = "training/commands.json"  # the commands of restored runs
WHOLE_FOLDERS = ("data", "tidy", "tables", "figures", "report.html")  # whatever the configuration


def manifest(results: Path, configuration: dict[str, Any]) -> dict[str, Any]:
    """The manifest of a results folder, logs left out."""
    plan = Plan(configuration)
    made = files_of_run(results, plan)
    records = records_of(results, made)
    commands = [*jobs(results, records), *restored(results, made)]
    begun = min((record.starttime for record in records.values()), default=0)
    ended = max((record.endtime for record in records.values()), default=0)
    figures = provenance.sha256_of_sources((ROOT / "figures").rglob("*.py"))[:16]
    return {
        "configuration": configuration,
        # Of prepared points: where the data were found, and the SHA-256 of the pixels and labels read there.
        "inputs": {name: config_of(results / name) for name in made if re.match(r"data/.*\.npz", name)},
        "seeds": seeds(plan),
        "code": {**code_used(commands), "figures": figures},
        "lock": provenance.sha256_of_file(ROOT / "requirements.lock"),
        "versions": {**versions(), **{name: version(name) for name in DRAWING}},
        "devices": devices(results, made),
        "machine": {
            "system": platform.system(),
            "architecture": platform.machine(),
            "processor": processor(),
            "cores": os.cpu_count(),
            "threads a process": 1,  # the command line sees to it
        },
        "seconds": seconds(commands),
        "jobs": commands,
        "begun": datetime.fromtimestamp(begun, UTC).isoformat(timespec="seconds"),
        "ended": datetime.fromtimestamp(ended, UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "files": {
            name: {"sha256": provenance.sha256_of_file(results / name), "bytes": (results / name).stat().st_size}
            for name in made
        },
    }


def config_of(path: Path) -> dict[str, Any]:
    """What a job's file says of how it was made."""
    found = provenance.read_npz(path, ())[1] if path.suffix == ".npz" else json.loads(path.read_bytes())
    return dict(found)


def seeds(plan: Plan) -> dict[str, list[int]]:
    """The seeds of each experiment's networks and runs; each network and run draws from its own (seed, index)."""
    found: dict[str, set[int]] = {}
    for job in plan.computed:
        if isinstance(job, Sample | Training):
            found.setdefault(job.experiment, set()).add(job.seed)
    return {experiment: sorted(of_jobs) for experiment, of_jobs in found.items()}


def devices(results: Path, made: list[str]) -> list[str]:
    """The devices that networks were sampled and trained on, as their files say."""
    files = [results / name for name in made if re.match(r"init/.*\.npz|training/.*\.json", name)]
    return sorted({config_of(file)["options"]["device"] for file in files})


def commit() -> str | None:
    """The commit of the project, with "-dirty" where files differ from it; None where there is no git."""
    command = ["git", "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty"]
    try:
        found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return found.stdout.strip()


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
    used: dict[str, set[str]] = {}
    for job in commands:
        if job["code"]:
            used.setdefault(job["rule"], set()).add(job["code"])
    return {rule: ", ".join(sorted(hashes)) for rule, hashes in used.items()}


def seconds(commands: list[dict[str, Any]]) -> dict[str, float]:
    """Wall time of all jobs of each rule, one after the other; those whose outputs were cached took next to none."""
    total = dict.fromkeys((job["rule"] for job in commands), 0.0)
    for job in commands:
        total[job["rule"]] += job["seconds"]
    return {rule: round(value, 1) for rule, value in total.items()}


def files_of_run(results: Path, plan: Plan) -> list[str]:
    """The files below `results` that this configuration makes, as far as they are there."""
    computed = {job.path for job in plan.computed}
    computed |= {f"{path.rpartition('/')[0]}/sums" for path in computed}  # of cells that were done together
    files = [path for path in sorted(results.rglob("*")) if path.is_file() and not path.name.startswith(".")]
    names = [path.relative_to(results).as_posix() for path in files]  # a hidden one is half a file, of a killed job
    return [name for name in names if name.split("/")[0] in WHOLE_FOLDERS or name.rpartition(".")[0] in computed]


def records_of(results: Path, made: list[str]) -> dict[str, Any]:
    """What Snakemake recorded of the jobs that made these files or found them among the cached outputs."""
    persistence = FilePersistence(nolock=True)
    found = {name: persistence.metadata(IOFile(str(results / name))) for name in made}
    return {name: record for name, record in found.items() if record}


def jobs(results: Path, records: dict[str, Any]) -> list[dict[str, Any]]:
    """Rule, command, code and seconds of every job that files are recorded of."""
    found = {}
    for name, record in records.items():
        output = results / name
        found[record.shellcmd] = {
            "rule": record.rule,
            "command": record.shellcmd,
            "code": code_of(record.params),
            "seconds": round(record.endtime - record.starttime, 1),
            "cached": output.is_symlink() and output.stat().st_mtime < record.starttime,
        }
    return sorted(found.values(), key=lambda job: (job["rule"], job["command"]))


def restored(results: Path, made: list[str]) -> list[dict[str, Any]]:
    """The same of training runs that were put back from where they are kept (`study.kept`)."""
    path = results / RESTORED
    index = provenance.read_json(path) if path.exists() else {}
    return [{**job, "cached": True} for name, job in index.items() if f"{name}.csv" in made]


def code_of(params: list[str]) -> str | None:
    """The code that a job ran, by its parameter `made_by`: Snakemake records parameters as Python writes them."""
    values = map(ast.literal_eval, params)
    return next((value["code"] for value in values if isinstance(value, dict) and "code" in value), None)


def main() -> None:
    """Write the manifest."""
    parser = argparse.ArgumentParser(prog="python -m study.manifest", description=__doc__)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--configuration", type=json.loads, required=True)
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args()
    with or_one_line(parser.prog, args.output):
        provenance.write_text(args.output, json.dumps(manifest(args.results, args.configuration), indent=1) + "\n")


if __name__ == "__main__":
    main()
