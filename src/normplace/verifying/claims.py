"""Claims: read from claims.yaml, judged on the tidy tables of a run."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Annotated, Any, Literal

import pandas as pd
import yaml
from pydantic import AfterValidator, BaseModel, Field, JsonValue, NonNegativeInt, ValidationError

from normplace.errors import UserError, first_problem
from normplace.tables.tidy import read_tidy
from normplace.verifying.checks import FAILS, HOLDS, UNDECIDED, Check
from normplace.verifying.completeness import incomplete
from normplace.verifying.judges import STATISTICS
from normplace.verifying.runs import OF_CELL

NOT_TESTABLE, STAND_IN = "not testable at this scale", "stand-in data"
LARGEST = ("depth", "width")  # what a table has many values of: a claim may name the first and the last


def _known(statistic: str) -> str:
    if statistic not in STATISTICS:
        raise ValueError(f"allowed are {', '.join(STATISTICS)}")
    return statistic


Text = Annotated[str, Field(min_length=1)]
Table = Annotated[str, Field(pattern="^[a-z_]+/[a-z_]+$")]


class ClaimTest(BaseModel, strict=True, frozen=True, extra="forbid"):
    """Rows of one tidy table, chosen by the values of columns, and the statistic that judges them.

    beside: another table, of which the statistic gets all rows.
    """

    statistic: Annotated[str, AfterValidator(_known)]
    reads: Table
    beside: Table | None = None
    where: dict[str, Annotated[list[JsonValue], Field(min_length=1)]] = {}
    options: dict[str, JsonValue] = {}


class Claim(BaseModel, strict=True, frozen=True, extra="forbid"):
    """One claim of claims.yaml, whose comment says what each key means."""

    id: Annotated[str, Field(pattern="^[a-z0-9-]+$")]
    by: Literal["paper", "reading", "ours", "identity"]
    sentence: Text
    source: Text
    tests: Annotated[list[ClaimTest], Field(min_length=1)]
    needs: dict[Literal["inits", "runs", "depth", "width"], NonNegativeInt]
    rule: Text
    reason: Text


class _ClaimsFile(BaseModel, strict=True, frozen=True, extra="forbid"):
    claims: Annotated[list[Claim], Field(min_length=1)]


@dataclass(frozen=True, repr=False)
class Judgement:
    """A judged claim: its verdict, why where that is not plain, and its checks, each with its own verdict."""

    claim: Claim
    verdict: str
    why: str
    checks: list[tuple[Check, str]]

    def __repr__(self) -> str:
        return f"<{self.claim.id}: {self.verdict_with_reason}>"

    @property
    def verdict_with_reason(self) -> str:
        """Such as "holds", or "not testable at this scale (runs 2, at least 5 needed)"."""
        return f"{self.verdict} ({self.why})" if self.why else self.verdict

    @property
    def worst(self) -> Check | None:
        """The check that decides: failing before undecided before holding, then the nearest to failing."""
        order = [FAILS, UNDECIDED, HOLDS]
        return min(
            self.checks, key=lambda pair: (order.index(pair[1]), pair[0].margin(), pair[0].inside), default=(None, "")
        )[0]


class _NotTestable(Exception):
    """The tables at hand cannot test a claim; the message says why."""


def read_claims(path: Path) -> list[Claim]:
    """The claims of a file.

    Raises:
        UserError: it is missing, not YAML, or has a wrong key or value, an id twice, or an option no statistic has.
    """
    try:
        claims = _ClaimsFile.model_validate(yaml.safe_load(path.read_text(encoding="utf-8"))).claims
    except OSError as error:
        raise UserError(f"--claims {path}: cannot be read ({error.strerror})") from None
    except ValidationError as error:
        raise UserError(f"--claims {path}: {first_problem(error)}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UserError(f"--claims {path}: not YAML ({' '.join(str(error).split())})") from None
    names = [claim.id for claim in claims]
    for claim in claims:
        if names.count(claim.id) > 1:
            raise UserError(f"--claims {path}: the id {claim.id} appears twice")
        for test in claim.tests:
            try:
                beside = {"beside": None} if test.beside else {}
                inspect.signature(STATISTICS[test.statistic]).bind(None, **beside, **test.options)
            except TypeError as error:
                raise UserError(f"--claims {path}: {claim.id}: {test.statistic}: {error}") from None
    return claims


def judge(claims: Iterable[Claim], tidy: Path) -> list[Judgement]:
    """Judge each claim on the tables below `tidy`.

    Raises:
        UserError: a table is damaged or lacks a column.
    """
    read = cache(partial(read_table, tidy))  # most claims are about the same few tables
    problems = incomplete(tidy)
    return [_judge(claim, tidy, read, problems) for claim in claims]


def _judge(claim: Claim, tidy: Path, read: Callable[[str], pd.DataFrame], problems: Mapping[str, str]) -> Judgement:
    """Checks on stand-in data decide nothing: they are shown where there are no others, and else left out.

    problems: experiments whose tables are not what the configuration asks for; their claims fail.
    """
    checks: list[tuple[Check, str]] = []
    too_few = ""  # of what there are too few for a verdict: what was measured is shown nonetheless
    experiments = [name.split("/")[0] for test in claim.tests for name in (test.reads, test.beside) if name]
    for experiment in experiments:
        if experiment in problems:
            return Judgement(claim, FAILS, problems[experiment], [])
    try:
        for test in claim.tests:
            if claim.by == "identity" and not _both_there(tidy, test):
                continue  # of a study that was run in part
            table = read(test.reads)
            rows = _chosen(table, test.where)
            too_few = too_few or _lacks(table, rows, claim.needs, at_any_rate=bool(test.options.get("best")))
            beside = {"beside": read(test.beside)} if test.beside else {}
            found = list(STATISTICS[test.statistic](rows, **beside, **test.options))
            if not found:
                raise _NotTestable(f"the table tidy/{test.reads}.csv has nothing to compare")
            checks += [(check, check.verdict(len(found))) for check in found]
    except _NotTestable as reason:
        return Judgement(claim, NOT_TESTABLE, too_few or str(reason), [])
    except KeyError as error:
        return Judgement(claim, FAILS, f"the table tidy/{test.reads}.csv has no {error}", [])
    except (TypeError, ValueError, IndexError) as error:
        if too_few:  # for the statistic, too
            return Judgement(claim, NOT_TESTABLE, too_few, [])
        raise UserError(f"{tidy / test.reads}.csv: damaged, or not for the claim {claim.id} ({error})") from None
    if not checks:
        return Judgement(claim, NOT_TESTABLE, "none of its tables is there", [])
    genuine = [pair for pair in checks if not pair[0].stand_in]
    if too_few:
        return Judgement(claim, NOT_TESTABLE, too_few, genuine)
    if not genuine:
        return Judgement(claim, STAND_IN, "all of its data are stand-ins", checks)
    verdicts = [verdict for _, verdict in genuine]
    why = "stand-ins left out" if len(genuine) < len(checks) else ""
    if FAILS in verdicts:
        return Judgement(claim, FAILS, why, genuine)
    if UNDECIDED in verdicts:
        why = f"too wide an interval in {verdicts.count(UNDECIDED)} of {len(verdicts)} checks"
        return Judgement(claim, NOT_TESTABLE, why, genuine)
    return Judgement(claim, HOLDS, why, genuine)


def _both_there(tidy: Path, test: ClaimTest) -> bool:
    return all((tidy / f"{name}.csv").exists() for name in (test.reads, test.beside) if name)


def read_table(tidy: Path, name: str) -> pd.DataFrame:
    """A tidy table with a column for its cell, such as batch-before or, in eval mode, batch-before-running."""
    path = tidy / f"{name}.csv"
    if not path.exists():
        raise _NotTestable(f"there is no table tidy/{name}.csv")
    rows = read_tidy(path)
    if rows.empty:
        raise _NotTestable(f"the table tidy/{name}.csv is empty")
    if "norm" not in rows:  # models of others
        return rows
    cell = rows["norm"].where(rows["norm"] == "none", rows["norm"] + "-" + rows["placement"])
    eval_mode = (rows["bn_statistics"] == "running") & ("inits" in rows)
    rows["cell"] = cell.where(~eval_mode, cell + "-running")
    return rows


def _chosen(table: pd.DataFrame, where: Mapping[str, list[Any]]) -> pd.DataFrame:
    """The rows with one of the given values in every column; the table must have all of the values."""
    rows = table
    for column, values in where.items():
        if column in LARGEST:
            ends = {"first": table[column].min(), "last": table[column].max()}
            values = [ends.get(value, value) for value in values]
        missing = sorted(set(values) - set(table[column]))
        if missing:
            raise _NotTestable(f"no rows with {column} {', '.join(map(str, missing))}")
        rows = rows[rows[column].isin(values)]
    if where and rows.empty:
        raise _NotTestable("no rows with all of " + ", ".join(where))
    return rows


def _lacks(table: pd.DataFrame, rows: pd.DataFrame, needs: Mapping[Any, int], *, at_any_rate: bool) -> str:
    """Depth and width of the whole table; networks, and runs that did not diverge, of each cell in question.

    Returns what there is too little of, such as "runs 2, at least 5 needed". at_any_rate: of a cell, the rate is enough
    at which most runs ended.
    """
    for name, least in needs.items():
        if name not in table:  # a claim may read tables of networks and of runs
            continue
        there = table[name].max() if name in LARGEST else rows[name].min()
        of_which = ""
        if name == "runs":
            ended = (1 - rows["diverged"]).groupby([rows[key] for key in OF_CELL], sort=False).sum()
            if at_any_rate:
                ended = ended.groupby(level=[key for key in OF_CELL if key != "learning_rate"]).max()
            if ended.min() < there:
                there, of_which = ended.min(), " that did not diverge"
        if there < least:
            return f"{name} {there:g}{of_which}, at least {least} needed"
    return ""
