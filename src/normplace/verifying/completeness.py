"""Whether tables have just the rows that the configuration of their run asks for.

A run writes tidy/expected.json before any claim is judged, from its configuration alone: for each experiment its
tables, and what rows there must be in those of networks and of runs. Without it, a claim would hold the sooner the more
rows were deleted.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
from pydantic import BaseModel, Field, RootModel, ValidationError

from normplace.errors import UserError, first_problem
from normplace.tables.tidy import read_tidy

EXPECTED = "expected.json"
Value = str | int | float | bool


class Rows(BaseModel, strict=True, frozen=True, extra="forbid"):
    """Rows with these values in the columns `where`: one for each value of the column `each`, `columns` as given."""

    where: dict[str, Value]
    each: Annotated[dict[str, list[int]], Field(min_length=1, max_length=1)]
    columns: dict[str, Value]

    def problem(self, table: pd.DataFrame) -> str:
        """What is wrong with the rows, nothing if they are as they should be."""
        rows = table[np.logical_and.reduce([table[name] == value for name, value in self.where.items()])]
        ((column, values),) = self.each.items()
        name = ", ".join(f"{key} {value}" for key, value in self.where.items() if value != "")
        if sorted(rows[column].tolist()) != sorted(values):
            return f"{len(rows)} rows of {name}, where the configuration asks for {len(values)} by {column}"
        for key, value in self.columns.items():
            if not (rows[key] == value).all():
                return f"{key} {rows[key].iloc[0]} of {name}, where the configuration says {value}"
        return ""


class _Expected(RootModel[dict[str, dict[str, list[Rows]]]]):
    pass


def incomplete(tidy: Path) -> dict[str, str]:
    """Experiment -> what is missing, too much or of another number in its tables.

    Raises:
        UserError: the file of what is expected is damaged, or a table.
    """
    asked = tidy / EXPECTED
    if not asked.exists():
        return {}
    try:
        expected = _Expected.model_validate_json(asked.read_bytes()).root
    except ValidationError as error:
        raise UserError(f"{asked}: damaged ({first_problem(error)})") from None
    found = {}
    for experiment, tables in expected.items():
        for name, parts in tables.items():
            path = tidy / experiment / f"{name}.csv"
            if not path.exists():
                found[experiment] = f"{experiment}/{name}: there is no such table"
                continue
            if not parts:  # it only has to be there
                continue
            try:
                table = read_tidy(path)
                problems = [problem for part in parts if (problem := part.problem(table))]
            except (KeyError, TypeError, ValueError) as error:
                raise UserError(f"{path}: damaged, or not such a table ({error})") from None
            count = sum(len(values) for part in parts for values in part.each.values())
            if not problems and count != len(table):
                problems = [f"{len(table)} rows, where the configuration asks for {count}"]
            if problems:
                found[experiment] = f"{experiment}/{name}: {problems[0]}"
    return found
