"""How fast prejudice is absorbed: the largest guess fraction against the step of training; one half is even."""

from pathlib import Path

from matplotlib.figure import Figure

from figures import panels, words
from figures.reading import curves, first, groups

EXPERIMENT = "dynamics"


def draw(tidy: Path) -> Figure:
    table = curves(tidy, EXPERIMENT, "train")
    figure, axes, parts = panels.grid(table, ["depth"], ["dataset"], height=1.9, room=1.1)
    for one, part in parts:
        for cell, curve in groups(part, "norm", "placement"):
            look = panels.of_cell(*cell)
            panels.band(one, curve, "max_guess_fraction", look["color"], ls=look["ls"], opacity=0.08)
        one.axhline(0.5, color=panels.FAINT, lw=0.6, zorder=0)
        depth, dataset = first(part, "depth", "label")
        panels.label(one, top=words.wrapped(dataset), left=f"depth {depth}\nlargest guess fraction")
    panels.step_axes(axes)
    axes[0, 0].set_ylim(0.45, 1.02)
    panels.cells_legend(figure, table, marker="")
    text = (
        f"{words.training(table)}, unselected starts, training split, batch statistics; median and quartiles over runs."
    )
    return panels.caption(figure, text)
