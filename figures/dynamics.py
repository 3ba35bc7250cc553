"""How test accuracy and loss develop from the first step: every configuration, shallow and deep, every data set."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from figures import panels, words
from figures.reading import first, groups, read, where

EXPERIMENT = "dynamics"
SHALLOW = "#A8A8A8"  # shallow networks beside deep ones
DASHES = {"": "-", "batch": "-", "running": (0, (1.5, 1.5))}  # by BatchNorm's statistics


def draw(tidy: Path) -> Figure:
    table = where(read(tidy, EXPERIMENT, "curves"), split="test")
    depths = sorted(table["depth"].unique())
    rows = table.merge(pd.DataFrame({"measure": ["accuracy", "loss"]}), how="cross")
    figure, axes, parts = panels.grid(
        rows, ["dataset", "measure"], ["norm", "placement"], height=1.0, room=1.1, sharey="row"
    )
    for one, part in parts:
        norm, placement, dataset, measure = first(part, "norm", "placement", "label", "measure")
        for (depth, mode), curve in groups(part, "depth", "bn_statistics"):
            colour = words.norm(norm).colour if depth == depths[-1] else SHALLOW
            panels.band(one, curve, measure, colour, ls=DASHES[mode])
        panels.label(one, top=words.heading(norm, placement), left=f"{words.wrapped(dataset)}\n{measure}")
    for one in axes[1::2, 0]:
        one.set_yscale("log")
        one.set_yticks([0.1, 0.2, 0.5, 1, 2, 5], ["0.1", "0.2", "0.5", "1", "2", "5"])
        one.minorticks_off()
    panels.step_axes(axes)
    figure.align_ylabels()
    entries = [
        *(panels.line(f"depth {depth}", SHALLOW) for depth in depths[:-1]),
        panels.line(f"depth {depths[-1]} (in the norm's colour)", words.BLUE),
        panels.line("BatchNorm by running statistics", ls=DASHES["running"]),
    ]
    panels.legend(figure, entries)
    return panels.caption(figure, f"{words.training(table)}, test split; median and quartiles over runs.")
