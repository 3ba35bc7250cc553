"""Networks for images as training starts, norm before and after: the favoured class against the other."""

from pathlib import Path

from matplotlib.figure import Figure

from figures import panels, words
from figures.reading import curves, first, groups

EXPERIMENT = "resnet_dynamics"


def draw(tidy: Path) -> Figure:
    table = curves(tidy, EXPERIMENT, "train")
    figure, axes, parts = panels.grid(
        table, ["network", "width", "class_names"], ["placement"], width=5.6, height=1.5, room=1.1
    )
    for one, part in parts:
        network, width, classes, placement = first(part, "network", "width", "class_names", "placement")
        for _, curve in groups(part, "norm"):
            panels.favoured_and_other(one, curve)
        norms = " and ".join(words.norm(norm).label for norm in dict.fromkeys(part["norm"]))
        one.set_title(f"{norms} {placement}", fontsize=8)
        panels.label(one, left=f"{words.network(network)}\nbase width {width}\n{classes}")
    return panels.favoured_and_other_axes(figure, axes, table, between=(2, 3, 5))
