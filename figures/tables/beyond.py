"""The printed table of what the paper leaves open."""

from pathlib import Path
from typing import NamedTuple

import pandas as pd

from figures import words
from figures.reading import deepest, read, those_run


class _Part(NamedTuple):
    """Where an experiment's rows come from: tidy table, its measured column and its theory, and what varies."""

    table: str
    measured: str
    theory: str
    quantity: str
    setting: str = ""


PARTS = {
    "centring": _Part("gamma", "gamma", "gamma_kernel", "gamma"),
    "activations": _Part("gamma", "gamma", "gamma_isotropic", "gamma", "activation"),
    "shift": _Part("gamma", "gamma", "gamma_kernel", "gamma", "shift"),
    "classes": _Part("classes", "entropy", "entropy_kernel", "entropy of a network's guesses / log C"),
    "finite_width": _Part("first_order", "c", "", "c in log((1 + gamma) / (1 + gamma at infinite width)) = c / width"),
}


def beyond(tidy: Path) -> pd.DataFrame:
    """A row a measured configuration at the last depth, beside theory, of those experiments that were run."""
    return pd.concat([_rows(tidy, experiment, PARTS[experiment]) for experiment in those_run(tidy, *PARTS)])


def _rows(tidy: Path, experiment: str, part: _Part) -> pd.DataFrame:
    rows = deepest(read(tidy, experiment, part.table))
    # The table of classes has a row a rank, the fitted correction a row a width; measured is the same in each.
    keys = ["label", "norm", "placement", *([part.setting] if part.setting else [])]
    if experiment == "finite_width":  # fitted to the networks of several widths
        rows = rows[rows["fitted"]]
        rows = rows.assign(inits=rows.groupby(keys)["inits"].transform("sum"))
    rows = rows.drop_duplicates(keys)
    settings = [f" ({part.setting} {value})" for value in rows[part.setting]] if part.setting else [""] * len(rows)
    return pd.DataFrame(
        {
            "experiment": experiment,
            "data": rows["label"],
            "configuration": [name + setting for name, setting in zip(words.names(rows), settings, strict=True)],
            "quantity at the last depth": part.quantity,
            "measured [95 %]": words.with_interval(rows, part.measured),
            "theory": rows[part.theory].map(words.number) if part.theory else "-",
            "depth": rows["depth"],
            "networks": rows["inits"],
        }
    )
