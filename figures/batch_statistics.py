"""The eval-mode trap: BatchNorm with fresh running statistics shows the guesses of a network without any norm."""

from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from figures import style


def draw(tidy: Path) -> Figure:
    """Draw a row a depth, a column a placement: batch statistics filled, eval mode outlined, no norm dotted."""
    table = style.read(tidy, "batch_statistics", "histograms")
    depths = sorted(table["depth"].unique())
    without = style.of_cell(table, norm="none")
    figure, grid = plt.subplots(
        len(depths), 2, figsize=(5.6, 1.5 * len(depths) + 1.1), sharex=True, sharey=True, squeeze=False
    )
    for row, depth in enumerate(depths):
        for column, placement in enumerate(("before", "after")):
            axes = grid[row, column]
            rows = style.of_cell(table, depth=depth, norm="batch", placement=placement)
            style.histogram(axes, style.of_cell(rows, bn_statistics="batch"), style.COLOURS["batch"], alpha=0.55)
            running = style.of_cell(rows, bn_statistics="running")
            edges = [*running["bin_low"], running["bin_high"].iloc[-1]]
            axes.stairs(running["count"] / running["inits"], edges, color=style.COLOURS["layer"], lw=1.2)
            none = style.of_cell(without, depth=depth)
            centres = (none["bin_low"] + none["bin_high"]) / 2
            axes.plot(centres, none["count"] / none["inits"], "k.", ms=2.5)
            style.share_axis(axes)
            axes.set_xlim(0, 1)
            axes.set_xticks([0, 0.5, 1], ["0", "½", "1"])
            if row == 0:
                axes.set_title(style.name("batch", placement))
        grid[row, 0].set_ylabel(f"depth {depth}\nshare of networks")
    for axes in grid[-1]:
        axes.set_xlabel("G₀")
    handles = [
        Patch(color=style.COLOURS["batch"], alpha=0.55, lw=0, label="batch statistics"),
        Line2D([], [], color=style.COLOURS["layer"], lw=1.2, label="eval mode, fresh statistics"),
        Line2D([], [], color="black", marker=".", lw=0, ms=4, label="no norm at all"),
    ]
    figure.legend(handles=handles, loc="upper center", ncol=3)
    style.settings_line(
        figure,
        f"{style.labels(table).popitem()[1]}, {style.span(table['points'])} points, {table['activation'].iloc[0]}, "
        f"width {style.span(table['width'])}, n = {style.span(table['inits'])} networks a histogram; "
        "square-root axis.",
    )
    figure.subplots_adjust(left=0.13, right=0.985, top=0.85, bottom=0.18, hspace=0.15, wspace=0.08)
    return figure
