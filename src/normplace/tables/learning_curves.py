"""From training runs to tidy tables: curves, gradients by layer, what each run did when, and that over all runs."""

import re
from pathlib import Path
from typing import Any

import pandas as pd

from normplace.errors import UserError
from normplace.tables import milestones
from normplace.tables.records import read_training

CURVES = (
    "loss", "accuracy", "accuracy_majority", "accuracy_minority", "gap", "max_guess_fraction", "weight_cosine",
    "gradient_norm",
)  # fmt: skip
QUARTILES = (("_low", 0.25), ("", 0.5), ("_high", 0.75))


def summarise(paths: list[Path]) -> dict[str, pd.DataFrame]:
    """Tables (curves, gradients, runs, milestones) of training runs; files that differ in runs alone are of one cell.

    Raises:
        UserError: a file is damaged or foreign, or has runs that another has.
    """
    parts: dict[str, list[tuple[Path, dict[str, Any], pd.DataFrame]]] = {}
    for path in paths:
        cell, rows = read_training(path)
        parts.setdefault(str({**cell, "runs": 0}), []).append((path, cell, rows))
    tables: dict[str, list[pd.DataFrame]] = {}
    for of_cell in parts.values():
        cell, rows = _joined(of_cell)
        runs = milestones.of_runs(cell, rows)
        found = {
            "curves": _curves(rows),
            "gradients": _gradients(rows),
            "runs": runs,
            "milestones": milestones.over_runs(runs),
        }
        for name, table in found.items():
            tables.setdefault(name, []).append(table.assign(**cell))
    return {name: pd.concat(of_cells, ignore_index=True) for name, of_cells in tables.items()}


def _joined(parts: list[tuple[Path, dict[str, Any], pd.DataFrame]]) -> tuple[dict[str, Any], pd.DataFrame]:
    """The cell and the rows of all its runs."""
    seen: set[int] = set()
    for path, _, rows in parts:
        runs = set(rows["run"])
        if again := seen & runs:
            raise UserError(f"{path}: run {min(again)} is in another file of the same networks too")
        seen |= runs
    rows = pd.concat([rows for *_, rows in parts], ignore_index=True)
    return {**parts[0][1], "runs": len(seen)}, rows


def _curves(rows: pd.DataFrame) -> pd.DataFrame:
    """Median and quartiles over the runs that had not diverged by then, for every evaluation; n counts them."""
    finite = rows[rows["diverged"] == 0].sort_values("step", kind="stable")
    return _quartiles(finite, ["split", "bn_statistics", "step"], CURVES)


def _gradients(rows: pd.DataFrame) -> pd.DataFrame:
    """Median and quartiles of the norms by layer, for every evaluation at which they were measured.

    ratio: of the gradient of the other classes' loss to that of the favoured class's, its median over runs.
    """
    columns = [name for name in map(str, rows) if re.fullmatch(r"gradient_norm_(majority|minority)_\d+", name)]
    measured = rows.dropna(subset=columns)
    if not columns or measured.empty:
        return pd.DataFrame()
    long = measured.melt(["bn_statistics", "run", "step"], columns)
    long[["side", "layer"]] = long["variable"].str.extract(r"gradient_norm_(\w+)_(\d+)")
    wide = long.pivot_table("value", ["bn_statistics", "run", "step", "layer"], "side").reset_index()
    wide["layer"] = wide["layer"].astype(int)
    wide = wide.sort_values(["step", "layer"], kind="stable").assign(ratio=wide["minority"] / wide["majority"])
    return _quartiles(wide, ["bn_statistics", "step", "layer"], ("majority", "minority", "ratio"))


def _quartiles(rows: pd.DataFrame, keys: list[str], columns: tuple[str, ...]) -> pd.DataFrame:
    groups = rows.groupby(keys, sort=False)
    table = groups[columns[0]].count().rename("n").to_frame()
    for name in columns:
        for suffix, share in QUARTILES:
            table[name + suffix] = groups[name].quantile(share)
    return table.reset_index()
