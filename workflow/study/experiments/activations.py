"""The other activations. Without kernel theory: on Gaussian blobs it is that of isotropic data."""

from study.experiments import placements
from study.jobs import TWO_CLASSES, Tables, initial_data, sample
from study.library import ACTIVATIONS
from study.settings import Cells, OnDataset, Study, TwoOrMore


class Settings(OnDataset):
    """Networks a cell and activation."""

    inits: TwoOrMore
    cells: Cells


def tables(study: Study) -> Tables:
    own = study.of(Settings)
    data = initial_data(study, own.dataset)
    samples = [sample(*one) for one in placements.networks(study, own.dataset, own.cells)]
    samples += [
        sample(study, "activations", name, data, cell, activation=name, inits=own.inits)
        for name in ACTIVATIONS
        if name != study.placements.activation
        for cell in own.cells
    ]
    return Tables(files=TWO_CLASSES, samples=samples)
