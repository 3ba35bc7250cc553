"""The eval-mode trap: BatchNorm with fresh running statistics shows the guesses of a network without any norm.

With a running mean of 0 and a variance of 1 it is the identity; training starts from the batch's statistics.
"""

from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.patches import Patch

from figures import panels, words
from figures.reading import beside, first, read, where

EXPERIMENT = "batch_statistics"


def draw(tidy: Path) -> Figure:
    table = read(tidy, EXPERIMENT, "histograms")
    filled, outlined = words.norm("batch").colour, words.VERMILION
    figure, axes, parts = panels.grid(beside(table), ["depth"], ["side"], width=5.6, height=1.4, room=1.0)
    for one, part in parts:
        depth, side = first(part, "depth", "side")
        panels.histogram(one, where(part, norm="batch", bn_statistics="batch"), filled)
        running = where(part, norm="batch", bn_statistics="running")
        panels.histogram(one, running, outlined, fill=False, alpha=1, lw=1.2)
        none = where(part, norm="none")
        one.plot((none["bin_low"] + none["bin_high"]) / 2, none["count"] / none["inits"], "k.", ms=2.5)
        panels.label(one, top=words.name("batch", side), left=f"depth {depth}")
    panels.labelled_guess_axes(axes, (table["count"] / table["inits"]).max())
    entries = [
        Patch(color=filled, alpha=0.55, lw=0, label="batch statistics"),
        panels.line("eval mode, fresh statistics", outlined),
        panels.line("no norm at all", marker=".", lw=0),
    ]
    panels.legend(figure, entries)
    return panels.caption(figure, f"{words.sampling(table)}.")
