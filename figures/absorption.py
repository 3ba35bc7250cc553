"""How fast prejudice is absorbed: the largest guess fraction against the step."""

from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from figures import style

DASHES = {"none": (0, (1, 1)), "before": "-", "after": (0, (4, 1.5))}


def draw(tidy: Path) -> Figure:
    """Draw a row a depth, a column a data set, a line a configuration."""
    table = style.without_running(style.of_cell(style.read(tidy, "dynamics", "curves"), split="train"))
    names, cells = style.labels(table), style.cells(table)
    depths = sorted(table["depth"].unique())
    figure, grid = plt.subplots(
        len(depths), len(names), figsize=(7.2, 2.0 * len(depths) + 1.2), sharex=True, sharey=True, squeeze=False
    )
    for row, depth in enumerate(depths):
        for column, dataset in enumerate(names):
            axes = grid[row, column]
            for norm, placement in cells:
                curve = style.of_cell(table, dataset=dataset, norm=norm, placement=placement, depth=depth)
                colour = style.COLOURS[norm]
                style.band(axes, curve, "max_guess_fraction", colour, ls=DASHES[placement], opacity=0.08)
            style.step_axis(axes)
            axes.axhline(0.5, color="#BBBBBB", lw=0.6, zorder=0)
            axes.set_ylim(0.45, 1.02)
            if row == 0:
                axes.set_title(style.wrapped(names[dataset]))
        grid[row, 0].set_ylabel(f"depth {depth}\nlargest guess fraction")
    handles = [
        Line2D([], [], color=style.COLOURS[norm], ls=DASHES[placement], lw=1.2, label=style.name(norm, placement))
        for norm, placement in cells
    ]
    figure.legend(handles=handles, loc="upper center", ncol=4)
    figure.supxlabel("step + 1", y=0.055, fontsize=8)
    style.settings_line(
        figure, style.training_settings(table) + ", training split, batch statistics; median and quartiles over runs."
    )
    figure.subplots_adjust(left=0.1, right=0.985, top=0.88, bottom=0.13, hspace=0.12, wspace=0.08)
    return figure
