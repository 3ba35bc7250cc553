"""Fill in docs/replication-report.md: `python -m docs.replication_report`.

The words are in replication-report.md.j2; every number comes from what the references ship. A name that they lack ends
the build.
"""

import csv
import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

ROOT = Path(__file__).resolve().parents[1]
TEMPLATE, PAGE = (ROOT / "docs" / f"replication-report.md{end}" for end in (".j2", ""))
HEAD = "<!-- Made by `make docs` from replication-report.md.j2 and the tables in reference: change those. -->\n"
SCALES = ("paper", "quick")


@cache
def table(scale: str, name: str) -> list[dict[str, str]]:
    """The rows of a printed table of a reference."""
    path = ROOT / "reference" / scale / "tables" / f"{name}.csv"
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


@cache
def manifest(scale: str) -> dict[str, Any]:
    """The manifest of a reference."""
    return dict(json.loads((ROOT / "reference" / scale / "manifest.json").read_text(encoding="utf-8")))


def value(scale: str, name: str, column: str, **where: str) -> str:
    """What stands in the one row of a table that has these values, in the column that begins with this name.

    Raises:
        ValueError: not one row, or not one column.
    """
    (row,) = (row for row in table(scale, name) if all(row[key] == wanted for key, wanted in where.items()))
    (found,) = (row[key] for key in row if key == column or key.partition(" [")[0] == column)
    return found


def claims(by: str) -> list[dict[str, str]]:
    """The claims of one origin: sentence, and at each scale the verdict and what was measured."""
    rows = {scale: {row["claim"]: row for row in table(scale, "claims")} for scale in SCALES}
    return [
        {"claim": name, "sentence": row["sentence"], **{scale: verdict(rows[scale][name]) for scale in SCALES}}
        for name, row in rows["paper"].items()
        if row["by"] == by
    ]


def verdict(row: dict[str, str]) -> str:
    """A claim's verdict, and where it has checks the one that is nearest to failing."""
    said, _, reason = row["verdict"].partition(" (")
    if reason.startswith("there is no table"):
        return "not run"
    if row["checks"] == "0":
        return f"**{said}**: {reason.removesuffix(')')}"
    return f"**{said}**: {row['measured [95 %]']}, expected {row['expected']}, n = {row['n']}"


def counts(scale: str, by: str) -> str:
    """How many claims of one origin have which verdict, as in "9 hold, 1 fails, 8 not testable"."""
    rows = [row for row in table(scale, "claims") if row["by"] == by]
    kinds = ("holds", "fails", "not run", "not testable")
    found = Counter(next(kind for kind in kinds if kind in verdict(row).partition(":")[0]) for row in rows)
    words = {kind: kind if found[kind] == 1 or " " in kind else kind.removesuffix("s") for kind in kinds}
    return ", ".join(f"{found[kind]} {words[kind]}" for kind in kinds if found[kind])


def processor(scale: str) -> str:
    """Of a run, as in "AMD EPYC (family 26, model 2)"; of one that several machines have computed, all of them."""
    found = []
    for one in manifest(scale)["machine"]["processor"].split("; "):
        name, *numbers = one.split(", ")
        named = [f"{word} {number}" for word, number in zip(("family", "model"), numbers, strict=False)]
        found.append(f"{name} ({', '.join(named)})" if named else name)
    return " and ".join(found)


def failing(by: str) -> list[dict[str, str]]:
    """The claims of one origin that fail at either scale."""
    return [claim for claim in claims(by) if any(claim[scale].startswith("**fails") for scale in SCALES)]


def bias(configuration: str, of_output: str) -> dict[str, str]:
    """The row of milestones, at the quick scale, of deep networks on MNIST with an output bias.

    Networks that were drawn as usual are of several experiments, which share their runs.
    """
    wanted = {
        "data": "MNIST",
        "configuration": configuration,
        "output bias": of_output,
        "start": "any",
        "rate": "0.001",
    }
    depth = str(manifest("quick")["configuration"]["output_bias"]["depth"])
    rows = [row for row in table("quick", "milestones") if all(row[key] == value for key, value in wanted.items())]
    return next(row for row in rows if row["depth"] == depth and row["BatchNorm by"] != "running")


def final(configuration: str, of_output: str) -> str:
    """Its final test accuracy, with the range over runs."""
    return bias(configuration, of_output)["final test accuracy"]


def hours(scale: str) -> str:
    """The time of all jobs, one after the other."""
    minutes = sum(manifest(scale)["seconds"].values()) / 60
    return f"{minutes / 60:.1f} hours" if minutes >= 100 else f"{minutes:.0f} minutes"


def stages(scale: str) -> list[tuple[str, str]]:
    """The same by stage: rules that do the same for several experiments are one."""
    kinds = {"sample": "sampling", "train": "training", "kernel": "theory", "phase": "theory", "measure": "models"}
    total: dict[str, float] = {}
    for rule, seconds in manifest(scale)["seconds"].items():
        kind = kinds.get(rule.partition("_")[0], "data, tables, figures")
        total[kind] = total.get(kind, 0) + seconds / 60
    return [(kind, f"{minutes:,.1f}") for kind, minutes in sorted(total.items(), key=lambda one: -one[1])]


def report() -> str:
    """The page."""
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    functions = {
        "value": value,
        "claims": claims,
        "counts": counts,
        "failing": failing,
        "hours": hours,
        "stages": stages,
        "bias": bias,
        "final": final,
        "processor": processor,
    }
    settings = {scale: manifest(scale) for scale in SCALES}
    return HEAD + template.render(**functions, **settings) + "\n"


def main() -> None:
    """Write the page."""
    PAGE.write_text(report(), encoding="utf-8")


if __name__ == "__main__":
    main()
