"""The first-order correction to infinite width: width times log((1 + gamma) / (1 + gamma at infinite width)) by depth.

Where all widths lie on one curve the correction is of first order in 1 / width; where that curve is a line through the
origin it is of first order in depth / width.
"""

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from figures import panels, words
from figures.reading import first, groups, read, where

EXPERIMENT = "finite_width"
NARROW = 4  # times the fit's own widest interval: points with a wider one say nothing and are left out


def draw(tidy: Path) -> Figure:
    table = read(tidy, EXPERIMENT, "first_order")
    table = table.sort_values(
        ["norm", "placement"], ascending=[True, False], key=lambda column: column.replace("none", "")
    )
    widths = sorted(table["width"].unique())
    shades = dict(zip(widths, mpl.colormaps["viridis"](np.linspace(0, 0.8, len(widths))), strict=True))
    figure, axes, parts = panels.grid(table, ["dataset"], ["norm", "placement"], height=1.9, room=1.1, sharey=False)
    for one, part in parts:
        fit = part.drop_duplicates("depth").sort_values("depth")
        one.fill_between(fit["depth"], fit["c_low"], fit["c_high"], color=panels.FAINT, alpha=0.5, lw=0)
        one.plot(fit["depth"], fit["c"], color="black", lw=1)
        widest = (part["c_high"] - part["c_low"]).max()
        for (width,), rows in groups(where(part, fitted=True), "width"):
            rows = rows[width * (rows["y_high"] - rows["y_low"]) < NARROW * widest]
            one.plot(rows["depth"], width * rows["y"], ".", color=shades[width], ms=3.5)
        one.axhline(0, color=panels.FAINT, lw=0.6, zorder=0)
        name = words.name(*first(part, "norm", "placement"))
        panels.label(one, top=name, left="width × log((1 + γ) / (1 + γ∞))")
    panels.label_below(axes, "depth")
    points = [panels.line(f"width {width}", shade, marker=".", lw=0) for width, shade in shades.items()]
    panels.legend(
        figure, [panels.line("fitted", lw=1), *points], ncol=len(points) + 1, columnspacing=0.9, handletextpad=0.3
    )
    text = (
        f"{words.sampling(table)}. γ∞: infinite width, the data's own kernel. Line and band: c of y = c / width "
        f"fitted to widths of at least 10 depths, with its 95 % bootstrap interval. Points with intervals {NARROW} "
        "times as wide as the fit's widest, or more, are left out."
    )
    return panels.caption(figure, text)
