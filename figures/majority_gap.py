"""The gap between the initially favoured class and the others: how it opens at the start, and closes."""

from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from figures import style


def draw(tidy: Path) -> Figure:
    """Draw a row a data set and depth, a column a configuration; accuracy of the favoured class and of the others."""
    table = style.without_running(style.of_cell(style.read(tidy, "dynamics", "curves"), split="train"))
    names, cells = style.labels(table), style.cells(table)
    depths = sorted(table["depth"].unique())
    figure, grid = plt.subplots(
        len(names) * len(depths), len(cells), figsize=(7.2, 0.95 * len(names) * len(depths) + 1.3),
        sharex=True, sharey=True, squeeze=False,
    )  # fmt: skip
    for row, (dataset, depth) in enumerate((dataset, depth) for dataset in names for depth in depths):
        for column, (norm, placement) in enumerate(cells):
            axes = grid[row, column]
            curve = style.of_cell(table, dataset=dataset, norm=norm, placement=placement, depth=depth)
            style.band(axes, curve, "accuracy_majority", style.COLOURS[norm])
            style.band(axes, curve, "accuracy_minority", "black", ls=(0, (3, 1)))
            style.step_axis(axes)
            axes.set_ylim(-0.03, 1.03)
            axes.set_yticks([0, 0.5, 1], ["0", "½", "1"])
            if row == 0:
                axes.set_title(style.heading(norm, placement), fontsize=8)
        grid[row, 0].set_ylabel(f"depth {depth}")
        if depth == depths[0]:
            style.row_label(grid[row, 0], names[dataset], middle=0.5 - (len(depths) - 1) / 2 * 1.1, left=-0.62)
    handles = [
        Line2D([], [], color=style.COLOURS["batch"], lw=1.2, label="initially favoured class (in the norm's colour)"),
        Line2D([], [], color="black", lw=1.2, ls=(0, (3, 1)), label="the other class"),
    ]
    figure.legend(handles=handles, loc="upper center", ncol=2)
    figure.supylabel("training accuracy on the class", x=0.005, fontsize=8)
    style.settings_line(figure, style.training_settings(table) + ", batch statistics; median and quartiles over runs.")
    style.margins(
        figure, top=0.75, bottom=0.7, label="step + 1", label_at=0.33, left=0.145, right=0.99, hspace=0.15, wspace=0.12
    )
    return figure
