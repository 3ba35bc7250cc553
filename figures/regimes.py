"""What untrained networks guess: each column is a network, its coloured part the share of the data put into class 0.

Background and bold words: the regime that guesses show, by their gamma at the last depth and its growth over the last
doubling, on all data sets if none is named; theory is named where it says otherwise.
"""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures import panels, words
from figures.look import SMALL
from figures.reading import deepest, groups, read, where, with_theory_at_width

EXPERIMENT = "placements"


def draw(tidy: Path) -> Figure:
    regimes, histograms, gamma = (read(tidy, EXPERIMENT, table) for table in ("regimes", "histograms", "gamma"))
    shown = "mnist" if "mnist" in set(regimes["dataset"]) else regimes["dataset"].iloc[0]
    histograms = with_theory_at_width(deepest(where(histograms, dataset=shown)), "share_finite")
    gamma = deepest(where(gamma, dataset=shown))
    norms = list(regimes["norm"].drop_duplicates())
    figure = plt.figure(figsize=(7.2, 4.0))
    places = figure.add_gridspec(2, len(norms))
    first: Axes | None = None
    for (norm, placement), rows in groups(regimes, "norm", "placement"):
        row = slice(0, 2) if placement == "none" else int(placement == "after")
        first = axes = figure.add_subplot(places[row, norms.index(norm)], sharex=first, sharey=first)
        of_cell = {"norm": norm, "placement": placement}
        panels.columns(axes, where(histograms, **of_cell), words.norm(norm).colour, "share_finite")
        _say(axes, rows, where(gamma, **of_cell).iloc[0])
        where_it_stands = "" if placement == "none" else f"\n{placement} the activation"
        axes.set_title(f"{words.norm(norm).label}{where_it_stands}")
    if first is not None:
        panels.column_axes(first)
    figure.suptitle(
        "Each column is one untrained network. Coloured: the share of the data it puts into class 0", fontsize=9
    )
    text = (
        f"Networks in the order of their guesses. {words.sampling(histograms)}; lines: theory at that width. All or "
        f"nothing: over 95 % of the data in one class. Regimes by 95 % intervals."
    )
    return panels.caption(figure, text)


def _say(axes: Axes, regimes: pd.DataFrame, guesses: "pd.Series[Any]") -> None:
    """The regime below the columns, and how many networks say the same of nearly all data."""
    first, *others = _seen(regimes)
    axes.set_facecolor(words.REGIMES[regimes["regime_seen"].iloc[0]])
    axes.set_xlabel(first, weight="bold", fontsize=8)
    extreme, low, high = (100 * guesses[f"share_extreme{end}"] for end in ("", "_low", "_high"))
    more = "\n".join([f"{extreme:.0f} % [{low:.0f}, {high:.0f}] all or nothing", *others])
    axes.annotate(more, (0.5, 0), (0, -16), "axes fraction", "offset points", ha="center", va="top", fontsize=SMALL)


def _seen(regimes: pd.DataFrame) -> list[str]:
    """The regimes that networks show, with the data sets where they differ, and theory's where it is another."""
    seen = regimes.groupby("regime_seen", sort=False)["label"].apply(list)
    told = list(seen.index) if len(seen) == 1 else [f"{regime}: {', '.join(names)}" for regime, names in seen.items()]
    by_theory = regimes["regime_theory"].iloc[0]
    return told if list(seen.index) == [by_theory] else [*told, f"theory: {by_theory}"]
