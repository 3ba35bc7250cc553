"""Reading tidy tables and choosing rows of them."""

from pathlib import Path
from typing import Any

import pandas as pd

from normplace.errors import UserError
from normplace.tables.tidy import read_tidy


class NotRun(UserError):
    """There are no tidy tables of an experiment."""


def those_run(tidy: Path, *experiments: str) -> list[str]:
    """Those experiments of which there are tidy tables; raises NotRun if there are of none."""
    run = [experiment for experiment in experiments if (tidy / experiment).is_dir()]
    if not run:
        raise NotRun(f"no tables of {' or '.join(experiments)}")
    return run


def read(tidy: Path, experiment: str, table: str) -> pd.DataFrame:
    """One tidy table of an experiment.

    Raises:
        NotRun: the experiment has none.
        UserError: it cannot be read, or has no rows.
    """
    those_run(tidy, experiment)
    path = tidy / experiment / f"{table}.csv"
    rows = read_tidy(path)
    if rows.empty:
        raise UserError(f"{path}: has no rows")
    return rows


def where(table: pd.DataFrame, **values: Any) -> pd.DataFrame:
    """The rows in which each named column has the given value."""
    keep: pd.Series[bool] = table[list(values)].eq(pd.Series(values)).all(axis=1)
    return table[keep]


def curves(tidy: Path, experiment: str, split: str = "") -> pd.DataFrame:
    """Curves of training on one split or both, BatchNorm by the batch's statistics, as training sees it."""
    table = without_running(read(tidy, experiment, "curves"))
    return where(table, split=split) if split else table


def without_running(table: pd.DataFrame) -> pd.DataFrame:
    """The rows in which BatchNorm uses batch statistics, as training does, or is not there."""
    return table[table["bn_statistics"] != "running"]


def beside(table: pd.DataFrame) -> pd.DataFrame:
    """Twice the rows without a norm: beside those before the activation and beside those after, as `side` says."""
    return pd.concat(table[table["placement"].isin(["none", side])].assign(side=side) for side in ("before", "after"))


def deepest(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of the last depth."""
    return where(table, depth=table["depth"].max())


def groups(table: pd.DataFrame, *columns: str) -> list[tuple[Any, pd.DataFrame]]:
    """Each combination of the columns' values with its rows, in the table's own order."""
    return list(table.groupby(list(columns), sort=False))


def first(table: pd.DataFrame, *columns: str) -> tuple[Any, ...]:
    """The values that all rows share, of some columns."""
    return tuple(table[list(columns)].iloc[0])
