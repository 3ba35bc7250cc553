"""The regimes, computed: which norm, standing where, makes an untrained network neutral or prejudiced.

Box colour and bold words: the regime by fixed-point analysis of the infinite-width correlation map. Seen: the regime
that the guesses of sampled networks show, by their gamma and its growth over the last doubling of depth.
"""

import textwrap
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure, SubFigure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from figures import panels, words
from figures.reading import groups, read, where, with_theory_at_width

EXPERIMENT = "placements"


def draw(tidy: Path) -> Figure:
    regimes, histograms = (read(tidy, EXPERIMENT, table) for table in ("regimes", "histograms"))
    shown = "mnist" if "mnist" in set(regimes["dataset"]) else regimes["dataset"].iloc[0]
    histograms = with_theory_at_width(where(histograms, dataset=shown), "share_finite")
    norms = list(regimes["norm"].drop_duplicates())
    figure = plt.figure(figsize=(7.0, 1.5 * len(norms) + 0.8), layout=ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.06))
    # without a norm a box is as wide as two; the titles of the columns stand below it
    places = figure.add_gridspec(
        len(norms) + 1, 3, width_ratios=[0.3, 1, 1], height_ratios=[1, 0.12] + [1] * (len(norms) - 1), wspace=0.02,
        hspace=0.02,
    )  # fmt: skip
    for column, title in ((1, "norm before the activation"), (2, "norm after the activation")):
        _write(figure.add_subfigure(places[1, column]), title)
    for norm, row in zip(norms, (0, *range(2, len(norms) + 1)), strict=True):
        _write(figure.add_subfigure(places[row, 0]), words.norm(norm).label)
    for (norm, placement), rows in groups(regimes, "norm", "placement"):
        row = norms.index(norm) + (norm != "none")
        columns: Any = {"none": slice(1, 3), "before": 1, "after": 2}
        place = places[row, columns[placement]]
        bars = where(histograms, norm=norm, placement=placement)
        _draw_box(figure.add_subfigure(place), rows, bars, words.norm(norm).colour)
    text = (
        f"Histograms of G₀ (share of the data put into class 0, square-root axis): {words.sampling(histograms)}; "
        "lines: theory at that width, dotted: at infinite width. Seen: gamma of the guesses at the last depth and "
        "its growth over the last doubling, 95 % intervals."
    )
    return panels.caption(figure, text)


def _write(place: SubFigure, text: str) -> None:
    place.text(0.5, 0.5, text, ha="center", va="center", weight="bold")


def _draw_box(box: SubFigure, regimes: pd.DataFrame, histograms: pd.DataFrame, colour: str) -> None:
    by_theory = regimes["regime_theory"].iloc[0]
    box.set_facecolor(words.REGIMES[by_theory])
    box.suptitle(f"{by_theory}, by theory", x=0.03, ha="left", weight="bold", fontsize=8.5)
    depths = histograms["depth"].iloc[[0, -1]]
    axes = box.subplots(1, 2, sharex=True, sharey=True, squeeze=False)
    for one, depth in zip(axes[0], depths, strict=True):
        rows = where(histograms, depth=depth)
        panels.histogram(one, rows, colour)
        panels.theory(one, rows, "share_finite")
        panels.theory(one, rows, "share_kernel", **panels.INFINITE)
        one.patch.set_alpha(0)
        one.annotate(f"depth {depth}", (0.03, 0.98), xycoords="axes fraction", va="top", fontsize=6)
    panels.guess_axes(axes)
    axes[0, 0].set_title(_seen(regimes), loc="left", fontsize=6, color="#444444")


def _seen(regimes: pd.DataFrame) -> str:
    """The regimes that networks show, grouped by data set."""
    seen = regimes.groupby("regime_seen", sort=False)["label"].apply(list)
    if len(seen) == 1:
        return f"seen: {seen.index[0]} on all {len(regimes)} data sets"
    told = "; ".join(f"{regime} on {', '.join(names)}" for regime, names in seen.items())
    return "\n".join(textwrap.wrap(f"seen: {told}", width=72))
