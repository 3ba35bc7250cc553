"""BatchNorm in eval mode with fresh statistics, beside batch statistics."""

from study.experiments import placements
from study.jobs import TWO_CLASSES, Tables, initial_data, sample
from study.library import CELLS
from study.settings import OnDataset, Study

BATCH_NORM = [CELLS[name] for name in ("batch-before", "batch-after")]


class Settings(OnDataset):
    """The data set alone."""


def tables(study: Study) -> Tables:
    """The tidy tables and what they are made of."""
    dataset = study.of(Settings).dataset
    data = initial_data(study, dataset)
    return Tables(
        files=TWO_CLASSES,
        samples=[
            *placements.samples(study, dataset, [CELLS["none"], *BATCH_NORM]),
            *(
                sample(study, "batch_statistics", f"{cell.name}-running", data, cell, bn_statistics="running")
                for cell in BATCH_NORM
            ),
        ],
    )
