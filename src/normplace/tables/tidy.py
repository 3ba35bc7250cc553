"""What all tidy tables share: how they are read, and the names of their columns."""

from collections.abc import Container
from pathlib import Path
from typing import IO, Any

import pandas as pd

from normplace.errors import UserError


def read_tidy(path: Path) -> pd.DataFrame:
    """One tidy table.

    A table of an experiment that has nothing to put into it is an empty file, and has no columns.

    Raises:
        UserError: the file cannot be read, or is no table.
    """
    try:
        return parse(path)
    except pd.errors.EmptyDataError:
        return pd.DataFrame()
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read ({' '.join(str(error).split())})") from None


def parse(source: Path | IO[str]) -> pd.DataFrame:
    """A CSV. "none" is a norm's name here, not a missing value.

    bn_statistics is empty without BatchNorm, activation of a network for images.
    """
    rows = pd.read_csv(source, keep_default_na=False, na_values=[""])
    for name in ("bn_statistics", "activation"):
        if name in rows:
            rows[name] = rows[name].astype(object).fillna("")
    return rows


def with_interval(name: str, value: Any, low: Any, high: Any) -> dict[str, Any]:
    """The three columns of a number and its interval."""
    return {name: value, f"{name}_low": low, f"{name}_high": high}


def count_column(columns: Container[str]) -> str:
    """The column that says how many networks, or runs that did not diverge, a row is of."""
    return "inits" if "inits" in columns else "n"
