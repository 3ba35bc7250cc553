"""Every activation by every norm and placement: the regime by theory, and what sampled networks show."""

from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from figures import style

FLOOR = 3e-4


def draw(tidy: Path) -> Figure:
    """Draw a row an activation, a column a configuration; the panel's colour is the regime that theory predicts."""
    gamma, regimes = (style.read(tidy, "activations", table) for table in ("gamma", "regimes"))
    cells, names = style.cells(gamma), list(gamma["activation"].drop_duplicates())
    marked = style.depths_to_mark(int(gamma["depth"].max()))
    figure, grid = plt.subplots(
        len(names), len(cells), figsize=(7.2, 1.05 * len(names) + 1.3), sharex=True, sharey=True
    )
    for row, activation in enumerate(names):
        for column, (norm, placement) in enumerate(cells):
            axes = grid[row, column]
            cell = {"norm": norm, "placement": placement, "activation": activation}
            regime = style.of_cell(regimes, **cell).iloc[0]
            predicted, seen = str(regime["regime_theory"]), str(regime["regime_seen"])
            axes.set_facecolor(style.REGIME_COLOURS[predicted])
            rows = style.of_cell(gamma, **cell)
            style.gamma_by_depth(
                axes, rows, marked, style.COLOURS[norm], style.MARKERS[norm], FLOOR, theory="gamma_isotropic"
            )
            style.gamma_axes(axes, marked[::2], FLOOR)
            if seen != predicted:
                axes.text(0.05, 0.9, f"seen: {seen}", transform=axes.transAxes, va="top", fontsize=5.5)
            if row == 0:
                axes.set_title(style.heading(norm, placement), fontsize=8)
        grid[row, 0].set_ylabel(activation)
    handles = [
        Patch(color=colour, label=regime) for regime, colour in style.REGIME_COLOURS.items() if regime != "undecided"
    ]
    figure.legend(handles=handles, loc="upper center", ncol=3, title="regime by fixed points of the theory")
    figure.supylabel("gamma", x=0.005, fontsize=8)
    figure.supxlabel("depth (hidden layers)", y=0.075, fontsize=8)
    style.settings_line(
        figure,
        f"{style.labels(gamma).popitem()[1]}: {style.sampling_settings(gamma)}, 95 % bootstrap intervals. Lines: "
        f"infinite width, isotropic data. Values below {FLOOR:g} are drawn there. Where guesses show another regime, "
        "it is written.",
    )
    figure.subplots_adjust(left=0.1, right=0.99, top=0.855, bottom=0.14, hspace=0.08, wspace=0.06)
    return figure
