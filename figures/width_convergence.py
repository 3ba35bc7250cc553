"""How sampled networks approach the infinite-width theory as they get wider."""

from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from figures import style


def draw(tidy: Path) -> Figure:
    """Draw a panel a configuration: gamma at the last depth against width, theory as a line."""
    table = style.read(tidy, "width_convergence", "gamma")
    table = table[table["depth"] == table["depth"].max()]
    cells = style.cells(table)
    figure, panels = plt.subplots(1, len(cells), figsize=(7.2, 2.75), sharex=True)
    for axes, (norm, placement) in zip(panels, cells, strict=True):
        rows = style.of_cell(table, norm=norm, placement=placement).sort_values("width")
        colour = style.COLOURS[norm]
        axes.axhline(rows["gamma_kernel"].iloc[0], color="black", lw=1)
        bars = (rows["gamma"] - rows["gamma_low"], rows["gamma_high"] - rows["gamma"])
        axes.errorbar(rows["width"], rows["gamma"], bars, fmt="o", color=colour, ms=3.5, lw=0.9)
        axes.set_xscale("log")
        axes.set_xticks(ticks := list(rows["width"])[:: 2 if len(rows) > 4 else 1], map(str, ticks))
        axes.minorticks_off()
        axes.set_ylim(0, 1.12 * max(rows["gamma_high"].max(), rows["gamma_kernel"].iloc[0]))
        axes.set_title(style.name(norm, placement))
        axes.set_xlabel("width (nodes a layer)")
    panels[0].set_ylabel(f"gamma at depth {table['depth'].iloc[0]}")
    style.settings_line(
        figure,
        f"{style.labels(table).popitem()[1]}, {style.span(table['points'])} points, {table['activation'].iloc[0]}, "
        f"n = {style.span(table['inits'])} networks a point (fewest at the largest width), "
        f"{table['classes'].iloc[0]} output nodes pooled; "
        "bars: 95 % bootstrap intervals over networks. Black: infinite width, the data's own kernel.",
    )
    figure.subplots_adjust(left=0.075, right=0.99, top=0.89, bottom=0.31, wspace=0.3)
    return figure
