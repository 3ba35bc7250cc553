"""The gap between the initially favoured class and the other: how it opens at the start of training, and closes.

Deep networks. A prejudiced start has one class nearly all right and the other nearly all wrong.
"""

from pathlib import Path

from matplotlib.figure import Figure

from figures import panels, words
from figures.reading import curves, deepest, first

EXPERIMENT = "dynamics"


def draw(tidy: Path) -> Figure:
    table = deepest(curves(tidy, EXPERIMENT, "train"))
    figure, axes, parts = panels.grid(table, ["dataset"], ["norm", "placement"], height=1.1, room=1.0)
    for one, part in parts:
        norm, placement, dataset = first(part, "norm", "placement", "label")
        panels.favoured_and_other(one, part)
        panels.label(one, top=words.heading(norm, placement), left=words.wrapped(dataset))
    return panels.favoured_and_other_axes(figure, axes, table)
