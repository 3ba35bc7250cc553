"""How the guess fraction G₀ is distributed over random networks: by configuration, depth and data set."""

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.patches import Patch

from figures import panels, words
from figures.reading import first, read

EXPERIMENT = "placements"
CAPTION = "Each panel: {settings}, bins of 1/{bins}; nothing is fitted."
ISOTROPIC: dict[str, Any] = {"ls": (0, (1.5, 1.5)), "lw": 0.8}


def draw(tidy: Path) -> Figure:
    """Draw a row a data set and depth, a column a configuration; bars are networks, lines are theory."""
    table = read(tidy, EXPERIMENT, "histograms")
    figure, axes, parts = panels.grid(table, ["dataset", "depth"], ["norm", "placement"], height=1.0, room=1.0)
    for one, part in parts:
        norm, placement, dataset, depth = first(part, "norm", "placement", "label", "depth")
        panels.histogram(one, part, words.norm(norm).colour)
        panels.theory(one, part, "share_kernel")
        panels.theory(one, part, "share_isotropic", **ISOTROPIC)
        panels.label(one, top=words.heading(norm, placement), left=f"{words.wrapped(dataset)}\ndepth {depth}")
    panels.guess_axes(axes)
    panels.guess_labels(axes)
    panels.legend(
        figure,
        [
            Patch(color=words.GREY, alpha=0.55, lw=0, label="sampled networks"),
            panels.line("theory, the data's own kernel", lw=0.8),
            panels.line("theory, isotropic data", **ISOTROPIC),
        ],
    )
    panels.caption(figure, CAPTION.format(settings=words.sampling(table), bins=len(part)))
    return figure
