"""What the tidy tables of a run must hold, from its configuration alone: `python -m study.expected CONFIG FILE`."""

import json
import sys
from pathlib import Path
from typing import Any

from normplace.files import write_text
from study.jobs import Sample, Tables, Training
from study.one_line import or_one_line
from study.plan import Plan

SUMMARISED = {"batch": 2}  # kinds of statistics that a norm's trainings are evaluated with; others have one


def expected(plan: Plan) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Experiment -> table -> its rows, as `verifying.completeness` reads them."""
    return {name: {Path(file).stem: [] for file in tables.files} | _of(tables) for name, tables in plan.tables.items()}


def _of(tables: Tables) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    if tables.samples:
        found["gamma"] = [_networks(job) for job in tables.samples]
    if tables.trainings:
        found["runs"] = _runs(tables.trainings)
    return found


def _networks(job: Sample) -> dict[str, Any]:
    where = {
        **_cell(job),
        "bn_statistics": job.bn_statistics or "batch",
        "activation": "" if job.network else job.activation or "relu",
        "shift": job.shift or 0.0,
        "weight_variance": 2.0 if job.weight_variance is None else job.weight_variance,
        "bias_variance": job.bias_variance or 0.0,
    }
    columns = {"inits": job.inits, "points": job.points or job.data.points}
    return {"where": where, "each": {"depth": list(range(1, (job.depth or 1) + 1))}, "columns": columns}


def _runs(jobs: Any) -> list[dict[str, Any]]:
    """Of the parts of a cell together; a cell may be trained on several pairs of classes."""
    cells: dict[str, dict[str, Any]] = {}
    for job in jobs:
        where = {
            **_cell(job),
            "depth": job.depth or 0,
            "learning_rate": job.lr,
            "select": job.select or "any",
            "output_bias": job.output_bias or "drawn",
        }
        key = json.dumps(where)
        columns = {
            "optimizer": job.optimizer,
            "batch_size": job.batch_size,
            "epochs": job.epochs,
            "points": job.points or job.data.points,
            "test_points": job.test_points or job.data.test_points,
            "schedule": job.schedule or "constant",
            "weight_decay": job.weight_decay or 0.0,
            "clip": job.clip or 0.0,
            "augment": job.augment,
        }
        cell = cells.setdefault(key, {"where": where, "each": {"run": []}, "columns": columns})
        runs = list(range(job.first_run, job.first_run + job.runs))
        cell["each"]["run"] += runs * SUMMARISED.get(job.cell.norm, 1)
        cell["columns"]["runs"] = len(set(cell["each"]["run"]))
    return list(cells.values())


def _cell(job: Sample | Training) -> dict[str, Any]:
    return {
        "dataset": job.data.dataset,
        "network": job.network or "mlp",
        "norm": job.cell.norm,
        "placement": job.cell.placement,
        "width": job.base_width or job.width or 100,
    }


def main(configuration: str, output: str) -> None:
    """Write the file: of those experiments that have tables beside it, since a part of a study can be run alone."""
    path = Path(output)
    found = {
        name: rows for name, rows in expected(Plan(json.loads(configuration))).items() if (path.parent / name).is_dir()
    }
    with or_one_line("python -m study.expected", path):
        write_text(path, json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
