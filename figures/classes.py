"""Ten classes: how a network's guesses are spread over them, from the class it guesses most to the least."""

from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from figures import style


def draw(tidy: Path) -> Figure:
    """Draw a row a data set and depth, a column a configuration: guess fraction by rank, theory as lines."""
    table = style.read(tidy, "classes", "classes")
    names, cells, depths = style.labels(table), style.cells(table), sorted(table["depth"].unique())
    count = len(names) * len(depths)
    figure, grid = plt.subplots(
        count, len(cells), figsize=(7.2, 1.35 * count + 1.5), sharex=True, sharey=True, squeeze=False
    )
    classes = int(table["classes"].iloc[0])
    for row, (dataset, depth) in enumerate((dataset, depth) for dataset in names for depth in depths):
        for column, (norm, placement) in enumerate(cells):
            axes = grid[row, column]
            rows = style.of_cell(table, dataset=dataset, depth=depth, norm=norm, placement=placement)
            colour = style.COLOURS[norm]
            axes.fill_between(rows["rank"], rows["fraction_low"], rows["fraction_high"], color=colour, alpha=0.2, lw=0)
            axes.plot(rows["rank"], rows["fraction_kernel"], color="black", lw=1)
            axes.plot(rows["rank"], rows["fraction_gamma"], color="black", lw=0.9, ls=":")
            axes.plot(rows["rank"], rows["fraction"], ".", color=colour, ms=4)
            axes.axhline(1 / classes, color="#BBBBBB", lw=0.6, zorder=0)
            entropy, theory = rows["entropy"].iloc[0], rows["entropy_kernel"].iloc[0]
            axes.text(
                0.95,
                0.93,
                f"H {entropy:.2f} ({theory:.2f})",
                transform=axes.transAxes,
                ha="right",
                va="top",
                fontsize=6,
            )
            axes.set_xticks([1, classes])
            style.share_axis(axes)
            if row == 0:
                axes.set_title(style.heading(norm, placement), fontsize=8)
        grid[row, 0].set_ylabel(f"{style.wrapped(names[dataset])}\ndepth {depth}")
    handles = [
        Line2D([], [], color="#555555", marker=".", lw=0, label="mean over networks"),
        Patch(color="#555555", alpha=0.2, lw=0, label="quartiles"),
        Line2D([], [], color="black", lw=1, label="theory, the data's own kernel"),
        Line2D([], [], color="black", lw=0.9, ls=":", label="C-class formula at the kernel's gamma"),
    ]
    figure.legend(handles=handles, loc="upper center", ncol=4, columnspacing=1.2, handlelength=1.6)
    figure.supxlabel("classes by how often a network guesses them", y=0.4 / figure.get_figheight(), fontsize=8)
    style.settings_line(
        figure,
        f"{style.sampling_settings(table)}; square-root axis. H: entropy of a network's guess fractions over log "
        f"{classes}, mean over networks, in brackets by theory. Grey line: all classes alike.",
    )
    figure.subplots_adjust(
        left=0.1,
        right=0.99,
        top=1 - 0.62 / figure.get_figheight(),
        bottom=0.78 / figure.get_figheight(),
        hspace=0.1,
        wspace=0.08,
    )
    return figure
