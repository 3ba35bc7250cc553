"""Judges of measured models, whose tables have a row per model, kind of inputs and kind of statistics."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from normplace.verifying.checks import Check, check_column, check_number, first_row, groups, of_stand_in, row_dicts


def same_size(rows: pd.DataFrame, column: str, other: str, factor: float) -> Iterator[Check]:
    """Two columns of models agree but for a factor; a model that makes no guess has none of them."""
    for row in row_dicts(rows[rows[column].notna()]):
        words = f"{column} over {other}".replace("_", " ")
        yield check_number(words, row, float(row[column] / row[other]), 1 / factor, factor)


def of_each(rows: pd.DataFrame, column: str, least: float = -np.inf, most: float = np.inf) -> Iterator[Check]:
    """A column with an interval lies in a range, but for chance."""
    for row in row_dicts(rows):
        yield check_column(row, column, least=least, most=most)


def alike(rows: pd.DataFrame, column: str, factor: float, each: list[str]) -> Iterator[Check]:
    """The largest of a column over the smallest, for each value of some columns, is at most this factor."""
    for group in groups(rows, each):
        first, value = first_row(group), float(group[column].max() / group[column].min())
        words, where = f"largest over smallest {column}".replace("_", " "), f"{first['style']}, {len(group)} cells"
        n = int(group["inits"].min())
        yield Check(words, where, n, value, value, value, 1.0, factor, stand_in=of_stand_in(group))
