"""Reading the tidy tables of a run."""

from pathlib import Path

import pandas as pd

from normplace.errors import UserError


def read_tidy(path: Path) -> pd.DataFrame:
    """One tidy table. "none" is a norm's name here, not a missing value; bn_statistics is empty without BatchNorm.

    A table of an experiment that has nothing to put into it is an empty file, and has no columns.

    Raises:
        UserError: the file cannot be read, or is no table.
    """
    try:
        rows = pd.read_csv(path, keep_default_na=False, na_values=[""])
    except pd.errors.EmptyDataError:
        return pd.DataFrame()
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read ({' '.join(str(error).split())})") from None
    if "bn_statistics" in rows:
        rows["bn_statistics"] = rows["bn_statistics"].astype(object).fillna("")
    return rows
