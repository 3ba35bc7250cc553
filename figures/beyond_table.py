"""The printed table of what the paper leaves open: a row a measured configuration, beside theory."""

from pathlib import Path
from typing import NamedTuple

import pandas as pd

from figures import style


class Part(NamedTuple):
    """Where an experiment's rows come from: tidy table, its measured column and its theory, and what varies."""

    table: str
    measured: str
    theory: str
    quantity: str
    setting: str = ""


PARTS = {
    "centring": Part("gamma", "gamma", "gamma_kernel", "gamma"),
    "activations": Part("gamma", "gamma", "gamma_isotropic", "gamma", "activation"),
    "shift": Part("gamma", "gamma", "gamma_kernel", "gamma", "shift"),
    "classes": Part("classes", "entropy", "entropy_kernel", "entropy of a network's guesses / log C"),
    "finite_width": Part("first_order", "c", "", "c in log((1 + gamma) / (1 + gamma at infinite width)) = c / width"),
}


def beyond_table(tidy: Path) -> pd.DataFrame:
    """The last depth of each of these experiments that was run."""
    parts = [_rows(tidy, experiment, part) for experiment, part in PARTS.items() if (tidy / experiment).is_dir()]
    return pd.concat(parts) if parts else pd.DataFrame()


def _rows(tidy: Path, experiment: str, part: Part) -> pd.DataFrame:
    table = style.read(tidy, experiment, part.table)
    rows = table[table["depth"] == table["depth"].max()]
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
            "configuration": [name + setting for name, setting in zip(style.names(rows), settings, strict=True)],
            "quantity at the last depth": part.quantity,
            "measured [95 %]": style.with_interval(rows, part.measured),
            "theory": rows[part.theory].map(style.number) if part.theory else "-",
            "depth": rows["depth"],
            "networks": rows["inits"],
        }
    )
