"""Norms that only centre or only scale, beside whole ones."""

from study.experiments import placements
from study.jobs import TWO_CLASSES, Tables, initial_data, sample, theory
from study.library import CELLS, HALF_CELLS
from study.settings import OnDataset, Study


class Settings(OnDataset):
    """The data set alone."""


def tables(study: Study) -> Tables:
    dataset = study.of(Settings).dataset
    data = initial_data(study, dataset)
    shown = placements.networks(study, dataset, CELLS.values())
    shown += [(study, "centring", dataset, data, cell) for cell in HALF_CELLS.values()]
    return Tables(files=TWO_CLASSES, samples=[sample(*one) for one in shown], theories=[theory(*one) for one in shown])
