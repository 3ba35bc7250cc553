"""The same architecture from prejudiced and from neutral starts."""

from study.jobs import CURVES, Tables, training
from study.settings import Cells, Count, OnDataset, Study


class Settings(OnDataset):
    """The networks, and runs per cell and kind of start."""

    depth: Count
    cells: Cells
    runs: Count


def tables(study: Study) -> Tables:
    own = study.of(Settings)
    same = {"depth": own.depth, "runs": own.runs, "seed": study.seed + 1}  # not the runs of dynamics again
    trainings = [
        training(study, "start_matters", select, own.dataset, cell, select=select, **same)
        for cell in own.cells
        for select in ("prejudiced", "neutral")
    ]
    return Tables(files=CURVES, trainings=trainings)
