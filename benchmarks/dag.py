"""What Snakemake costs: a dry run, a run with nothing to do, and the time of a run beyond the sum of its jobs."""

import os
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
QUICK, STUDY = "quick scale, all of it", "paper scale, initial guesses of all placements"
DRY, NOTHING = "dry run at the paper scale", "smoke scale, nothing to do"


def snakemake(folder: Path, scale: str, *options: str) -> float:
    """Seconds of one call in a copy of the repository."""
    configuration = ("config/quick.yaml", f"config/{scale}.yaml")
    command = [sys.executable, "-m", "snakemake", "--cores", str(CORES), *options, "--configfile", *configuration]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "DATA_ROOT": str(default_data_roots()[0].absolute())}
    environment["SNAKEMAKE_OUTPUT_CACHE"] = str(folder.parent / "cache")  # what is measured is not taken from another
    start = time.perf_counter()
    found = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)
    if found.returncode:
        raise RuntimeError(f"{' '.join(command)}:\n{(found.stdout + found.stderr)[-2000:]}")
    return time.perf_counter() - start


def measure() -> pd.DataFrame:
    """Seconds of each, the run with everything to do at the smoke scale."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "copy"
        shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(".*", "results", "data"))
        dry = snakemake(folder, "paper", "--dry-run", "--quiet")
        run = snakemake(folder, "smoke", "--quiet")
        nothing = snakemake(folder, "smoke")
        jobs = read_manifest(folder / "results" / "smoke").jobs
    of_jobs = sum(job["seconds"] for job in jobs)
    rows = {
        DRY: dry,
        f"smoke scale, everything to do ({len(jobs)} jobs on {CORES} cores)": run,
        NOTHING: nothing,
        f"sum of the {len(jobs)} jobs, over {CORES} cores": of_jobs / CORES,
        "overhead over the sum of its jobs": run - of_jobs / CORES,
    }
    return pd.DataFrame({"what": list(rows), "seconds": list(rows.values())})


def shipped() -> pd.DataFrame:
    """Of the runs in reference/, too long to be run here: their jobs' seconds over the cores they had."""
    rows = []
    for what, scale, part in ((QUICK, "quick", ""), (STUDY, "paper", "--output results/paper/init/placements/")):
        manifest = read_manifest(ROOT / "reference" / scale)
        jobs = [job["seconds"] for job in manifest.jobs if part in job["command"]]
        rows.append({"what": what, "jobs": len(jobs), "seconds": sum(jobs) / manifest.machine["cores"]})
    return pd.DataFrame(rows)
