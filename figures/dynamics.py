"""How accuracy and loss develop from the first step: every configuration, shallow and deep, every data set."""

from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from figures import style

MEASURES = ("accuracy", "loss")
STYLES = {"": "-", "batch": "-", "running": (0, (1.5, 1.5))}


def draw(tidy: Path) -> Figure:
    """Draw a row a data set and measure, a column a configuration; medians with interquartile bands."""
    table = style.read(tidy, "dynamics", "curves")
    table = style.of_cell(table, split="test")
    names, cells = style.labels(table), style.cells(table)
    depths = sorted(table["depth"].unique())
    figure, grid = plt.subplots(
        2 * len(names), len(cells), figsize=(7.2, 1.9 * len(names) + 1.3), sharex=True, sharey="row", squeeze=False
    )
    for row, (dataset, measure) in enumerate((dataset, measure) for dataset in names for measure in MEASURES):
        for column, (norm, placement) in enumerate(cells):
            axes = grid[row, column]
            for depth in depths:
                rows = style.of_cell(table, dataset=dataset, norm=norm, placement=placement, depth=depth)
                colour = style.COLOURS[norm] if depth == depths[-1] else style.SHALLOW
                for mode, curve in rows.groupby("bn_statistics", sort=False):
                    style.band(axes, curve, measure, colour, ls=STYLES[str(mode)])
            style.step_axis(axes)
            if measure == "loss":
                axes.set_yscale("log")
                axes.set_yticks([0.1, 0.2, 0.5, 1, 2, 5], ["0.1", "0.2", "0.5", "1", "2", "5"])
                axes.minorticks_off()
                axes.autoscale(axis="y")
            if row == 0:
                axes.set_title(style.heading(norm, placement), fontsize=8)
        grid[row, 0].set_ylabel(measure)
        grid[row, 0].yaxis.set_label_coords(-0.46, 0.5)
        if measure == MEASURES[0]:
            style.row_label(grid[row, 0], names[dataset], middle=-0.1, left=-0.8)
    handles = [
        *(Line2D([], [], color=style.SHALLOW, lw=1.2, label=f"depth {depth}") for depth in depths[:-1]),
        Line2D([], [], color=style.COLOURS["batch"], lw=1.2, label=f"depth {depths[-1]} (in the norm's colour)"),
        Line2D([], [], color="black", lw=1.2, ls=STYLES["running"], label="BatchNorm by running statistics"),
    ]
    figure.legend(handles=handles, loc="upper center", ncol=3)
    style.settings_line(figure, style.training_settings(table) + ", test split; median and quartiles over runs.")
    style.margins(
        figure, top=0.72, bottom=0.66, label="step + 1", label_at=0.31, left=0.155, right=0.99, hspace=0.18, wspace=0.12
    )
    return figure
