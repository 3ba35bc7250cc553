"""Which half of a norm neutralises: centring alone, scaling alone, both, or neither; over the data and over the nodes.

After the activation centring over the nodes neutralises, and centring over the data makes gamma 0 by construction,
though not the guesses even. Scaling over the data keeps gamma finite.
"""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from figures import panels, words
from figures.reading import beside, first, read

EXPERIMENT = "centring"
# what a norm has of centring and scaling -> colour and marker
HALVES = {
    "neither": (words.GREY, "s"),
    "scaling": (words.ORANGE, "v"),
    "centring": (words.GREEN, "D"),
    "both": (words.BLUE, "o"),
}
OVER = {
    "over the data\n(BatchNorm and its halves)": ("none", "batch-scaling", "batch-centring", "batch"),
    "over the nodes\n(LayerNorm and its halves)": ("none", "rms", "layer-centring", "layer"),
}


def draw(tidy: Path) -> Figure:
    table = read(tidy, EXPERIMENT, "gamma")
    halves = pd.DataFrame(
        [(over, half, norm) for over, norms in OVER.items() for half, norm in zip(HALVES, norms, strict=True)],
        columns=["over", "half", "norm"],
    )
    figure, axes, parts = panels.grid(
        beside(table).merge(halves, on="norm"), ["over"], ["side"], width=6.4, height=1.9, room=1.0
    )
    for one, part in parts:
        for half, look in HALVES.items():
            panels.gamma_by_depth(one, part[part["half"] == half], *look, theory="gamma_kernel")
        over, side = first(part, "over", "side")
        panels.label(one, top=f"{side} the activation", left=f"gamma, norm {over}")
    panels.gamma_axes(axes, table["depth"].max())
    panels.legend(figure, [panels.line(half, colour, marker=marker) for half, (colour, marker) in HALVES.items()])
    text = (
        f"{words.sampling(table)}, 95 % intervals. Lines: infinite width, the data's own kernel. Values "
        f"below {panels.FLOOR:g} are drawn there. Scaling over the nodes is RMSNorm."
    )
    return panels.caption(figure, text)
