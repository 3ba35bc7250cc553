"""Runs that took hours, kept in the repository: `python -m study.kept save SCALE`, and `... restore SCALE`.

Save packs the finished training parts of results/SCALE into reference/runs/SCALE, with the commands that made them.
Restore puts those that the configuration asks for back into results/SCALE, so that a run goes on where another machine
stopped, or adds runs to those that there are. Of parts by other code, one of each group is begun anew: its first steps
must give the same numbers.
"""

import argparse
import io
import lzma
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from normplace.files import read_json, sha256_of_text, write_json, write_text
from normplace.tables.milestones import LATER as FIRST_STEPS
from study import cache, code, configuration, manifest
from study.code import ROOT
from study.jobs import Training
from study.plan import Plan

INDEX = "commands.json"  # part -> rule, command, code and seconds of the job that made it
PACKED = ".csv.xz"
STRICT_STEPS = 2  # of a run that is begun anew


def save(scale: str) -> None:
    """Pack all finished parts, beside those that are there already."""
    # Snakemake knows its outputs by their paths from here.
    results, kept = Path(os.path.relpath(ROOT / "results" / scale)), ROOT / "reference" / "runs" / scale
    paths = [path.relative_to(results).as_posix() for path in sorted(results.glob("training/**/*.csv"))]
    index = _index(kept)
    for name in paths:
        part = name.removesuffix(".csv")
        made_by = manifest.jobs(results, manifest.records_of(results, [name]))
        text = (results / name).read_text(encoding="utf-8")
        how = read_json((results / name).with_suffix(".json"))
        if how["rows_sha256"] != sha256_of_text(text):
            sys.exit(f"{results / name}: is not as `normplace train` wrote it")
        if not made_by and part not in index:
            print(f"{name} is left out: Snakemake does not know its job, which may have been killed")
            continue
        target = kept / part.removeprefix("training/")
        if part in index and target.with_name(target.name + PACKED).exists() and _rows(target) == text:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.with_name(target.name + PACKED).write_bytes(lzma.compress(text.encode(), preset=9))
        write_text(target.with_name(f"{target.name}.json"), (results / name).with_suffix(".json").read_text("utf-8"))
        index[part] = made_by[0] if made_by else index[part]
    write_json(kept / INDEX, index)
    print(f"{kept.relative_to(ROOT)} has {len(index)} parts")


def restore(scale: str) -> None:
    """Unpack what the configuration asks for and results/SCALE lacks."""
    files = configuration.files_of(scale)
    plan, kept = Plan(configuration.read(files)), ROOT / "reference" / "runs" / scale
    if plan.study.cells_together:
        sys.exit(f"{scale}: its cells are trained together; only runs of a cell each can be restored")
    results, index = ROOT / plan.results, _index(kept)
    wanted = [job for job in plan.computed if isinstance(job, Training) and job.path in index]
    parts = [job for job in wanted if not (results / f"{job.path}.csv").exists() and _asked_for(job, index)]
    if not parts:
        sys.exit(f"nothing to restore to {plan.results}")
    _prove(parts, index, kept)
    # First, since Snakemake would train anew what is older than its data.
    data = sorted({f"{plan.results}/{job.data.path}.npz" for job in parts})
    command = ["snakemake", "--cores", "1", "--configfile", *map(str, files), "--", *data]
    subprocess.run([sys.executable, "-m", *command], check=True, cwd=ROOT)
    for job in parts:
        packed = kept / job.path.removeprefix("training/")
        output = results / job.path
        written = [output.with_name(f"{output.name}{suffix}") for suffix in (".csv", ".json")]
        write_text(written[0], _rows(packed))
        write_text(written[1], packed.with_name(f"{packed.name}.json").read_text(encoding="utf-8"))
        cache.write_sums(written, output.with_name(f"{output.name}.sha256"))
    write_json(results / manifest.RESTORED, _index(results / "training") | {job.path: index[job.path] for job in parts})
    print(f"{len(parts)} parts restored to {plan.results}")


def _asked_for(job: Training, index: dict[str, Any]) -> bool:
    """Whether the options of the command that made a part are those of the job now."""
    return f" {job.options} " in f"{index[job.path]['command']} "


def _prove(parts: Iterable[Training], index: dict[str, Any], kept: Path) -> None:
    """Stop where this code, if it is other, trains other numbers: the steps that are all evaluated say so."""
    proven: set[tuple[str, str]] = set()
    for job in parts:
        group = job.experiment, job.group
        if index[job.path]["code"] == code.of("train") or group in proven:
            continue
        proven.add(group)
        print(f"beginning {job.path} anew, to prove that this code trains the same", flush=True)
        rows = pd.read_csv(io.StringIO(_rows(kept / job.path.removeprefix("training/"))))
        with tempfile.TemporaryDirectory() as folder:
            again = _first_epoch(job, Path(folder))
        again = again[again["step"] <= FIRST_STEPS]
        of_first = rows[(rows["run"] == job.first_run) & rows["step"].isin(again["step"])]
        if not _alike(of_first, again):
            sys.exit(f"{job.path}: this code trains other numbers; these runs cannot be restored")


def _alike(before: pd.DataFrame, now: pd.DataFrame) -> bool:
    """Whether two tables of steps are the same but for the rounding of another processor.

    Deep networks with BatchNorm are chaotic: it turns guesses of points at the border of two classes, one of 500 being
    .002 of its class, and in two steps moves a class's loss by 2e-4. In seven it has moved losses by .4 %, accuracies
    by .007 and a layer's gradient by 21 %: from step 3 on, ten times as much may differ, of gradients half.
    """
    later = before["step"].to_numpy()[:, None] > STRICT_STEPS
    grown = np.where(later, 10, 1)
    before, now = (table.select_dtypes("number") for table in (before, now))
    names = [str(name) for name in now]
    if before.shape != now.shape or names != list(before):
        return False
    counted = np.array(["accuracy" in name or "fraction" in name for name in names])
    gradient = np.array([name.startswith("gradient") for name in names])
    small = np.array([1e-4 if name.startswith("loss") else 1e-5 for name in names])
    relative = np.where(counted, 0, np.where(gradient, np.where(later, 0.5, 0.1), 1e-3 * grown))
    absolute = grown * np.where(counted, 5e-3, small)
    return bool(np.isclose(now, before, rtol=relative, atol=absolute, equal_nan=True).all())


def _first_epoch(job: Training, folder: Path) -> pd.DataFrame:
    """The rows of a part's first run, trained for an epoch now; its data are prepared as for the workflow."""
    points = folder / "points.npz"
    prepare = f"data {job.data.options} --output {points}"
    options = replace(job, runs=1, epochs=1).options
    train = f"train --dataset file:{points} {options} --cells {job.cell.name} --output {folder}"
    for command in (prepare, train):
        subprocess.run([sys.executable, "-m", "normplace.cli", *command.split()], check=True)
    return pd.read_csv(folder / f"{job.cell.name}.csv")


def _index(folder: Path) -> dict[str, Any]:
    path = folder / INDEX
    return read_json(path) if path.exists() else {}


def _rows(packed: Path) -> str:
    try:
        text = lzma.decompress(packed.with_name(packed.name + PACKED).read_bytes()).decode()
    except (lzma.LZMAError, EOFError, UnicodeDecodeError):
        text = ""
    if read_json(packed.with_name(f"{packed.name}.json"))["rows_sha256"] != sha256_of_text(text):
        sys.exit(f"{packed}: was altered after it was kept")
    return text


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m study.kept", description=__doc__)
    parser.add_argument("what", choices=("save", "restore"))
    parser.add_argument("scale", help="such as paper")
    args = parser.parse_args()
    (save if args.what == "save" else restore)(args.scale)
