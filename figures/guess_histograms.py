"""How the guess fraction G₀ is distributed over random networks: by configuration, depth and data set."""

from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.patches import Patch

from figures import panels, words
from figures.reading import first, read, with_theory_at_width

EXPERIMENT = "placements"


def draw(tidy: Path) -> Figure:
    table = with_theory_at_width(read(tidy, EXPERIMENT, "histograms"), "share_finite")
    figure, axes, parts = panels.grid(table, ["dataset", "depth"], ["norm", "placement"], height=1.0, room=1.0)
    for one, part in parts:
        norm, placement, dataset, depth = first(part, "norm", "placement", "label", "depth")
        panels.histogram(one, part, words.norm(norm).colour)
        panels.theory(one, part, "share_finite")
        panels.theory(one, part, "share_kernel", **panels.INFINITE)
        panels.label(one, top=words.heading(norm, placement), left=f"{words.wrapped(dataset)}\ndepth {depth}")
    panels.labelled_guess_axes(axes)
    entries = [
        Patch(color=words.GREY, alpha=0.55, lw=0, label="sampled networks"),
        panels.line("theory at the networks' own width", lw=0.8),
        panels.line("theory, infinite width", **panels.INFINITE),
    ]
    panels.legend(figure, entries)
    sampled = f"Each panel: {words.sampling(table)}, bins of 1/{len(part)}"
    return panels.caption(figure, f"{sampled}; both theories on the data's own points, nothing fitted.")
