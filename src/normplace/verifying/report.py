"""The table of claims: printed, and as Markdown, CSV and JSON."""

import json
import textwrap
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from normplace.files import write_text
from normplace.verifying.checks import Check
from normplace.verifying.claims import Result

WIDTH = 100  # of printed lines


def table(results: list[Result]) -> pd.DataFrame:
    """One row a claim; expected and measured are those of the check that is nearest to failing."""
    return pd.DataFrame(
        {
            "claim": result.claim["id"],
            "by": result.claim["by"],
            "sentence": result.claim["sentence"],
            "expected": expected(result.worst),
            "measured [95 %]": measured(result.worst),
            "where": result.worst.where if result.worst else "",
            "n": result.worst.n if result.worst else 0,
            "checks": len(result.checks),
            "verdict": verdict(result),
        }
        for result in results
    )


def verdict(result: Result) -> str:
    """The verdict with its reason."""
    return f"{result.verdict} ({result.why})" if result.why else result.verdict


def expected(check: Check | None) -> str:
    """The range, or the name, that a check expects."""
    if check is None:
        return "-"
    if check.words:
        return check.words[0]
    low, high = (None if np.isinf(end) else f"{end:.3g}" for end in (check.least, check.most))
    if low is None:
        return f"below {high}"
    return f"above {low}" if high is None else low if low == high else f"{low} to {high}"


def measured(check: Check | None) -> str:
    """A check's number with its interval where it has one."""
    if check is None:
        return "-"
    if check.words:
        return check.words[1]
    value, low, high = (f"{number:.3g}" for number in (check.value, check.low, check.high))
    return f"{check.quantity} {value}" + ("" if low == high == value else f" [{low}, {high}]")


def summary(results: list[Result]) -> str:
    """How many claims have which verdict."""
    counts = Counter(result.verdict for result in results)
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))


def text(results: list[Result]) -> str:
    """The table for a terminal: a paragraph a claim, its verdict first, then the counts."""
    lines = []
    for result, row in zip(results, table(results).to_dict("records"), strict=True):
        lines.append(f"{verdict(result).upper() if result.verdict == 'fails' else verdict(result)}: {row['claim']}")
        lines += textwrap.wrap(row["sentence"], WIDTH, initial_indent="    ", subsequent_indent="    ")
        if result.worst:
            found = f"measured {row['measured [95 %]']}, expected {row['expected']}"
            nearest = f" ({row['where']}, n = {row['n']}; nearest to failing of {row['checks']})"
            lines += textwrap.wrap(found + nearest, WIDTH, initial_indent="    ", subsequent_indent="    ")
    return "\n".join([*lines, "", f"claims: {summary(results)}"])


def write(results: list[Result], folder: Path) -> None:
    """Write claims.md, claims.csv and claims.json."""
    rows = table(results)
    write_text(folder / "claims.csv", rows.to_csv(index=False))
    shown = rows.assign(claim=rows["claim"] + ": " + rows["sentence"]).drop(columns="sentence")
    write_text(folder / "claims.md", shown.to_markdown(index=False, disable_numparse=True) + "\n")
    write_text(folder / "claims.json", json.dumps([_record(result) for result in results], indent=1) + "\n")


def _record(result: Result) -> dict[str, Any]:
    """A claim as claims.yaml has it, its verdict, and all its checks; numbers that are not finite as null."""
    checks = [
        {
            "quantity": check.quantity,
            "where": check.where,
            "n": check.n,
            **{name: _finite(getattr(check, name)) for name in ("value", "low", "high", "least", "most")},
            "expected": expected(check),
            "measured": measured(check),
            "stand_in": bool(check.stand_in),
            "verdict": found,
        }
        for check, found in result.checks
    ]
    return {**result.claim, "verdict": result.verdict, "why": result.why, "checks": checks}


def _finite(number: float) -> float | None:
    return float(number) if np.isfinite(number) else None
