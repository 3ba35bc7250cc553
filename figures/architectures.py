"""Networks for images: what each guesses before training, by norm and placement, and its gamma."""

from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures import style


def draw(tidy: Path) -> Figure:
    """Draw a row a network: a histogram of G_0 for each of its configurations, and gamma of all of them."""
    gamma, histograms = (style.read(tidy, "architectures", table) for table in ("gamma", "histograms"))
    networks = list(gamma["network"].drop_duplicates())
    rows = [style.of_cell(gamma, network=network) for network in networks]
    columns = max(len(of_network) for of_network in rows)
    figure, grid = plt.subplots(
        len(networks), columns + 1, figsize=(7.2, 1.4 * len(networks) + 1.3), squeeze=False,
        width_ratios=[1] * columns + [1.9],
    )  # fmt: skip
    limits = gamma["gamma_low"].min() / 1.5, gamma["gamma_high"].max() * 1.5
    for of_axes, network, of_network in zip(grid, networks, rows, strict=True):
        last = network == networks[-1]
        cells = style.cells(of_network)
        for axes, (norm, placement) in zip(of_axes, cells, strict=False):
            found = style.of_cell(histograms, network=network, norm=norm, placement=placement)
            style.histogram(axes, found, style.COLOURS[norm], alpha=0.6)
            style.share_axis(axes)
            axes.set_xlim(0, 1)
            axes.set_xticks([0, 0.5, 1], ["0", "½", "1"])
            axes.set_title(style.heading(norm, placement), fontsize=7)
            axes.tick_params(labelleft=axes is of_axes[0], labelbottom=last)
        for axes in of_axes[len(cells) : -1]:
            axes.set_visible(False)
        of_axes[0].set_ylabel(f"{style.NETWORKS[network]}\n(n = {of_network['inits'].iloc[0]:,})")
        _gammas(of_axes[-1], of_network, limits)
        of_axes[-1].tick_params(labelbottom=last)
    for axes in grid[-1, :-1]:
        for tick, side in zip(axes.get_xticklabels(), ("left", "center", "right"), strict=True):
            tick.set_horizontalalignment(side)  # neighbours' ends must not touch
    grid[-1, -1].set_xlabel("gamma, 95 % interval")
    grid[-1, (columns - 1) // 2].set_xlabel("G₀: share of the data put into class 0")
    figure.supylabel("share of networks (square-root axis)", x=0.005, fontsize=8)
    style.settings_line(
        figure,
        f"{style.labels(gamma).popitem()[1]}, {style.span(gamma['points'])} points; n networks a histogram. Norm "
        "before or after: the activation in ResNet-9 and CNN, the branch and its residual addition in MLP-Mixer and "
        "ViT. GroupNorm has one group. Colours at the right: neutral below gamma 0.1, deeply prejudiced above 1.",
    )
    height = figure.get_figheight()
    figure.subplots_adjust(left=0.12, right=0.89, top=1 - 0.38 / height, bottom=1.0 / height, hspace=0.6, wspace=0.18)
    return figure


def _gammas(axes: Axes, rows: pd.DataFrame, limits: tuple[float, float]) -> None:
    """gamma of a network's configurations, the first at the top."""
    for place, row in enumerate(rows.to_dict("records")):
        gamma, colour = row["gamma"], style.COLOURS[row["norm"]]
        axes.errorbar(
            gamma, -place, xerr=[[gamma - row["gamma_low"]], [row["gamma_high"] - gamma]],
            fmt=style.MARKERS[row["norm"]], color=colour, ms=3.5, lw=1, mew=0.9,
            mfc="white" if row["placement"] == "before" else colour,
        )  # fmt: skip
    axes.set(xscale="log", xlim=limits, ylim=(0.6 - len(rows), 0.6))
    style.regime_bands(axes)
    short = [style.name(*cell).replace("Norm", "") for cell in style.cells(rows)]
    axes.set_yticks([-place for place in range(len(rows))], short, fontsize=6)
    axes.yaxis.tick_right()  # at the left they would cover the last histogram
    axes.spines[["left", "right"]].set_visible(False)
    axes.tick_params(right=False, pad=1)
