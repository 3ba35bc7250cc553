"""What a run has found, in sentences whose numbers are those of its tables: `python -m study.answer RESULTS FILE`.

The run's own page begins with it, and the file is what Snakemake's report begins with.
"""

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from tabulate import tabulate

from figures import words
from figures.reading import deepest, groups, read, where
from normplace.files import write_text

QUESTION = (
    "What does a network guess before it has learned anything, and which choice in its architecture decides that?"
)
REGIMES = {
    "neutral": "near one half of the data for each class",
    "prejudiced": "some networks far from one half",
    "deeply prejudiced": "most networks put nearly all data into one class",
    "undecided": "too few networks to tell",
}


class Answer(NamedTuple):
    """What the deepest networks of a run guess, on the data set that readers know best."""

    label: str  # of the data set: it says if they are a copy or a stand-in
    networks: str  # how many, as in "400"
    depth: int
    regimes: dict[str, str]  # regime seen -> configurations, in words
    rows: list[dict[str, str]]  # a configuration each
    verdicts: dict[str, int]  # of the claims

    def sentences(self) -> list[str]:
        """The answer: what was done, what was seen, and how many claims hold."""
        seen = [
            f"{regime} ({REGIMES[regime]}) with {configurations}" for regime, configurations in self.regimes.items()
        ]
        told = {"holds": "hold", "fails": "fail"}
        claims = _and([f"{count} {told.get(verdict, verdict)}" for verdict, count in self.verdicts.items()])
        return [
            f"{self.networks} networks of {self.depth} hidden layers were drawn at random for each configuration, and "
            f"each was shown {self.label}. Their guesses are {'; '.join(seen)}.",
            f"Of {sum(self.verdicts.values())} claims, {claims}.",
        ]


def answer(results: Path) -> Answer:
    """The answer of the run in a folder of results.

    Raises:
        UserError: a table that it is read from is missing or damaged.
    """
    gamma = deepest(read(results / "tidy", "placements", "gamma"))
    shown = "mnist" if "mnist" in set(gamma["dataset"]) else gamma["dataset"].iloc[0]
    gamma = where(gamma, dataset=shown)
    regimes = where(read(results / "tidy", "placements", "regimes"), dataset=shown)
    by_regime = dict(groups(regimes, "regime_seen"))
    return Answer(
        label=gamma["label"].iloc[0],
        networks=words.span(gamma["inits"]),
        depth=int(gamma["depth"].iloc[0]),
        regimes={regime: in_words(by_regime[regime,]) for regime in REGIMES if (regime,) in by_regime},
        rows=_rows(gamma, regimes),
        verdicts=verdicts(json.loads((results / "tables" / "claims.json").read_text(encoding="utf-8"))),
    )


def verdicts(claims: list[dict[str, Any]]) -> dict[str, int]:
    """How many claims have which verdict, without its reason."""
    return dict(Counter(claim["verdict"].split(" (")[0] for claim in claims).most_common())


def _rows(gamma: pd.DataFrame, regimes: pd.DataFrame) -> list[dict[str, str]]:
    """A row a configuration: its regime, how many networks put nearly all into one class, and gamma."""
    seen = {cell: rows["regime_seen"].iloc[0] for cell, rows in groups(regimes, "norm", "placement")}
    table = pd.DataFrame(
        {
            "configuration": words.names(gamma),
            "guesses are": [seen[cell] for cell in zip(gamma["norm"], gamma["placement"], strict=True)],
            "networks that put over 95 % into one class [95 %]": gamma.apply(_percent, axis=1),
            "gamma [95 %]": words.with_interval(gamma, "gamma"),
        }
    )
    return [{str(name): str(value) for name, value in row.items()} for row in table.to_dict("records")]


def in_words(rows: pd.DataFrame) -> str:
    """Configurations in a sentence: "no norm, BatchNorm or LayerNorm before the activation, and RMSNorm after it"."""
    said = []
    for placement, of_one in rows.groupby("placement", sort=False)["norm"]:
        norms = [words.norm(norm).label for norm in of_one]
        place = "" if placement == "none" else f" {placement} the activation"
        said.append(f"{' or '.join(filter(None, [', '.join(norms[:-1]), norms[-1]]))}{place}")
    return _and(said)


def _percent(row: "pd.Series[Any]") -> str:
    value, low, high = (100 * row[f"share_extreme{end}"] for end in ("", "_low", "_high"))
    return f"{value:.1f} % [{low:.1f}, {high:.1f}]"


def _and(parts: list[str]) -> str:
    """Parts as a list in a sentence."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))


def front(results: Path) -> str:
    """What Snakemake's report begins with, as reStructuredText."""
    found = answer(results)
    return "\n\n".join(
        [
            f"**{QUESTION}**",
            *found.sentences(),
            tabulate(found.rows, headers="keys", tablefmt="rst", disable_numparse=True),
            "A data set that is a stand-in or a copy says so in its name. For readers of the results there is "
            "`index.html <index.html>`_ beside this file; this is the technical report, with the graph of the rules, "
            "the times of the jobs and the code of each rule.",
        ]
    )


if __name__ == "__main__":
    write_text(Path(sys.argv[2]), front(Path(sys.argv[1])))
