"""How G_0 is distributed over random networks: every configuration, shallow and deep, on every data set."""

from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from figures import style


def draw(tidy: Path) -> Figure:
    """Draw a row a data set and depth, a column a configuration; bars are networks, lines are theory."""
    table = style.read(tidy, "placements", "histograms")
    names, cells = style.labels(table), style.cells(table)
    depths = sorted(table["depth"].unique())
    figure, grid = plt.subplots(
        len(names) * len(depths), len(cells), figsize=(7.2, 1.02 * len(names) * len(depths) + 1.0),
        sharex=True, sharey=True, squeeze=False,
    )  # fmt: skip
    for row, (dataset, depth) in enumerate((dataset, depth) for dataset in names for depth in depths):
        for column, (norm, placement) in enumerate(cells):
            axes = grid[row, column]
            rows = style.of_cell(table, dataset=dataset, depth=depth, norm=norm, placement=placement)
            style.histogram(axes, rows, style.COLOURS[norm], alpha=0.5)
            style.theory_line(axes, rows, "share_kernel", color="black", lw=0.8)
            style.theory_line(axes, rows, "share_isotropic", color="black", lw=0.8, ls=(0, (1.5, 1.5)))
            style.share_axis(axes)
            axes.set_xlim(0, 1)
            axes.set_xticks([0, 0.5, 1], ["0", "½", "1"])
            if row == 0:
                axes.set_title(style.heading(norm, placement), fontsize=8)
        grid[row, 0].set_ylabel(f"depth {depth}")
        if depth == depths[0]:
            style.row_label(grid[row, 0], names[dataset], middle=0.5 - (len(depths) - 1) / 2 * 1.1, left=-0.62)
    for axes in grid[-1]:
        for tick, side in zip(axes.get_xticklabels(), ("left", "center", "right"), strict=True):
            tick.set_horizontalalignment(side)  # neighbours' ends must not touch
    handles = [
        Patch(color=style.COLOURS["none"], alpha=0.5, lw=0, label="sampled networks"),
        Line2D([], [], color="black", lw=0.8, label="theory, the data's own kernel"),
        Line2D([], [], color="black", lw=0.8, ls=(0, (1.5, 1.5)), label="theory, isotropic data"),
    ]
    figure.legend(handles=handles, loc="upper center", ncol=3)
    figure.supxlabel("G₀: share of the data that an untrained network puts into class 0", y=0.048, fontsize=8)
    figure.supylabel("share of networks (square-root axis)", x=0.005, fontsize=8)
    style.settings_line(
        figure,
        f"{table['activation'].iloc[0]}, width {style.span(table['width'])}, n = {style.span(table['inits'])} "
        f"networks a panel, {style.span(table['points'])} points a data set, bins of 1/{len(rows)}; "
        "nothing is fitted.",
    )
    figure.subplots_adjust(left=0.145, right=0.99, top=0.905, bottom=0.1, hspace=0.22, wspace=0.12)
    return figure
