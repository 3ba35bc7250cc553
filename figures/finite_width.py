"""What finite width does to gamma: width times log((1 + gamma) / (1 + gamma at infinite width)) by depth.

Were it of first order in 1 / width, all widths would lie on one curve; of first order in depth / width, on a line.
"""

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from figures import panels, words
from figures.reading import first, groups, read

EXPERIMENT = "width_convergence"
NARROW = 0.25  # of the panel's height: points with a longer interval say nothing and are left out


def draw(tidy: Path) -> Figure:
    table = read(tidy, EXPERIMENT, "gamma")
    table = table[table["gamma_finite"].notna()]
    widths = sorted(table["width"].unique())
    shades = dict(zip(widths, mpl.colormaps["viridis"](np.linspace(0, 0.8, len(widths))), strict=True))
    figure, axes, parts = panels.grid(table, ["dataset"], ["norm", "placement"], height=1.9, room=1.1, sharey=False)
    for one, part in parts:
        lines = part.assign(line=_deviation(part, "gamma_finite"))
        tall = lines["line"].max() - lines["line"].min()
        for (width,), rows in groups(lines, "width"):
            one.plot(rows["depth"], rows["line"], color=shades[width], lw=1)
            error = rows["gamma_finite_error"]
            known = rows.assign(low=rows["gamma_finite"] - error, high=rows["gamma_finite"] + error)
            least, most = (_deviation(known, end) for end in ("low", "high"))
            one.fill_between(rows["depth"], least, most, color=shades[width], alpha=0.15, lw=0)
            ends = [_deviation(rows, f"gamma{end}") for end in ("", "_low", "_high")]
            shown = rows["depth"].isin(panels.MARKED) & (ends[2] - ends[1] < NARROW * tall)
            value, low, high = (end[shown] for end in ends)
            one.errorbar(
                rows["depth"][shown], value, [value - low, high - value], fmt=".", ms=3.5, lw=0.7, color=shades[width]
            )
        one.axhline(0, color=panels.FAINT, lw=0.6, zorder=0)
        panels.label(one, top=words.name(*first(part, "norm", "placement")), left="width × log((1 + γ) / (1 + γ∞))")
    panels.label_below(axes, "depth")
    panels.legend(
        figure, [panels.line(f"width {width}", shade) for width, shade in shades.items()], ncol=len(shades),
        columnspacing=0.9, handletextpad=0.3,
    )  # fmt: skip
    text = (
        f"{words.sampling(table)}. Points have 95 % intervals; those with one longer than {NARROW:.0%} of a panel are "
        "left out. Lines: theory at each width, nothing fitted, in its own error, by which wide networks with "
        "LayerNorm before cannot be told apart. γ∞: infinite width, the data's own kernel."
    )
    return panels.caption(figure, text)


def _deviation(rows: pd.DataFrame, column: str) -> pd.Series:
    return rows["width"] * np.log((1 + rows[column]) / (1 + rows["gamma_kernel"]))
