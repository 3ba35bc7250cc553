"""BatchNorm in eval mode with fresh statistics, beside batch statistics."""

from study.experiments import placements
from study.jobs import TWO_CLASSES, Tables, initial_data, sample
from study.library import CELLS
from study.settings import OnDataset, Study

BATCH_NORM = [CELLS[name] for name in ("batch-before", "batch-after")]


class Settings(OnDataset):
    """The data set alone."""


def tables(study: Study) -> Tables:
    dataset = study.of(Settings).dataset
    data = initial_data(study, dataset)
    samples = [sample(*one) for one in placements.networks(study, dataset, [CELLS["none"], *BATCH_NORM])]
    for cell in BATCH_NORM:
        samples.append(sample(study, "batch_statistics", "running", data, cell, bn_statistics="running"))
    return Tables(files=TWO_CLASSES, samples=samples)
