"""Training of every norm, placement and depth, from unselected starts. Its settings are `settings.Training`."""

from study.jobs import CURVES, Tables, Training, training
from study.library import CELLS, Cell
from study.settings import Study


def run(study: Study, dataset: str, cell: Cell, depth: int) -> Training:
    """The training of one cell, which other experiments show beside their own."""
    return training(study, "dynamics", f"{dataset}/{cell.name}-{depth}", dataset, cell, depth=depth)


def tables(study: Study) -> Tables:
    """The tidy tables and what they are made of."""
    trainings = [
        run(study, dataset, cell, depth)
        for dataset in study.datasets
        for depth in study.training.depths
        for cell in CELLS.values()
    ]
    return Tables(files=CURVES, trainings=trainings)
