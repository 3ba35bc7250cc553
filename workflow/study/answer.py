"""What a run has found, in sentences whose numbers are those of its tables: `python -m study.answer --results DIR
--output FILE`.

The run's own page begins with it, and the file is what Snakemake's report begins with.
"""

from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from tabulate import tabulate

from figures import words
from figures.reading import deepest, groups, read, where
from study.one_line import write_from_results
from study.summary import verdicts

QUESTION = (
    "What does a network guess before it has learned anything, and which choice in its architecture decides that?"
)
VERDICTS = {"holds": "hold", "fails": "fail", "not testable at this scale": "cannot be tested at this scale"}


class Answer(NamedTuple):
    """What the deepest networks of a run guess, on the data set that readers know best."""

    label: str  # of the data set: it says if they are a copy or a stand-in
    networks: str  # how many, as in "400"
    depth: int
    regimes: dict[str, str]  # regime seen -> configurations, and how many of their networks say nearly always the same
    moved: dict[str, str]  # norm whose regime its place decides -> its regimes
    rows: list[dict[str, str]]  # a configuration each
    verdicts: dict[str, int]  # of the claims

    def sentences(self) -> list[str]:
        """The answer: what was done and seen, what decides it, and how many claims hold."""
        seen = "; ".join(f"{regime} {configurations}" for regime, configurations in self.regimes.items())
        placement = listed([f"{norm} ({regimes})" for norm, regimes in self.moved.items()])
        claims = listed([f"{count} {VERDICTS.get(verdict, verdict)}" for verdict, count in self.verdicts.items()])
        return [
            f"{self.networks} networks of {self.depth} hidden layers were drawn at random for each configuration, and "
            f"each was shown {self.label}. Their guesses are {seen}.",
            f"Where the norm stands decides this for {placement}."
            if self.moved
            else "Where the norm stands decides this for none of the norms.",
            f"Of {sum(self.verdicts.values())} claims, {claims}.",
        ]


def answer(results: Path) -> Answer:
    """The answer of the run in a folder of results.

    Raises:
        UserError: a table that it is read from is missing or damaged.
    """
    gamma = deepest(read(results / "tidy", "placements", "gamma"))
    shown = "mnist" if "mnist" in set(gamma["dataset"]) else gamma["dataset"].iloc[0]
    regimes = where(read(results / "tidy", "placements", "regimes"), dataset=shown)
    cells = where(gamma, dataset=shown).merge(regimes[["norm", "placement", "regime_seen"]], on=["norm", "placement"])
    by_regime = dict(groups(cells, "regime_seen"))
    return Answer(
        label=cells["label"].iloc[0],
        networks=words.span(cells["inits"]),
        depth=int(cells["depth"].iloc[0]),
        regimes={regime: in_words(by_regime[regime,]) for regime in words.REGIMES if (regime,) in by_regime},
        moved=moved(cells),
        rows=rows(cells),
        verdicts=verdicts(results),
    )


def in_words(cells: pd.DataFrame) -> str:
    """Configurations in a sentence, with the share of networks that put over 95 % of the data into one class."""
    said = []
    for placement in ("before", "after"):
        norms = [words.norm(norm).label for norm in cells["norm"][cells["placement"] == placement]]
        said += [f"with {listed(norms, 'or')} {placement} the activation"] if norms else []
    said += ["without a norm"] if "none" in set(cells["placement"]) else []
    least, most = (f"{100 * share:.0f}" for share in (cells["share_extreme"].min(), cells["share_extreme"].max()))
    share = f"{least} %" if least == most else f"{least} to {most} %"
    return f"{listed(said)} ({share} of the networks put over 95 % of the data into one class)"


def moved(cells: pd.DataFrame) -> dict[str, str]:
    """The norms whose regime depends on their place: "deeply prejudiced before the activation, neutral after it"."""
    found = {}
    for (norm,), of_norm in groups(cells[cells["placement"] != "none"], "norm"):
        regimes = of_norm.set_index("placement")["regime_seen"]
        if len(set(regimes)) > 1:
            found[words.norm(norm).label] = f"{regimes['before']} before the activation, {regimes['after']} after it"
    return found


def rows(cells: pd.DataFrame) -> list[dict[str, str]]:
    """A row for each configuration: its regime, how many networks put nearly all into one class, and gamma."""
    table = pd.DataFrame(
        {
            "configuration": words.names(cells),
            "guesses are": cells["regime_seen"],
            "networks that put over 95 % into one class [95 %]": cells.apply(percent, axis=1),
            "gamma [95 %]": words.with_interval(cells, "gamma"),
        }
    )
    return [{str(name): str(value) for name, value in row.items()} for row in table.to_dict("records")]


def percent(cell: "pd.Series[Any]") -> str:
    """The share of networks that put over 95 % into one class, with its interval."""
    value, low, high = (100 * cell[f"share_extreme{end}"] for end in ("", "_low", "_high"))
    return f"{value:.1f} % [{low:.1f}, {high:.1f}]"


def listed(parts: list[str], conjunction: str = "and") -> str:
    """Parts as a list in a sentence."""
    return f" {conjunction} ".join(filter(None, [", ".join(parts[:-1]), parts[-1]])) if parts else ""


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
    write_from_results("python -m study.answer", __doc__, front)
