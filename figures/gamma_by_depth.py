"""How the prejudice ratio gamma changes with depth: placement decides whether it grows, stays or vanishes."""

from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from figures import style

FLOOR, CEILING = 3e-4, 2e2


def draw(tidy: Path) -> Figure:
    """Draw a column a data set, a row a placement; points with intervals are networks, lines are theory."""
    table = style.read(tidy, "placements", "gamma")
    names = style.labels(table)
    figure, grid = plt.subplots(2, len(names), figsize=(7.2, 4.9), sharex=True, sharey=True, squeeze=False)
    for column, dataset in enumerate(names):
        for row, placement in enumerate(("before", "after")):
            axes = grid[row, column]
            for norm, colour in style.COLOURS.items():
                where = "none" if norm == "none" else placement
                rows = style.of_cell(table, dataset=dataset, norm=norm, placement=where)
                shown = rows[rows["depth"].isin(_depths_to_mark(int(rows["depth"].max())))]
                axes.plot(
                    rows["depth"],
                    rows["gamma_kernel"].clip(FLOOR),
                    color=colour,
                    lw=2.4 if (norm, where) == ("layer", "before") else 1.1,
                )
                bars = (shown["gamma"] - shown["gamma_low"], shown["gamma_high"] - shown["gamma"])
                axes.errorbar(
                    shown["depth"], shown["gamma"].clip(FLOOR), bars, fmt=style.MARKERS[norm], color=colour, ms=3.2,
                    lw=0.8, mfc="white" if norm in ("none", "layer") else colour, mew=0.8, clip_on=False,
                )  # fmt: skip
            axes.axhline(1, color="#BBBBBB", lw=0.6, zorder=0)
            axes.set(xscale="log", yscale="log", ylim=(FLOOR, CEILING))
            axes.set_xticks(ticks := _depths_to_mark(int(table["depth"].max())), map(str, ticks))
            axes.minorticks_off()
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
        Line2D([], [], color=colour, marker=style.MARKERS[norm], ms=4, lw=1.1, label=style.NORMS[norm],
               mfc="white" if norm in ("none", "layer") else colour)
        for norm, colour in style.COLOURS.items()
    ]  # fmt: skip
    figure.legend(handles=handles, loc="upper center", ncol=4)
    style.settings_line(
        figure,
        f"Points: {style.span(table['inits'])} networks each, {table['activation'].iloc[0]}, width "
        f"{style.span(table['width'])}, {style.span(table['points'])} points, 95 % bootstrap intervals. "
        "Lines: infinite width, the data's own kernel, nothing fitted. Above gamma = 1 guesses pile up on one class. "
        "The network without a norm is shown in both rows.",
    )
    figure.subplots_adjust(left=0.1, right=0.985, top=0.87, bottom=0.165, hspace=0.12, wspace=0.08)
    return figure


def _depths_to_mark(deepest: int) -> list[int]:
    return [depth for depth in (1, 2, 3, 5, 10, 20, 50) if depth <= deepest]
