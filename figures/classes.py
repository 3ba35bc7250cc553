"""Ten classes: the share of the data that networks put into the class they guess most, second most, and so on.

Deep networks. Beside it are guesses drawn from theory at the networks' own width and at infinite width.
"""

from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.patches import Patch

from figures import panels, words
from figures.look import SMALL
from figures.reading import deepest, read

EXPERIMENT = "classes"


def draw(tidy: Path) -> Figure:
    table = deepest(read(tidy, EXPERIMENT, "classes"))
    classes = int(table["classes"].iloc[0])
    figure, axes, parts = panels.grid(table, ["dataset"], ["norm", "placement"], height=1.4, room=1.1)
    for one, part in parts:
        first = part.iloc[0]
        colour = words.norm(first["norm"]).colour
        one.fill_between(part["rank"], part["fraction_low"], part["fraction_high"], color=colour, alpha=0.2, lw=0)
        one.plot(part["rank"], part["fraction_finite"], color="black", lw=1)
        one.plot(part["rank"], part["fraction_kernel"], color="black", lw=0.9, ls=":")
        one.plot(part["rank"], part["fraction"], ".", color=colour, ms=4)
        one.axhline(1 / classes, color=panels.FAINT, lw=0.6, zorder=0)
        entropy = f"H {first['entropy']:.2f} ({first['entropy_finite']:.2f})"
        one.text(0.95, 0.93, entropy, transform=one.transAxes, ha="right", va="top", fontsize=SMALL)
        panels.label(one, top=words.heading(first["norm"], first["placement"]), left=words.wrapped(first["label"]))
    panels.share_axis(axes)
    figure.supylabel("guess fraction (square-root axis)")
    axes[0, 0].set_xticks([1, classes])
    panels.label_below(axes, "rank of the class")
    entries = [
        panels.line("mean over networks", words.GREY, marker=".", lw=0),
        Patch(color=words.GREY, alpha=0.2, lw=0, label="quartiles"),
        panels.line("theory at this width", lw=1),
        panels.line("at infinite width", lw=0.9, ls=":"),
    ]
    panels.legend(figure, entries, columnspacing=1.2, handlelength=1.6)
    text = (
        f"{words.sampling(table)}. H: entropy of a network's guess fractions over log {classes}, mean over "
        "networks, in brackets by theory. Grey line: all classes alike."
    )
    return panels.caption(figure, text)
