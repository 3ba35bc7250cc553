"""Every norm and placement, on every data set. Its settings are common to most experiments: `settings.Placements`."""

from collections.abc import Iterable

from study.jobs import TWO_CLASSES, Sample, Tables, Theory, initial_data, sample, theory
from study.library import CELLS, Cell
from study.settings import Study


def samples(study: Study, dataset: str, cells: Iterable[Cell]) -> list[Sample]:
    """Samples of these cells on a data set, which other experiments show beside their own."""
    data = initial_data(study, dataset)
    return [sample(study, "placements", f"{dataset}/{cell.name}", data, cell) for cell in cells]


def theories(study: Study, dataset: str, cells: Iterable[Cell]) -> list[Theory]:
    """The theory of these cells."""
    data = initial_data(study, dataset)
    return [theory(study, "placements", f"{dataset}/{cell.name}", data, cell) for cell in cells]


def tables(study: Study) -> Tables:
    """The tidy tables and what they are made of."""
    cells = CELLS.values()
    return Tables(
        files=TWO_CLASSES,
        samples=[job for dataset in study.datasets for job in samples(study, dataset, cells)],
        theories=[job for dataset in study.datasets for job in theories(study, dataset, cells)],
    )
