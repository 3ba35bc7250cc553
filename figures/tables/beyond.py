"""The printed table of what the paper leaves open."""

from pathlib import Path

import pandas as pd

from figures import words
from figures.reading import deepest, read, those_run

# experiment -> tidy table, its measured column, which of theory's columns, what that is, and what else varies
PARTS = {
    "centring": ("gamma", "gamma", "kernel", "gamma", ""),
    "activations": ("gamma", "gamma", "isotropic", "gamma", "activation"),
    "shift": ("gamma", "gamma", "finite", "gamma", "shift"),
    "classes": ("classes", "entropy", "finite", "entropy of a network's guesses / log C", ""),
}
THEORIES = {"kernel": "infinite width", "isotropic": "infinite width, isotropic data", "finite": "this width"}


def beyond(tidy: Path) -> pd.DataFrame:
    """Activations, halves of norms, shifts, classes, statistics: each configuration at the last depth beside theory."""
    return pd.concat([_rows(tidy, experiment, *PARTS[experiment]) for experiment in those_run(tidy, *PARTS)])


def _rows(
    tidy: Path, experiment: str, table: str, measured: str, theory: str, quantity: str, setting: str
) -> pd.DataFrame:
    rows = deepest(read(tidy, experiment, table))
    # The table of classes has a row per rank; measured is the same in each.
    keys = ["label", "norm", "placement", *([setting] if setting else [])]
    rows = rows.drop_duplicates(keys)
    settings = [f" ({setting} {value})" for value in rows[setting]] if setting else [""] * len(rows)
    columns = {
        "experiment": experiment,
        "data": rows["label"],
        "configuration": [name + value for name, value in zip(words.names(rows), settings, strict=True)],
        "quantity at the last depth": quantity,
        "measured [95 %]": words.with_interval(rows, measured),
        "theory": rows[f"{measured}_{theory}"].map(words.number),
        "theory for": THEORIES[theory],
        "depth": rows["depth"],
        "networks": rows["inits"],
    }
    return pd.DataFrame(columns)
