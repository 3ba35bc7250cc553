"""What Snakemake costs: a dry run, a run with nothing to do, and the time of a run beyond the sum of its jobs."""

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

from normplace.data.on_disk import default_data_roots
from normplace.verifying.manifest import read_manifest

ROOT = Path(__file__).resolve().parent.parent
CORES = 2
DRY, NOTHING = "dry run at the paper scale", "smoke scale, nothing to do"
SMOKE, QUICK = "smoke scale, all of it", "quick scale, all of it"
STUDY = "paper scale, initial guesses of all placements"


def snakemake(folder: Path, scale: str, *options: str) -> tuple[float, float]:
    """Seconds of one call in a copy of the repository, by the clock and of processors."""
    overlay = [] if scale == "quick" else [f"config/{scale}.yaml"]
    configuration = ("config/quick.yaml", *overlay)
    command = [sys.executable, "-m", "snakemake", "--cores", str(CORES), *options, "--configfile", *configuration]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "DATA_ROOT": str(default_data_roots()[0].absolute())}
    environment["SNAKEMAKE_OUTPUT_CACHE"] = str(folder.parent / "cache")  # what is measured is not taken from another
    start, before = time.perf_counter(), _of_processors()
    found = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)
    if found.returncode:
        raise RuntimeError(f"{' '.join(command)}:\n{(found.stdout + found.stderr)[-2000:]}")
    return time.perf_counter() - start, _of_processors() - before


def _of_processors() -> float:
    """Seconds that processors have worked for all ended children of this process."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure() -> pd.DataFrame:
    """Seconds of Snakemake with nothing to do, and of whole runs."""
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "copy"
        shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(".*", "results", "data"))
        for what, scale, options in ((DRY, "paper", ["--dry-run", "--quiet"]), (SMOKE, "smoke", ["--quiet"]),
                                     (NOTHING, "smoke", []), (QUICK, "quick", ["--quiet"])):  # fmt: skip
            seconds, of_processors = snakemake(folder, scale, *options)
            row = {"what": what, "seconds": seconds, "of processors": of_processors}
            if what in (SMOKE, QUICK):
                jobs = read_manifest(folder / "results" / scale).jobs
                row |= {"jobs": len(jobs), "seconds of jobs": sum(job["seconds"] for job in jobs)}
            rows.append(row)
    return pd.DataFrame(rows)


def of_jobs(costs: pd.DataFrame) -> pd.DataFrame:
    """The same table with the seconds of the jobs of a run."""
    return pd.DataFrame({"what": costs["what"] + ": its jobs", "seconds": costs["seconds of jobs"]})


def shipped() -> pd.DataFrame:
    """Of the run in reference/paper, too long to be run here: its jobs' seconds over the cores it had."""
    manifest = read_manifest(ROOT / "reference" / "paper")
    placements = [job for job in manifest.jobs if job["rule"] == "sample" and "/init/placements/" in job["command"]]
    seconds = sum(job["seconds"] for job in placements) / manifest.machine["cores"]
    return pd.DataFrame([{"what": STUDY, "jobs": len(placements), "seconds": seconds}])
