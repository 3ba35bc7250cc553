"""One architecture, prejudiced against neutral starts: what the start does, apart from the architecture."""

from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from figures import style

STARTS = {"prejudiced": "#CC79A7", "neutral": "#0072B2"}
ROWS = (("gap", "accuracy, favoured class\nminus the other", "train"), ("accuracy", "test accuracy", "test"))


def draw(tidy: Path) -> Figure:
    """Draw a column an architecture: the gap above, test accuracy below, a line a kind of start."""
    table = style.without_running(style.read(tidy, "start_matters", "curves"))
    cells = style.cells(table)
    figure, grid = plt.subplots(
        2, len(cells), figsize=(1.9 * len(cells) + 1.2, 4.0), sharex=True, sharey="row", squeeze=False
    )
    for column, (norm, placement) in enumerate(cells):
        for row, (measure, label, split) in enumerate(ROWS):
            axes = grid[row, column]
            for select, colour in STARTS.items():
                curve = style.of_cell(table, norm=norm, placement=placement, select=select, split=split)
                style.band(axes, curve, measure, colour)
            style.step_axis(axes)
            if measure == "gap":
                axes.axhline(0, color="#BBBBBB", lw=0.6, zorder=0)
                axes.set_title(style.name(norm, placement))
            if column == 0:
                axes.set_ylabel(label)
    handles = [Line2D([], [], color=colour, lw=1.4, label=f"{start} starts") for start, colour in STARTS.items()]
    figure.legend(handles=handles, loc="upper center", ncol=2)
    figure.supxlabel("step + 1", y=0.115, fontsize=8)
    depth, label = table["depth"].iloc[0], style.labels(table).popitem()[1]
    settings = style.training_settings(table)
    style.settings_line(
        figure,
        f"{label}, depth {depth}; {settings}. Prejudiced: the two classes' guess fractions differ by more than .9 at "
        "step 0; neutral: by less than .1. Median and quartiles over runs, batch statistics.",
    )
    figure.subplots_adjust(left=0.13, right=0.985, top=0.86, bottom=0.22, hspace=0.12, wspace=0.08)
    return figure
