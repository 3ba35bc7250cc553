"""How accuracy develops from the first step, of test and of training points: every configuration and data set."""

from pathlib import Path

from matplotlib.figure import Figure

from figures import panels
from figures.reading import curves

EXPERIMENT = "dynamics"


def draw(tidy: Path) -> Figure:
    test, train = (curves(tidy, EXPERIMENT, split) for split in ("test", "train"))
    return panels.all_configurations(test, "accuracy", "accuracy", thin=train)
