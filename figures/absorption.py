"""How fast prejudice is absorbed: the largest guess fraction against the step of training; one half is even."""

from pathlib import Path

from matplotlib.figure import Figure

from figures import panels
from figures.reading import curves

EXPERIMENT = "dynamics"


def draw(tidy: Path) -> Figure:
    table = curves(tidy, EXPERIMENT, "train")
    return panels.all_configurations(table, "max_guess_fraction", "largest guess fraction", between=(0.5, 1))
