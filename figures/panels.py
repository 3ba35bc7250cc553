"""The parts that figures are made of: grids of panels, axes, bands, histograms, legends, captions."""

import textwrap
from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from figures import words
from figures.look import SMALL
from figures.reading import groups, where

Grid = np.ndarray[Any, Any]  # of Axes
FAINT = "#BBBBBB"  # lines to compare with
OTHER_CLASS = (0, (3, 1))  # its dashes
MARKED = (1, 2, 3, 5, 10, 20, 50)  # the depths at which points of gamma are drawn and labelled
FLOOR = 1e-4  # of gamma: what lies below is drawn there


def grid(
    table: pd.DataFrame, rows: list[str], columns: list[str], *, height: float, room: float, width: float = 7.2,
    **options: Any,
) -> tuple[Figure, Grid, list[tuple[Axes, pd.DataFrame]]]:  # fmt: skip
    """A panel for each combination of values: a row for those of `rows`, a column for those of `columns`, as they come.

    height, room: inches a row, and for all else. Returned: the figure, all panels, and those with rows of the table.
    """
    places = [table.groupby(keys, sort=False).ngroup() for keys in (rows, columns)]
    down, across = (int(place.max()) + 1 for place in places)
    options = {"sharex": True, "sharey": True} | options
    figure, axes = plt.subplots(down, across, figsize=(width, height * down + room), squeeze=False, **options)
    parts: Any = table.groupby(places)
    return figure, axes, [(axes[place], part) for place, part in parts]


def label(axes: Axes, *, top: str = "", left: str = "") -> None:
    """A title over the first row of a grid, and a label beside its first column."""
    place = axes.get_subplotspec()
    if top and place and place.is_first_row():
        axes.set_title(top)
    if left and place and place.is_first_col():
        axes.set_ylabel(left)


def label_below(axes: Grid, text: str) -> None:
    """What the horizontal axes are: under each of the last row, or under its middle where they are narrow."""
    last = axes[-1]
    for one in last if len(last) < 5 else [last[len(last) // 2]]:
        one.set_xlabel(text)


def caption(figure: Figure, text: str) -> Figure:
    """The figure with n, settings and how to read it under it: a picture travels without its page."""
    lines = textwrap.wrap(text, width=int(19 * figure.get_figwidth()))
    figure.supxlabel("\n".join(lines), fontsize=SMALL, color="#444444")
    return figure


def legend(figure: Figure, handles: Sequence[Artist], **options: Any) -> None:
    """What is drawn how, over the figure."""
    columns = {"ncol": len(handles) if len(handles) < 6 else 4}
    figure.legend(handles=handles, loc="outside upper center", **columns | options)


def cells_legend(figure: Figure, table: pd.DataFrame, **options: Any) -> None:
    """The legend of configurations that are drawn as `of_cell` says, unless options say otherwise."""
    cells = [cell for cell, _ in groups(table, "norm", "placement")]
    legend(figure, [line(words.name(*cell), **of_cell(*cell) | options) for cell in cells])


def line(text: str, colour: str = "black", **options: Any) -> Line2D:
    """The legend's entry of a line."""
    return Line2D([], [], **{"color": colour, "label": text, **options})


def of_cell(norm: str, placement: str) -> dict[str, Any]:
    """Colour, marker and line of a configuration: hollow and dashed where the norm stands after the activation."""
    _, colour, marker = words.norm(norm)
    after = placement == "after"
    return {"color": colour, "marker": marker, "mfc": "white" if after else colour, "ls": "--" if after else "-"}


def bars(rows: pd.DataFrame, column: str) -> "np.ndarray[Any, Any]":
    """Lengths of the bars of a column's 95 % intervals, down and up, [2, rows]."""
    return np.stack([rows[column] - rows[f"{column}_low"], rows[f"{column}_high"] - rows[column]])


def guess_axes(axes: Grid, highest: float = 1.0) -> None:
    """Shared axes of histograms of G_0. highest: the largest share that is drawn."""
    share_axis(axes, highest)
    axes[0, 0].set_xlim(0, 1)
    axes[0, 0].set_xticks([0, 0.5, 1], ["0", "½", "1"])
    for one in axes[-1]:
        for tick, side in zip(one.get_xticklabels(), ("left", "center", "right"), strict=True):
            tick.set_horizontalalignment(side)  # neighbours' ends must not touch


def labelled_guess_axes(axes: Grid, highest: float = 1.0) -> None:
    """The same, with what they are."""
    guess_axes(axes, highest)
    axes[0, 0].figure.supylabel("share of networks (square-root axis)")
    label_below(axes, "G₀: share of the data put into class 0")


def share_axis(axes: Grid, highest: float = 1.0) -> None:
    """A shared vertical axis with square roots of shares: spikes and flat histograms stay readable side by side.

    highest: the largest share that is drawn; nothing is left empty above it.
    """
    axes[0, 0].set_yscale("function", functions=(lambda share: abs(share) ** 0.5, lambda root: root**2))
    ticks = {0.0: "0", 0.05: ".05", 0.25: ".25", 0.5: ".5", 1.0: "1"}
    shown = {tick: text for tick, text in ticks.items() if tick <= highest}
    axes[0, 0].set_ylim(0, min(1.0, 1.1 * highest))
    axes[0, 0].set_yticks(list(shown), list(shown.values()))


def histogram(axes: Axes, rows: pd.DataFrame, colour: str, **options: Any) -> None:
    """The share of networks in each bin of G_0, filled unless options say otherwise."""
    edges = [*rows["bin_low"], rows["bin_high"].iloc[-1]]
    axes.stairs(rows["count"] / rows["inits"], edges, color=colour, **{"alpha": 0.55, "fill": True, **options})


def columns(
    axes: Axes, rows: pd.DataFrame, colour: str, theory: str = "", chance: float = 0, infinite: str = ""
) -> None:
    """Networks side by side in the order of their G_0, read off a histogram: the share is dark.

    theory: a column of the histogram, as a line. chance: by how much the shares of networks below any G_0 may differ
    from it, a band around the line. infinite: another column, dotted.
    """
    edges = np.array([*rows["bin_low"], rows["bin_high"].iloc[-1]])
    axes.fill_between(_rising(rows["count"] / rows["inits"]), edges, color=colour, lw=0)
    for column, half, look in ((infinite, 0.0, INFINITE), (theory, chance, {"lw": 0.9})):
        if column:
            by_theory = _rising(rows[column])
            some = (by_theory > 0.001) & (by_theory < 0.999)  # beyond it expects no network
            some[1:] |= some[:-1]
            some[:-1] |= some[1:]
            ends = by_theory - half, by_theory + half
            axes.fill_betweenx(edges, *ends, where=some, color="#777777", alpha=0.45, lw=0)
            axes.plot(by_theory[some], edges[some], color="black", **look)


def _rising(shares: "pd.Series[float]") -> "np.ndarray[Any, Any]":
    """The share of networks up to each edge of a histogram's bins."""
    return np.concatenate([[0.0], np.cumsum(shares)])


def column_axes(axes: Axes) -> None:
    """Axes, and those that share with them, of such columns."""
    axes.set(xlim=(0, 1), ylim=(0, 1), xticks=[])
    axes.set_yticks([0, 0.5, 1], ["0", "½", "1"])


INFINITE: dict[str, Any] = {"ls": (0, (1.2, 1.6)), "lw": 0.8}  # how theory of infinite width is drawn


def theory(axes: Axes, rows: pd.DataFrame, column: str, **options: Any) -> None:
    """A theory's share in each bin of G_0, as a line through the bins' centres."""
    axes.plot((rows["bin_low"] + rows["bin_high"]) / 2, rows[column], **{"color": "black", "lw": 0.8, **options})


def band(axes: Axes, curve: pd.DataFrame, measure: str, colour: str, *, opacity: float = 0.2, **options: Any) -> None:
    """A curve of training: the median over runs against step + 1, with a band between the quartiles."""
    axes.set_autoscale_on(False)  # until `step_axes`: shared axes would all be scaled again for each band
    x = curve["step"] + 1
    axes.fill_between(x, curve[f"{measure}_low"], curve[f"{measure}_high"], color=colour, alpha=opacity, lw=0)
    axes.plot(x, curve[measure], color=colour, **options)


def all_configurations(
    table: pd.DataFrame,
    measure: str,
    called: str,
    between: tuple[float, float] | None = None,
    thin: pd.DataFrame | None = None,
) -> Figure:
    """A measure of training against the step: a panel a depth and data set, a line per configuration.

    between: the values of the measure of which the lower one is a line to compare with. thin: the same of training
    points, as thin lines.
    """
    figure, axes, parts = grid(table, ["depth"], ["dataset"], height=1.9, room=1.1)
    for one, part in parts:
        if thin is not None:
            beside = where(thin, **part[["depth", "dataset"]].iloc[0])
            for cell, curve in groups(beside, "norm", "placement"):
                look = of_cell(*cell)
                one.plot(curve["step"] + 1, curve[measure], color=look["color"], ls=look["ls"], lw=0.5)
        for cell, curve in groups(part, "norm", "placement"):
            look = of_cell(*cell)
            band(one, curve, measure, look["color"], ls=look["ls"], opacity=0.08)
        label(one, top=words.wrapped(part["label"].iloc[0]), left=f"depth {part['depth'].iloc[0]}\n{called}")
    step_axes(axes)
    if between:
        low, high = between
        axes[0, 0].set_ylim(low - (high - low) / 10, high + (high - low) / 25)
        for one in axes.flat:
            one.axhline(low, color=FAINT, lw=0.6, zorder=0)
    cells_legend(figure, table, marker="")
    split = {"train": "training split", "test": "test split"}[table["split"].iloc[0]]
    split += ", thin: training split" if thin is not None else ""
    settings = f"{words.training(table)}, unselected starts, {split}, batch statistics"
    return caption(figure, f"{settings}; median and quartiles over runs.")


def step_axes(axes: Grid, between: tuple[int, ...] = ()) -> None:
    """Logarithmic axes of steps + 1, so that step 0 has a place. between: ticks other than the decades."""
    ticks = {1: "1", 10: "10", 100: "10²", 1000: "10³", 10000: "10⁴"} | {tick: str(tick) for tick in between}
    axes[0, 0].set_xscale("log")
    axes[0, 0].set_xticks(list(ticks), list(ticks.values()))
    axes[0, 0].minorticks_off()
    for one in axes.flat:
        one.margins(x=0)
        one.autoscale()
    for one in axes[-1]:
        one.get_xticklabels()[0].set_horizontalalignment("left")  # neighbours' ends must not touch
    label_below(axes, "step + 1")


def favoured_and_other(axes: Axes, curve: pd.DataFrame) -> None:
    """Accuracy on the class that the untrained network favours, in the norm's colour, and on the other, black."""
    band(axes, curve, "accuracy_majority", words.norm(curve["norm"].iloc[0]).colour)
    band(axes, curve, "accuracy_minority", "black", ls=OTHER_CLASS)


def favoured_and_other_axes(figure: Figure, axes: Grid, table: pd.DataFrame, between: tuple[int, ...] = ()) -> Figure:
    """The figure with axes, legend and caption of what `favoured_and_other` draws."""
    step_axes(axes, between)
    figure.supylabel("training accuracy on the class")
    axes[0, 0].set_ylim(-0.03, 1.03)
    axes[0, 0].set_yticks([0, 0.5, 1], ["0", "½", "1"])
    favoured = line("initially favoured class (in the norm's colour)", words.BLUE)
    legend(figure, [favoured, line("the other class", ls=OTHER_CLASS)])
    settings = f"{words.training(table)}, unselected starts"
    return caption(figure, f"{settings}, batch statistics; median and quartiles over runs.")


def gamma_by_depth(
    axes: Axes, rows: pd.DataFrame, colour: str, marker: str, *, theory: str = "gamma_finite", width: float = 1.1
) -> None:
    """gamma of one configuration: sampled networks as points with intervals at some depths, theory as a line.

    Theory at the networks' own width has that of infinite width beside it, dotted.
    """
    axes.plot(rows["depth"], rows[theory].clip(FLOOR), color=colour, lw=width)
    if theory == "gamma_finite":
        axes.plot(rows["depth"], rows["gamma_kernel"].clip(FLOOR), color=colour, **INFINITE)
    shown = rows[rows["depth"].isin(MARKED)]
    axes.errorbar(
        shown["depth"], shown["gamma"].clip(FLOOR), bars(shown, "gamma"), ls="", ms=3.2, lw=0.8, mew=0.8, clip_on=False,
        **point(colour, marker),
    )  # fmt: skip


def point(colour: str, marker: str) -> dict[str, Any]:
    """A point of gamma: some markers are hollow, since they lie on others."""
    return {"color": colour, "marker": marker, "mfc": "white" if marker in "s^" else colour}


def gamma_axes(axes: Grid, deepest: int, every: int = 1) -> None:
    """Logarithmic axes of gamma against depth, with a line at gamma = 1, where G_0 is uniform. every: of the ticks."""
    for one in axes.flat:
        one.axhline(1, color=FAINT, lw=0.6, zorder=0)
    ticks = [depth for depth in MARKED if depth <= deepest][::every]
    axes[0, 0].set(xscale="log", yscale="log", ylim=(FLOOR, 2e2))
    axes[0, 0].set_xticks(ticks, map(str, ticks))
    axes[0, 0].minorticks_off()
    label_below(axes, "depth (hidden layers)")


def regime_bands(axes: Axes) -> None:
    """Behind gamma on the horizontal axis: the colours of the regimes at one depth, with boundaries at 0.1 and 1."""
    edges = (0.0, 0.1, 1.0, float("inf"))
    low, high = axes.get_xlim()
    for colour, left, right in zip(words.REGIMES.values(), edges, edges[1:], strict=False):
        axes.axvspan(max(left, low), min(right, high), color=colour, lw=0, zorder=-1)
    axes.set_xlim(low, high)
