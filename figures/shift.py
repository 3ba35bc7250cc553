"""What a constant added to the data does: preprocessing alone makes prejudice, and some norms undo it."""

from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from figures import style

FLOOR = 3e-4


def draw(tidy: Path) -> Figure:
    """Draw a panel a depth (first and last): gamma against the shift, theory as lines."""
    table = style.read(tidy, "shift", "gamma")
    depths = [1, int(table["depth"].max())]
    figure, panels = plt.subplots(1, 2, figsize=(7.2, 3.5), sharey=True)
    for axes, depth in zip(panels, depths, strict=True):
        at_depth = style.of_cell(table, depth=depth)
        cells = style.cells(at_depth)
        for index, (norm, placement) in enumerate(cells):
            rows = style.of_cell(at_depth, norm=norm, placement=placement).sort_values("shift")
            colour, after = style.COLOURS[norm], placement == "after"
            line = {"color": colour, "lw": 1.1, "ls": "--" if after else "-"}
            axes.plot(rows["shift"], rows["gamma_kernel"].clip(FLOOR), marker="_", ms=9, **line)
            bars = (rows["gamma"] - rows["gamma_low"], rows["gamma_high"] - rows["gamma"])
            beside = 0.02 * (index - len(cells) / 2)
            axes.errorbar(
                rows["shift"] + beside, rows["gamma"].clip(FLOOR), bars, fmt=style.MARKERS[norm], color=colour, ms=4,
                lw=0.9, mfc="white" if after else colour, label=style.name(norm, placement),
            )  # fmt: skip
        axes.axhline(1, color="#BBBBBB", lw=0.6, zorder=0)
        axes.set(yscale="log", xlabel="shift (standard deviations)", title=f"depth {depth}")
    panels[0].set_ylim(bottom=FLOOR)
    panels[0].set_ylabel("gamma")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="upper center", ncol=4)
    style.settings_line(
        figure,
        f"{style.labels(table).popitem()[1]} plus a constant: {style.sampling_settings(table)}, 95 % bootstrap "
        "intervals; side by side for sight. Lines, computed at their dashes: infinite width, the data's own kernel. "
        "Values below "
        f"{FLOOR:g} are drawn there.",
    )
    figure.subplots_adjust(left=0.085, right=0.99, top=0.82, bottom=0.23, wspace=0.05)
    return figure
