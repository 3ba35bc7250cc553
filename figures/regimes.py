"""What untrained networks guess: each column is one network, its dark part the share of the data it puts into class 0.

Columns near one half are neutral networks; columns that are nearly all dark or all pale are deeply prejudiced ones. The
regime is that of the guesses, by their gamma at the last depth and its growth over the last doubling; where data sets
or theory differ, they are named.
"""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures import panels, words
from figures.look import SMALL
from figures.reading import deepest, groups, read, where

EXPERIMENT = "placements"
HOW_TO_READ = (
    "Each column is one\nuntrained network.\nDark: the share of the\ndata it puts into class 0.\nLine: theory."
)


def draw(tidy: Path) -> Figure:
    regimes, histograms, gamma = (read(tidy, EXPERIMENT, table) for table in ("regimes", "histograms", "gamma"))
    shown = "mnist" if "mnist" in set(regimes["dataset"]) else regimes["dataset"].iloc[0]
    histograms = deepest(where(histograms, dataset=shown))
    gamma = deepest(where(gamma, dataset=shown))
    norms = list(regimes["norm"].drop_duplicates())
    figure, grid = plt.subplots(
        2, len(norms), figsize=(7.2, 4.2), squeeze=False, sharex=True, sharey=True, layout="constrained"
    )
    for one in grid.flat:
        one.set_axis_off()
    for (norm, placement), rows in groups(regimes, "norm", "placement"):
        axes = grid[int(placement == "after"), norms.index(norm)]
        axes.set_axis_on()
        of_cell = {"norm": norm, "placement": placement}
        guesses = where(gamma, **of_cell).iloc[0]
        chance = guesses["ks_critical_finite"]
        panels.columns(
            axes, where(histograms, **of_cell), words.norm(norm).colour, "share_finite", chance, "share_kernel"
        )
        _say(axes, rows, guesses)
        where_it_stands = "" if placement == "none" else f"\n{placement} the activation"
        axes.set_title(f"{words.norm(norm).label}{where_it_stands}")
    panels.column_axes(grid[0, 0])
    for row in grid:
        next(one for one in row if one.axison).tick_params(labelleft=True)
    empty = [one for one in grid.flat if not one.axison]
    for one in empty[:1]:
        one.text(0, 0.5, HOW_TO_READ, transform=one.transAxes, va="center", fontsize=8.5)
    last, label = histograms["depth"].iloc[0], histograms["label"].iloc[0]
    networks = words.span(histograms["inits"])
    figure.suptitle(f"What {networks} untrained networks of {last} layers guess on {label}", fontsize=9.5)
    text = (
        f"Networks in the order of their guesses, from a histogram. {words.sampling(histograms)}. Theory is that "
        "of the width, dotted that of infinite width; grey: within chance of it (95 %). All or nothing: over 95 % of "
        "the data in one class."
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
