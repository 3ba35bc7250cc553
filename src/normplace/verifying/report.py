"""The table of claims: printed, and as Markdown, CSV and JSON."""

import json
import textwrap
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd

from normplace.files import write_text
from normplace.statistics import finite_or_none
from normplace.verifying.checks import FAILS
from normplace.verifying.claims import Judgement

WIDTH = 100  # of printed lines
FEW = 8  # checks that are all printed where they have different verdicts


def table(judgements: list[Judgement]) -> pd.DataFrame:
    """One row per claim; expected and measured are those of the check that is nearest to failing."""
    return pd.DataFrame(
        {
            "claim": judgement.claim.id,
            "by": judgement.claim.by,
            "sentence": judgement.claim.sentence,
            "expected": worst.expected if worst else "-",
            "measured [95 %]": worst.measured if worst else "-",
            "where": worst.where if worst else "",
            "n": worst.n if worst else 0,
            "checks": len(judgement.checks),
            "verdict": judgement.verdict_with_reason,
        }
        for judgement, worst in ((judgement, judgement.worst) for judgement in judgements)
    )


def text(judgements: list[Judgement]) -> str:
    """The table for a terminal: a paragraph a claim, its verdict first, then how many claims have which verdict."""
    lines = []
    for judgement, row in zip(judgements, table(judgements).to_dict("records"), strict=True):
        verdict = row["verdict"].replace(FAILS, FAILS.upper(), 1)
        lines.append(f"{verdict}: {row['claim']}")
        lines += textwrap.wrap(row["sentence"], WIDTH, initial_indent="    ", subsequent_indent="    ")
        if row["checks"]:
            found = f"measured {row['measured [95 %]']}, expected {row['expected']}"
            nearest = f" ({row['where']}, n = {row['n']}; nearest to failing of {row['checks']})"
            lines += textwrap.wrap(found + nearest, WIDTH, initial_indent="    ", subsequent_indent="    ")
        if len({verdict for _, verdict in judgement.checks}) > 1 and len(judgement.checks) <= FEW:
            lines += [f"    {check.where}: {verdict}, {check.measured}" for check, verdict in judgement.checks]
    counts = Counter(judgement.verdict for judgement in judgements)
    summary = ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
    readings = sum(judgement.verdict == FAILS and judgement.claim.by == "reading" for judgement in judgements)
    if readings:
        summary += f" (of those that fail {readings} may: what one might read into the paper)"
    return "\n".join([*lines, "", f"claims: {summary}"])


def write(judgements: list[Judgement], folder: Path) -> None:
    """Write claims.md, claims.csv and claims.json."""
    rows = table(judgements)
    write_text(folder / "claims.csv", rows.to_csv(index=False))
    shown = rows.assign(claim=rows["claim"] + ": " + rows["sentence"]).drop(columns="sentence")
    write_text(folder / "claims.md", shown.to_markdown(index=False, disable_numparse=True) + "\n")
    write_text(folder / "claims.json", json.dumps([_record(judgement) for judgement in judgements], indent=1) + "\n")


def _record(judgement: Judgement) -> dict[str, Any]:
    """A claim as claims.yaml has it, its verdict, and all its checks; numbers that are not finite as null."""
    checks = [
        {
            "quantity": check.quantity,
            "where": check.where,
            "n": check.n,
            **{name: finite_or_none(getattr(check, name)) for name in ("value", "low", "high", "least", "most")},
            "expected": check.expected,
            "measured": check.measured,
            "stand_in": bool(check.stand_in),
            "verdict": verdict,
        }
        for check, verdict in judgement.checks
    ]
    claim = judgement.claim.model_dump(exclude_unset=True)
    return {**claim, "verdict": judgement.verdict, "why": judgement.why, "checks": checks}
