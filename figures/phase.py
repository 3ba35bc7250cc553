"""Where regimes lie over weight and bias variance: theory in the limit of depth, and sampled networks in its colours.

White: gamma is 1. Dashed: the edge of chaos, beyond which two points part however alike they are.
"""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from figures import panels, words
from figures.reading import first, read, where

EXPERIMENT = "phase"
KINDS = list(words.REGIMES)[:3]
STRONG = dict(zip(KINDS, (words.SKY, words.ORANGE, words.PURPLE), strict=True))


def draw(tidy: Path) -> Figure:
    places, sampled = (read(tidy, EXPERIMENT, table) for table in ("map", "regimes"))
    figure, axes, parts = panels.grid(places, ["activation"], ["norm", "placement"], height=1.25, room=1.2)
    colours = ListedColormap(list(STRONG.values()))
    for one, part in parts:
        norm, placement, activation = first(part, "norm", "placement", "activation")
        grid = part.assign(kind=part["regime"].map(KINDS.index)).pivot(index="bias_variance", columns="weight_variance")
        x, y = grid["kind"].columns.to_numpy(), grid["kind"].index.to_numpy()
        one.pcolormesh(x, y, grid["kind"], cmap=colours, vmin=-0.5, vmax=2.5, alpha=0.45, rasterized=True)
        _line(one, x, y, grid["gamma"].clip(upper=1e6), "white", "-")
        if norm == "none":
            _line(one, x, y, grid["slope_at_one"], "black", (0, (3, 2)))
        seen = where(sampled, norm=norm, placement=placement, activation=activation)
        shown = [STRONG.get(regime, panels.FAINT) for regime in seen["regime_seen"]]
        one.scatter(seen["weight_variance"], seen["bias_variance"], c=shown, s=16, lw=0.6, ec="black", clip_on=False)
        panels.label(one, top=words.heading(norm, placement), left=f"bias variance\n{words.term(activation)}")
    axes[0, 0].set_xticks([1, 2, 3, 4])
    axes[0, 0].set_yticks([0, 0.1, 0.2, 0.3])
    panels.label_below(axes, "weight variance")
    entries = [Patch(color=STRONG[kind], alpha=0.45, label=kind) for kind in KINDS]
    panels.legend(figure, [*entries, panels.line("edge of chaos", "black", ls=(0, (3, 2)))])
    text = (
        "Colours: infinite width, isotropic data, limit of depth; white: gamma 1. Discs: the regime that guesses of "
        f"sampled networks show (grey: undecided; blue on yellow: gamma below 0.1). {words.sampling(sampled)}."
    )
    return panels.caption(figure, text)


def _line(axes: Axes, x: Any, y: Any, values: Any, colour: str, style: Any) -> None:
    """Where a quantity is 1, if it is anywhere."""
    numbers = values.to_numpy()
    if np.nanmin(numbers) < 1 < np.nanmax(numbers):
        axes.contour(x, y, numbers, levels=[1.0], colors=colour, linestyles=[style], linewidths=0.9)
