"""Every activation, by norm and placement, on isotropic data: the regime by theory, and gamma of sampled networks.

A panel's colour is the regime by the theory's fixed points.
"""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from figures import panels, words
from figures.look import SMALL
from figures.reading import first, read, where

EXPERIMENT = "activations"
# RMSNorm, and BatchNorm after, are in the tables.
SHOWN = [("none", "none"), ("batch", "before"), ("layer", "before"), ("layer", "after")]


def draw(tidy: Path) -> Figure:
    gamma, regimes = (read(tidy, EXPERIMENT, table) for table in ("gamma", "regimes"))
    gamma = gamma[pd.MultiIndex.from_frame(gamma[["norm", "placement"]]).isin(SHOWN)]
    figure, axes, parts = panels.grid(gamma, ["activation"], ["norm", "placement"], height=1.0, room=1.1)
    for one, part in parts:
        norm, placement, activation = first(part, "norm", "placement", "activation")
        regime = where(regimes, norm=norm, placement=placement, activation=activation).iloc[0]
        one.set_facecolor(words.REGIMES[regime["regime_theory"]])
        _, colour, marker = words.norm(norm)
        panels.gamma_by_depth(one, part, colour, marker, theory="gamma_isotropic")
        if regime["regime_seen"] != regime["regime_theory"]:
            one.text(
                0.05, 0.05, f"seen:\n{regime['regime_seen']}", transform=one.transAxes, va="bottom", fontsize=SMALL
            )
        panels.label(one, top=words.heading(norm, placement), left=f"gamma\n{words.term(activation)}")
    panels.gamma_axes(axes, gamma["depth"].max(), every=2)
    predicted = [Patch(color=words.REGIMES[regime], label=regime) for regime in list(words.REGIMES)[:3]]
    panels.legend(figure, predicted, title="regime by fixed points of the theory")
    text = (
        f"{words.sampling(gamma)}, 95 % intervals. Lines: infinite width, isotropic data. Values below "
        f"{panels.FLOOR:g} are drawn there, theory that is 0 too. Where guesses show another regime, it is written."
    )
    return panels.caption(figure, text)
