"""How the guess fraction G₀ is distributed over random networks: by configuration and data set, deep and shallow."""

from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.patches import Patch

from figures import panels, words
from figures.reading import deepest, first, read, where

EXPERIMENT = "placements"


def draw(tidy: Path) -> Figure:
    table = read(tidy, EXPERIMENT, "histograms")
    figure, axes, parts = panels.grid(table, ["dataset"], ["norm", "placement"], height=1.2, room=1.0)
    for one, part in parts:
        norm, placement, dataset = first(part, "norm", "placement", "label")
        panels.histogram(one, deepest(part), words.norm(norm).colour)
        panels.theory(one, deepest(part), "share_finite")
        panels.theory(one, deepest(part), "share_kernel", **panels.INFINITE)
        shallow = where(part, depth=part["depth"].min())
        panels.histogram(one, shallow, words.GREY, fill=False, alpha=1, lw=0.7)
        panels.label(one, top=words.heading(norm, placement), left=words.wrapped(dataset))
    theories = table[["share_finite", "share_kernel"]].max(axis=None)
    panels.labelled_guess_axes(axes, max(theories, (table["count"] / table["inits"]).max()))
    shallowest, last = table["depth"].min(), table["depth"].max()
    entries = [
        Patch(color=words.BLUE, alpha=0.55, lw=0, label=f"depth {last} (in the norm's colour)"),
        panels.line(f"theory at depth {last} and the networks' width", lw=0.8),
        panels.line("infinite width", **panels.INFINITE),
        panels.line(f"depth {shallowest}", words.GREY, lw=0.7),
    ]
    panels.legend(figure, entries, columnspacing=1.2, handlelength=1.6)
    bins = len(where(part, depth=last))
    sampled = f"Each panel: {words.sampling(table)}, bins of 1/{bins}"
    return panels.caption(figure, f"{sampled}; both theories on the data's own points, nothing fitted.")
