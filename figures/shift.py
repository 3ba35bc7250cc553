"""A constant added to standardised data: preprocessing alone makes prejudice, and some norms undo it."""

from pathlib import Path

from matplotlib.figure import Figure

from figures import panels, words
from figures.reading import groups, read

EXPERIMENT = "shift"


def draw(tidy: Path) -> Figure:
    table = read(tidy, EXPERIMENT, "gamma")
    table = table[table["depth"].isin([1, table["depth"].max()])].sort_values("shift", kind="stable")
    figure, axes, parts = panels.grid(table, ["dataset"], ["depth"], height=2.3, room=1.1)
    for one, part in parts:
        configurations = groups(part, "norm", "placement")
        for place, (cell, rows) in enumerate(configurations):
            look = panels.of_cell(*cell)
            one.plot(rows["shift"], rows["gamma_finite"].clip(panels.FLOOR), **look | {"marker": "_", "ms": 9})
            infinite = rows["gamma_kernel"].clip(panels.FLOOR)
            one.plot(rows["shift"], infinite, **look | {"marker": ""} | panels.INFINITE, zorder=1)
            beside = 0.02 * (place - len(configurations) / 2)
            one.errorbar(
                rows["shift"] + beside, rows["gamma"].clip(panels.FLOOR), panels.bars(rows, "gamma"), lw=0.9,
                clip_on=False, **look | {"ls": ""},
            )  # fmt: skip
        one.axhline(1, color=panels.FAINT, lw=0.6, zorder=0)
        panels.label(one, top=f"depth {part['depth'].iloc[0]}", left="gamma")
    axes[0, 0].set(yscale="log")
    axes[0, 0].set_ylim(bottom=panels.FLOOR)
    panels.label_below(axes, "shift (standard deviations)")
    panels.cells_legend(figure, table)
    text = (
        f"A constant is added to standardised data. {words.sampling(table)}, 95 % intervals; points are "
        "moved apart to be seen. Theory, of the shifted data: dashes, joined by lines, at this width; dotted at "
        "infinite width. "
        f"Values below {panels.FLOOR:g} are drawn there."
    )
    return panels.caption(figure, text)
