"""The same architecture from prejudiced and from neutral starts: what the start does, apart from the architecture."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from figures import panels, words
from figures.reading import curves, first, groups, where

EXPERIMENT = "start_matters"
STARTS = {"prejudiced": words.PURPLE, "neutral": words.BLUE}
# what is drawn, of which split
ROWS = {"accuracy, favoured class\nminus the other": ("gap", "train"), "test accuracy": ("accuracy", "test")}


def draw(tidy: Path) -> Figure:
    table = curves(tidy, EXPERIMENT)
    rows = pd.concat([where(table, split=split).assign(left=left) for left, (_, split) in ROWS.items()])
    columns = len(groups(table, "norm", "placement"))
    figure, axes, parts = panels.grid(
        rows, ["left"], ["norm", "placement"], width=1.9 * columns + 1.2, height=1.5, room=1.0, sharey="row"
    )
    for one, part in parts:
        norm, placement, left = first(part, "norm", "placement", "left")
        for (start,), curve in groups(part, "select"):
            panels.band(one, curve, ROWS[left][0], STARTS[start])
        panels.label(one, top=words.name(norm, placement), left=left)
    for one in axes[0]:
        one.axhline(0, color=panels.FAINT, lw=0.6, zorder=0)
    panels.step_axes(axes)
    panels.legend(figure, [panels.line(f"{start} starts", colour) for start, colour in STARTS.items()])
    text = (
        f"{words.training(table)}. Starts are redrawn until the two classes' guess fractions differ by more than .9 "
        "at step 0 (prejudiced) or by less than .1 (neutral). Median and quartiles over runs, batch statistics."
    )
    return panels.caption(figure, text)
