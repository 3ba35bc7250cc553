"""Training of every norm, placement and depth, from unselected starts. Its settings are `settings.Training`."""

from study.jobs import CURVES, Tables, Training, training
from study.library import CELLS, Cell
from study.settings import Study


def run(study: Study, dataset: str, cell: Cell, depth: int) -> Training:
    """The training of one cell, which other experiments show beside their own."""
    return training(study, "dynamics", f"{dataset}-{depth}", dataset, cell, depth=depth)


def tables(study: Study) -> Tables:
    depths, cells = study.training.depths, CELLS.values()
    trainings = [run(study, data, cell, depth) for data in study.datasets for depth in depths for cell in cells]
    return Tables(files=CURVES, trainings=trainings)
