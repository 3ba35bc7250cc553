"""Judges of measured models, whose tables have a row per model, kind of inputs and kind of statistics."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from normplace.verifying.checks import Check, first_row, row_dicts


def _where(row: Mapping[str, Any]) -> str:
    """A decoder's style and cell, or a model's name, with the kind of statistics; and the inputs."""
    name = f"{row['style']} {row['cell']}" if "style" in row else row["model"]
    inputs = "" if row.get("inputs", "data") == "data" else f"{row['inputs']} of "
    return f"{name} {row['bn_statistics']}, {inputs}{row['label']}".replace(" ,", ",")


def same_size(rows: pd.DataFrame, column: str, other: str, factor: float) -> Iterator[Check]:
    """Two columns of models agree but for a factor; a model that makes no guess has none of them."""
    for row in row_dicts(rows[rows[column].notna()]):
        words = f"{column} over {other}".replace("_", " ")
        value = float(row[column] / row[other])
        yield Check(
            words, _where(row), int(row["inits"]), value, value, value, 1 / factor, factor, stand_in=row["stand_in"]
        )


def of_each(rows: pd.DataFrame, column: str, least: float = -np.inf, most: float = np.inf) -> Iterator[Check]:
    """A column with an interval lies in a range, but for chance."""
    for row in row_dicts(rows):
        value, low, high = (float(row[f"{column}{end}"]) for end in ("", "_low", "_high"))
        words, n = column.replace("_", " "), int(row["inits"])
        yield Check(words, _where(row), n, value, low, high, least, most, stand_in=row["stand_in"])


def alike(rows: pd.DataFrame, column: str, factor: float, each: list[str]) -> Iterator[Check]:
    """The largest of a column over the smallest, for each value of some columns, is at most this factor."""
    for _, group in rows.groupby(each, sort=False):
        first, value = first_row(group), float(group[column].max() / group[column].min())
        words, where = f"largest over smallest {column}".replace("_", " "), f"{first['style']}, {len(group)} cells"
        n, stand_in = int(group["inits"].min()), bool(group["stand_in"].any())
        yield Check(words, where, n, value, value, value, 1.0, factor, stand_in=stand_in)
