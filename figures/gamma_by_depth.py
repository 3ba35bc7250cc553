"""How the prejudice ratio gamma changes with depth: placement decides whether it grows, stays or vanishes."""

from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from figures import style

FLOOR = 7e-5


def draw(tidy: Path) -> Figure:
    """Draw a column a data set, a row a placement; points with intervals are networks, lines are theory."""
    table = style.read(tidy, "placements", "gamma")
    names, norms = style.labels(table), table["norm"].unique()
    marked = style.depths_to_mark(int(table["depth"].max()))
    figure, grid = plt.subplots(2, len(names), figsize=(7.2, 4.9), sharex=True, sharey=True, squeeze=False)
    for column, dataset in enumerate(names):
        for row, placement in enumerate(("before", "after")):
            axes = grid[row, column]
            for norm in norms:
                where = "none" if norm == "none" else placement
                rows = style.of_cell(table, dataset=dataset, norm=norm, placement=where)
                thick = 2.4 if (norm, where) == ("layer", "before") else 1.1  # it lies under the others
                style.gamma_by_depth(axes, rows, marked, style.COLOURS[norm], style.MARKERS[norm], FLOOR, width=thick)
            style.gamma_axes(axes, marked, FLOOR)
            if row == 0:
                axes.set_title(style.wrapped(names[dataset]))
            if column == 0:
                axes.set_ylabel(f"gamma, norm {placement}\nthe activation")
            if placement == "after":
                axes.annotate(
                    "BatchNorm after: 0 at every depth", (0.5, 0.03), xycoords="axes fraction", ha="center",
                    fontsize=6.5, color=style.COLOURS["batch"],
                )  # fmt: skip
                axes.set_xlabel("depth (hidden layers)")
    handles = [
        Line2D([], [], color=style.COLOURS[norm], marker=style.MARKERS[norm], ms=4, lw=1.1, label=style.NORMS[norm],
               mfc="white" if norm in ("none", "layer") else style.COLOURS[norm])
        for norm in norms
    ]  # fmt: skip
    figure.legend(handles=handles, loc="upper center", ncol=4)
    style.settings_line(
        figure,
        f"Points: {style.span(table['inits'])} networks each, {table['activation'].iloc[0]}, width "
        f"{style.span(table['width'])}, {style.span(table['points'])} points, 95 % bootstrap intervals. "
        "Lines: infinite width, the data's own kernel, nothing fitted. Above gamma = 1 guesses pile up on one class. "
        "No norm is shown in both rows.",
    )
    figure.subplots_adjust(left=0.1, right=0.985, top=0.87, bottom=0.165, hspace=0.12, wspace=0.08)
    return figure
