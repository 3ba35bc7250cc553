"""ResNet-9 and ViT as training starts, norm before and after: the gap between the favoured class and the other."""

from pathlib import Path

from matplotlib.figure import Figure

from figures import panels, words
from figures.reading import curves

EXPERIMENT = "resnet_dynamics"
CAPTION = "{settings}, unselected starts, batch statistics; median and quartiles over runs."


def draw(tidy: Path) -> Figure:
    """Draw a row a network and pair of classes, a column a placement; accuracy of the favoured class and the other."""
    table = curves(tidy, EXPERIMENT, "train")
    figure, axes, parts = panels.grid(table, ["network", "class_names"], ["placement"], width=5.6, height=1.5, room=1.0)
    for one, part in parts:
        first = part.iloc[0]
        panels.favoured_and_other(one, part)
        one.set_title(f"{words.name(first['norm'], first['placement'])}, n = {first['runs']}", fontsize=8)
        panels.label(one, left=f"{words.network(first['network'])}\n{first['class_names']}")
    panels.step_axes(axes, between=(2, 3, 5))
    panels.class_axes(axes)
    panels.favoured_legend(figure)
    panels.caption(figure, CAPTION.format(settings=words.training(table)))
    return figure
