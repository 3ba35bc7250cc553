"""The first-order correction in 1 / width: whether all widths give one curve, and how it grows with depth."""

from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from figures import style

NARROW = 4  # times the fit's own widest interval: points with a wider one say nothing and are left out


def draw(tidy: Path) -> Figure:
    """Draw a panel a configuration: width times the deviation from infinite width against depth, the fit as a line."""
    table = style.read(tidy, "finite_width", "first_order")
    cells = sorted(style.cells(table), key=lambda cell: list(style.NORMS).index(cell[0]))
    widths = sorted(table["width"].unique())
    shades = mpl.colormaps["viridis"].resampled(len(widths) + 1)
    figure, panels = plt.subplots(1, len(cells), figsize=(7.2, 3.1))
    for axes, (norm, placement) in zip(panels, cells, strict=True):
        of_cell = style.of_cell(table, norm=norm, placement=placement)
        widest = (of_cell["c_high"] - of_cell["c_low"]).max()
        fit = of_cell.drop_duplicates("depth").sort_values("depth")
        axes.fill_between(fit["depth"], fit["c_low"], fit["c_high"], color="#BBBBBB", alpha=0.5, lw=0)
        axes.plot(fit["depth"], fit["c"], color="black", lw=1, label="fitted")
        for index, width in enumerate(widths):
            rows = style.of_cell(of_cell, width=width, fitted=True)
            rows = rows[width * (rows["y_high"] - rows["y_low"]) < NARROW * widest]
            axes.plot(rows["depth"], width * rows["y"], ".", color=shades(index), ms=3.5, label=f"width {width}")
        axes.axhline(0, color="#BBBBBB", lw=0.6, zorder=0)
        axes.set_title(style.name(norm, placement))
        axes.set_xlabel("depth")
    panels[0].set_ylabel("width × log((1 + γ) / (1 + γ∞))")
    handles, labels = max((axes.get_legend_handles_labels() for axes in panels), key=lambda pair: len(pair[1]))
    figure.legend(handles, labels, loc="upper center", ncol=len(labels), columnspacing=0.9, handletextpad=0.3)
    style.settings_line(
        figure,
        f"{style.labels(table).popitem()[1]}, {style.span(table['points'])} points, {table['activation'].iloc[0]}, "
        f"n = {style.span(table['inits'])} networks a width. γ∞: infinite width, the data's own kernel. Line and band: "
        "c of y = c / width fitted to widths of at least 10 depths, with its 95 % bootstrap interval. Points "
        f"with intervals {NARROW} times as wide as the fit's widest, or more, are left out.",
    )
    figure.subplots_adjust(left=0.085, right=0.99, top=0.82, bottom=0.27, wspace=0.32)
    return figure
