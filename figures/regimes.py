"""The paper's diagram, computed: which norm, where, makes an untrained network neutral or prejudiced."""

import textwrap
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from figures import style


def draw(tidy: Path) -> Figure:
    """Draw one box a configuration: regime by theory and as seen, with histograms of G_0, shallow and deep."""
    regimes = style.read(tidy, "placements", "regimes")
    histograms = style.read(tidy, "placements", "histograms")
    shown = "mnist" if "mnist" in set(regimes["dataset"]) else regimes["dataset"].iloc[0]
    depths = sorted(histograms["depth"].unique())
    figure = plt.figure(figsize=(7.0, 6.6))
    width, height, gap, left, bottom = 0.415, 0.196, 0.022, 0.135, 0.085
    for row, norm in enumerate(regimes["norm"].drop_duplicates()):
        y = bottom + (3 - row) * (height + gap) + (0.025 if norm == "none" else 0)
        figure.text(left - 0.015, y + height / 2, style.NORMS[norm], ha="right", va="center", weight="bold")
        for column, placement in enumerate(("none",) if norm == "none" else ("before", "after")):
            box = (left + column * (width + gap), y, 2 * width + gap if norm == "none" else width, height)
            rows = style.of_cell(regimes, norm=norm, placement=placement)
            bars = style.of_cell(histograms, norm=norm, placement=placement, dataset=shown)
            _draw_box(figure, box, rows, bars, depths, style.COLOURS[norm])
    for column, title in enumerate(("norm before the activation", "norm after the activation")):
        x = left + column * (width + gap) + width / 2
        figure.text(x, bottom + 3 * (height + gap) - 0.006, title, ha="center", weight="bold")
    activation, inits = histograms["activation"].iloc[0], style.span(histograms["inits"])
    style.settings_line(
        figure,
        f"Histograms of G₀ (share of data put into class 0): {style.labels(regimes)[shown]}, left depth {depths[0]}, "
        f"right depth {depths[-1]}; {activation}, width {style.span(regimes['width'])}, n = {inits} networks each; "
        "square-root axis; lines: infinite-width theory on the data's own kernel. "
        "Seen: gamma of the guesses at the last depth and its growth over the last doubling, 95 % intervals.",
    )
    return figure


def _draw_box(
    figure: Figure,
    box: tuple[float, float, float, float],
    regimes: pd.DataFrame,
    histograms: pd.DataFrame,
    depths: list[int],
    colour: str,
) -> None:
    x, y, width, height = box
    by_theory = regimes["regime_theory"].iloc[0]
    patch = FancyBboxPatch(
        (x, y), width, height, boxstyle="round,pad=0.003", lw=0, fc=style.REGIME_COLOURS[by_theory],
        transform=figure.transFigure, zorder=-1,
    )  # fmt: skip
    figure.add_artist(patch)
    figure.text(x + 0.01, y + height - 0.022, by_theory, weight="bold", fontsize=8.5)
    figure.text(x + width - 0.01, y + height - 0.022, "by theory", ha="right", fontsize=style.SMALL, color="#444444")
    figure.text(x + 0.01, y + height - 0.028, _seen(regimes), va="top", fontsize=5.5, color="#444444")
    for column, depth in enumerate((depths[0], depths[-1])):
        panel = width / 2 - 0.04
        axes = figure.add_axes((x + 0.03 + column * (panel + 0.035), y + 0.026, panel, height - 0.093))
        rows = style.of_cell(histograms, depth=depth)
        style.histogram(axes, rows, colour, alpha=0.55)
        style.theory_line(axes, rows, "share_kernel", color="black", lw=0.8)
        style.share_axis(axes)
        axes.patch.set_alpha(0)
        axes.set_xlim(0, 1)
        axes.set_xticks([0, 0.5, 1], ["0", "½", "1"])
        axes.tick_params(labelsize=5.5, length=2, pad=1)
        axes.annotate(f"depth {depth}", (0.03, 0.98), xycoords="axes fraction", va="top", fontsize=6)


def _seen(regimes: pd.DataFrame) -> str:
    """The regimes that networks show, grouped by data set."""
    seen = regimes.groupby("regime_seen", sort=False)["label"].apply(list)
    if len(seen) == 1:
        return f"seen: {seen.index[0]} on all {len(regimes)} data sets"
    words = "; ".join(f"{regime} on {', '.join(names)}" for regime, names in seen.items())
    return "\n".join(textwrap.wrap(f"seen: {words}", width=72))
