"""How test accuracy develops from the first step: every configuration, shallow and deep, every data set."""

from pathlib import Path

from matplotlib.figure import Figure

from figures import panels
from figures.reading import curves

EXPERIMENT = "dynamics"


def draw(tidy: Path) -> Figure:
    return panels.all_configurations(curves(tidy, EXPERIMENT, "test"), "accuracy", "test accuracy")
