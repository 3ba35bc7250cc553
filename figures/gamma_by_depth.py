"""The prejudice ratio gamma against depth: where the norm stands decides whether it grows, stays or vanishes.

Above gamma = 1 guesses pile up on one class. Networks of finite width deviate from infinite width when they are deep,
by terms of order depth / width.
"""

from pathlib import Path

from matplotlib.figure import Figure

from figures import panels, words
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
                fontsize=6.5, color=words.norm("batch").colour,
            )  # fmt: skip
    panels.gamma_axes(axes, table["depth"].max())
    looks = [words.norm(norm) for norm in table["norm"].unique()]
    panels.legend(figure, [panels.line(look.label, **panels.point(look.colour, look.marker)) for look in looks])
    text = (
        f"Points: {words.sampling(table)}, 95 % bootstrap intervals. Lines: infinite width, the data's own kernel, "
        f"nothing fitted. Values below {panels.FLOOR:g} are drawn there. No norm is shown in both rows."
    )
    return panels.caption(figure, text)
