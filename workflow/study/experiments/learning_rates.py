"""Which placements train at all, and how soon."""

from typing import Annotated

from pydantic import Field

from study.experiments import dynamics
from study.jobs import CURVES, Tables, Training, training
from study.library import Cell
from study.settings import UNIQUE, Cells, Count, OnDataset, Rate, Study


class Settings(OnDataset):
    """The networks, and runs per cell and rate."""

    depth: Count
    cells: Cells
    rates: Annotated[list[Rate], Field(min_length=2), UNIQUE]
    runs: Count


def tables(study: Study) -> Tables:
    own = study.of(Settings)
    return Tables(files=CURVES, trainings=[_run(study, own, cell, rate) for cell in own.cells for rate in own.rates])


def _run(study: Study, own: Settings, cell: Cell, rate: float) -> Training:
    """A cell's training at a rate: that of dynamics, with all its runs, where it trains the same networks anyway."""
    if rate == study.training.learning_rate and own.depth in study.training.depths:
        return dynamics.run(study, own.dataset, cell, own.depth)
    changes = {"depth": own.depth, "lr": rate, "runs": own.runs}
    return training(study, "learning_rates", f"{rate:g}", own.dataset, cell, **changes)
