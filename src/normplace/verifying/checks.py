"""A number held against the range that a claim gives it, and what chance does to the verdict.

How far outside chance may carry a number is set before looking: with k checks in a test, each may be beyond its range
by the t quantile at which all k of them are wrongly refused in at most 1 of 100 cases (Bonferroni). So no rule depends
on what was measured.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from normplace import statistics
from normplace.tables.tidy import count_column

Filter = Mapping[str, Any]  # column -> the values that rows may have there
FALSE_ALARM = 0.01  # the chance that a test refuses results that obey its claim
HOLDS, FAILS, UNDECIDED = "holds", "fails", "undecided"


@dataclass(frozen=True)
class Check:
    """One number held against a range.

    value, with its 95 % interval low..high (equal to it where the range already allows for chance), from n networks
    or runs; it should be in least..most. decided: the claim needs the number to be inside beyond chance; else it needs
    it to be not outside beyond chance, and measured well enough: chance may not carry it further than `resolution`,
    or the check is undecided however well it agrees. words: what is expected and seen where that is a name. freedom: of
    Student's t, by which the interval was made of a standard error; None for other intervals, over n units.
    """

    quantity: str
    where: str
    n: int
    value: float
    low: float
    high: float
    least: float = -np.inf
    most: float = np.inf
    decided: bool = False
    resolution: float = np.inf
    stand_in: bool = False
    words: tuple[str, str] | None = None
    freedom: int | None = None

    @property
    def expected(self) -> str:
        """The range, or the name, that is expected."""
        if self.words:
            return self.words[0]
        low, high = (None if np.isinf(end) else f"{end:.3g}" for end in (self.least, self.most))
        if low is None:
            return f"below {high}"
        return f"above {low}" if high is None else low if low == high else f"{low} to {high}"

    @property
    def measured(self) -> str:
        """The number with its interval where it has one."""
        if self.words:
            return self.words[1]
        value, low, high = (f"{number:.3g}" for number in (self.value, self.low, self.high))
        return f"{self.quantity} {value}" + ("" if low == high == value else f" [{low}, {high}]")

    @property
    def inside(self) -> float:
        """Distance to the nearer end of the range, negative outside it."""
        return float(min(self.value - self.least, self.most - self.value))

    def margin(self) -> float:
        """`inside` in standard errors, that of the side towards the nearer end."""
        below = self.value - self.least < self.most - self.value
        error = self._error(self.low if below == (self.inside > 0) else self.high)
        if np.isnan(self.value) or np.isnan(error):
            return float("nan")
        if error == 0:
            return float(np.copysign(np.inf, self.inside))
        return 0.0 if np.isinf(error) else float(self.inside / error)

    def _error(self, end: float) -> float:
        """The standard error on the side of one end of the interval."""
        towards = 0.0 if end == self.value else abs(end - self.value)  # both may be infinite
        if self.freedom:
            return float(towards / t_quantile(statistics.CONFIDENCE, self.freedom))
        too_narrow = np.sqrt(self.n / max(self.n - 1, 1))  # as a bootstrap of n is; for others, slack
        return float(towards / statistics.Z95 * too_narrow)

    def verdict(self, among: int) -> str:
        """holds, fails or undecided, as one of `among` checks."""
        quantile = t_quantile(1 - FALSE_ALARM / among, self.freedom or max(self.n - 1, 1))
        margin = self.margin()
        if np.isnan(margin):
            return UNDECIDED
        if margin <= -quantile:
            return FAILS
        if self.decided:
            return HOLDS if margin >= quantile else UNDECIDED
        return HOLDS if quantile * max(map(self._error, (self.low, self.high))) <= self.resolution else UNDECIDED


def t_quantile(confidence: float, freedom: int) -> float:
    """Half an interval of this confidence in standard errors, of so many degrees of freedom."""
    return float(stats.t.ppf((1 + confidence) / 2, freedom))


def check_column(row: Mapping[str, Any], column: str, **range_: Any) -> Check:
    """The check of a column with its interval; `range_` are fields of Check, such as least and most."""
    value, low, high = (float(row[f"{column}{end}"]) for end in ("", "_low", "_high"))
    return replace(check_number(column.replace("_", " "), row, value), low=low, high=high, **range_)


def check_number(
    quantity: str, row: Mapping[str, Any], value: float, least: float = -np.inf, most: float = np.inf
) -> Check:
    """The check of a number without an interval, whose range allows for chance where there is any."""
    where = _model(row) if "model" in row else _configuration(row)
    n = int(row[count_column(row)])
    return Check(quantity, where, n, value, value, value, least, most, stand_in=bool(row["stand_in"]))


def _model(row: Mapping[str, Any]) -> str:
    """A decoder's style and cell, or a model's name, with the kind of statistics; and the inputs."""
    name = f"{row['style']} {row['cell']}" if "style" in row else row["model"]
    inputs = "" if row.get("inputs", "data") == "data" else f"{row['inputs']} of "
    return f"{name} {row['bn_statistics']}, {inputs}{row['label']}".replace(" ,", ",")


def _configuration(row: Mapping[str, Any]) -> str:
    """The configuration, data set and depth, with what is not as usual."""
    activation = "" if row["activation"] == "relu" else f" {row['activation']}"
    shift = f" shifted by {row['shift']:g}" if row.get("shift") else ""
    return f"{row['cell']}{activation}, {row['label']}{shift}, depth {row['depth']}"


def row_dicts(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows as dictionaries. pandas' own to_dict takes ten times as long for tables of many columns."""
    names, columns = [str(name) for name in rows.columns], [column.tolist() for _, column in rows.items()]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def first_row(rows: pd.DataFrame) -> dict[str, Any]:
    """The first row as a dictionary."""
    return row_dicts(rows.iloc[:1])[0]


def groups(rows: pd.DataFrame, each: list[str]) -> Iterator[pd.DataFrame]:
    """The rows of each combination of these columns' values, in the table's own order."""
    yield from (group for _, group in rows.groupby(each, sort=False))


def chosen(rows: pd.DataFrame, values: Filter) -> pd.DataFrame:
    """The rows with one of the given values in every column."""
    return rows[rows[list(values)].isin(dict(values)).all(axis=1)]


def place(group: pd.DataFrame, each: list[str]) -> str:
    """Where the rows of a group are from, in words, by the columns that they share."""
    first = first_row(group)
    values = {name: first["label"] if name == "dataset" else first[name] for name in each}
    return ", ".join(value if isinstance(value, str) else f"{name} {value}" for name, value in values.items())


def of_stand_in(rows: pd.DataFrame) -> bool:
    """Whether any of the rows is of stand-in data."""
    return bool(rows["stand_in"].any())
