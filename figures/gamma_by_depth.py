"""The prejudice ratio gamma against depth: where the norm stands decides whether it grows, stays or vanishes.

Above gamma = 1 guesses pile up on one class. Theory at the networks' own width leaves nothing out. That of BatchNorm is
simulated: hidden layers of other networks, their output layers averaged.
"""

from pathlib import Path

from matplotlib.figure import Figure

from figures import panels, words
from figures.look import SMALL
from figures.reading import beside, first, groups, read

EXPERIMENT = "placements"


def draw(tidy: Path) -> Figure:
    table = read(tidy, EXPERIMENT, "gamma")
    figure, axes, parts = panels.grid(beside(table), ["side"], ["dataset"], height=1.9, room=1.1)
    for one, part in parts:
        side, dataset = first(part, "side", "label")
        for (norm, placement), rows in groups(part, "norm", "placement"):
            _, colour, marker = words.norm(norm)
            thick = 2.4 if (norm, placement) == ("layer", "before") else 1.1  # it lies under the others
            panels.gamma_by_depth(one, rows, colour, marker, width=thick)
        panels.label(one, top=words.wrapped(dataset), left=f"gamma, norm {side}\nthe activation")
        if side == "after" and "batch" in set(part["norm"]):
            one.annotate(
                "BatchNorm after: 0 at every depth", (0.5, 0.03), xycoords="axes fraction", ha="center",
                fontsize=SMALL, color=words.norm("batch").colour,
            )  # fmt: skip
    panels.gamma_axes(axes, table["depth"].max())
    looks = [words.norm(norm) for norm in table["norm"].unique()]
    panels.legend(figure, [panels.line(look.label, **panels.point(look.colour, look.marker)) for look in looks])
    text = (
        f"Points: {words.sampling(table)}, 95 % intervals (most are smaller than points). Lines: theory at that width "
        "on the data's own points, nothing fitted (BatchNorm: simulated); dotted: infinite width. Values below "
        f"{panels.FLOOR:g} drawn there. No norm is shown in both rows."
    )
    return panels.caption(figure, text)
