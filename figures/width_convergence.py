"""gamma of deep networks against their width: how they approach infinite width."""

from pathlib import Path

from matplotlib.figure import Figure

from figures import panels, words
from figures.reading import deepest, first, read

EXPERIMENT = "width_convergence"


def draw(tidy: Path) -> Figure:
    table = deepest(read(tidy, EXPERIMENT, "gamma"))
    figure, axes, parts = panels.grid(table, ["depth"], ["norm", "placement"], height=1.9, room=0.7, sharey=False)
    for one, part in parts:
        norm, placement, depth, theory = first(part, "norm", "placement", "depth", "gamma_kernel")
        part = part.sort_values("width")
        one.plot(part["width"], part["gamma_finite"], color="black", lw=1)
        one.axhline(theory, color="black", **panels.INFINITE)
        bars, colour = panels.bars(part, "gamma"), words.norm(norm).colour
        one.errorbar(part["width"], part["gamma"], bars, fmt="o", color=colour, ms=3.5, lw=0.9)
        one.set_ylim(0, 1.12 * max(part["gamma_high"].max(), theory))
        panels.label(one, top=words.name(norm, placement), left=f"gamma at depth {depth}")
    ticks = sorted(table["width"].unique())
    axes[0, 0].set_xscale("log")
    axes[0, 0].set_xticks(ticks[:: 2 if len(ticks) > 4 else 1])
    axes[0, 0].xaxis.set_major_formatter("{x:g}")
    axes[0, 0].minorticks_off()
    panels.label_below(axes, "width (nodes per layer)")
    text = (
        f"{words.sampling(table)}, networks fewest at the largest width, {table['classes'].iloc[0]} output nodes "
        "pooled; bars: 95 % intervals. Lines: theory at each width (none of BatchNorm's); dotted: infinite width."
    )
    return panels.caption(figure, text)
