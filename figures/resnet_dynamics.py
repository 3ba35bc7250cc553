"""ResNet-9 and ViT as training starts, norm before and after: the gap between the favoured class and the other."""

from pathlib import Path

from matplotlib.figure import Figure

from figures import panels, words
from figures.reading import curves

EXPERIMENT = "resnet_dynamics"


def draw(tidy: Path) -> Figure:
    table = curves(tidy, EXPERIMENT, "train")
    figure, axes, parts = panels.grid(table, ["network", "class_names"], ["placement"], width=5.6, height=1.5, room=1.0)
    for one, part in parts:
        first = part.iloc[0]
        panels.favoured_and_other(one, part)
        one.set_title(f"{words.name(first['norm'], first['placement'])}, n = {first['runs']}", fontsize=8)
        panels.label(one, left=f"{words.network(first['network'])}\n{first['class_names']}")
    return panels.favoured_and_other_axes(figure, axes, table, between=(2, 3, 5))
