"""Networks for images before training: each column is a network and its G₀, by norm and placement; at the right gamma.

Sizes but for widths are the authors', those of the CNN ours. There is no infinite-width theory of these networks here.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures import panels, words
from figures.look import SMALL
from figures.reading import groups, read, where

EXPERIMENT = "architectures"


def draw(tidy: Path) -> Figure:
    gamma, histograms = (read(tidy, EXPERIMENT, table) for table in ("gamma", "histograms"))
    networks = groups(gamma, "network", "width")
    columns = max(len(rows) for _, rows in networks)
    figure, grid = plt.subplots(
        len(networks), columns + 1, figsize=(7.2, 1.35 * len(networks) + 1.0), width_ratios=[1] * columns + [1.9],
        squeeze=False,
    )  # fmt: skip
    for one in grid[:, :-1].flat[1:]:
        one.sharex(grid[0, 0])
        one.sharey(grid[0, 0])
    for one in grid[1:, -1]:
        one.sharex(grid[0, -1])
    limits = gamma["gamma_low"].min() / 1.5, gamma["gamma_high"].max() * 1.5
    for axes, ((network, width), rows) in zip(grid, networks, strict=True):
        for one in axes[len(rows) : -1]:
            one.set_axis_off()
        for one, ((norm, placement), _) in zip(axes, groups(rows, "norm", "placement"), strict=False):
            shown = where(histograms, network=network, width=width, norm=norm, placement=placement)
            panels.columns(one, shown, words.norm(norm).colour)
            one.set_title(words.heading(norm, placement), fontsize=7)
            one.label_outer()
        axes[0].set_ylabel(f"{words.network(network)}, {width}\n(n = {rows['inits'].iloc[0]:,})")
        _gammas(axes[-1], rows, limits)
    panels.column_axes(grid[0, 0])
    grid[-1, columns // 2].set_xlabel("networks in the order of their guesses")
    figure.supylabel("G₀: share of the data put into class 0")
    grid[-1, -1].set_xlabel("gamma, 95 % interval")
    text = (
        f"{words.sampling(gamma)}. Norm before or after: the activation in ResNet-9 and CNN, the branch and its "
        "residual addition in MLP-Mixer and ViT. Beside a network's name its base width; GroupNorm has one group. At "
        "the right: neutral below gamma 0.1, deeply prejudiced above 1."
    )
    return panels.caption(figure, text)


def _gammas(axes: Axes, rows: pd.DataFrame, limits: tuple[float, float]) -> None:
    """gamma of a network's configurations, the first at the top."""
    for place, (cell, row) in enumerate(groups(rows, "norm", "placement")):
        axes.errorbar(row["gamma"], [-place], xerr=panels.bars(row, "gamma"), lw=1, ms=3.5, **panels.of_cell(*cell))
    axes.set(xscale="log", xlim=limits, ylim=(0.6 - len(rows), 0.6))
    panels.regime_bands(axes)
    short = [name.replace("Norm", "") for name in words.names(rows)]
    axes.set_yticks([-place for place in range(len(rows))], short, fontsize=SMALL)
    axes.yaxis.tick_right()  # at the left they would cover the last histogram
    axes.label_outer()
    axes.spines[["left", "right"]].set_visible(False)
    axes.tick_params(right=False, pad=1)
