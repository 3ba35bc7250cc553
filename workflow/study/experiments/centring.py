"""Norms that only centre or only scale, beside whole ones."""

from study.experiments import placements
from study.jobs import TWO_CLASSES, Tables, initial_data, sample, theory
from study.library import CELLS, HALF_CELLS
from study.settings import OnDataset, Study


class Settings(OnDataset):
    """The data set alone."""


def tables(study: Study) -> Tables:
    """The tidy tables and what they are made of."""
    dataset = study.of(Settings).dataset
    data = initial_data(study, dataset)
    return Tables(
        files=TWO_CLASSES,
        samples=[
            *placements.samples(study, dataset, CELLS.values()),
            *(sample(study, "centring", cell.name, data, cell) for cell in HALF_CELLS.values()),
        ],
        theories=[
            *placements.theories(study, dataset, CELLS.values()),
            *(theory(study, "centring", cell.name, data, cell) for cell in HALF_CELLS.values()),
        ],
    )
