"""The printed table of what the paper leaves open."""

from pathlib import Path

import pandas as pd

from figures import words
from figures.reading import deepest, read, those_run

# experiment -> tidy table, its measured column, the theory of it at infinite width, what that is, and what else varies
PARTS = {
    "centring": ("gamma", "gamma", "gamma_kernel", "gamma", ""),
    "activations": ("gamma", "gamma", "gamma_isotropic", "gamma", "activation"),
    "shift": ("gamma", "gamma", "gamma_kernel", "gamma", "shift"),
    "classes": ("classes", "entropy", "entropy_kernel", "entropy of a network's guesses / log C", ""),
}


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
    theory = (
        f"{measured}_finite" if f"{measured}_finite" in rows and rows[f"{measured}_finite"].notna().all() else theory
    )
    settings = [f" ({setting} {value})" for value in rows[setting]] if setting else [""] * len(rows)
    columns = {
        "experiment": experiment,
        "data": rows["label"],
        "configuration": [name + value for name, value in zip(words.names(rows), settings, strict=True)],
        "quantity at the last depth": quantity,
        "measured [95 %]": words.with_interval(rows, measured),
        "theory": rows[theory].map(words.number),
        "depth": rows["depth"],
        "networks": rows["inits"],
    }
    return pd.DataFrame(columns)
