"""Every norm and placement, on every data set. Its settings are common to most experiments: `settings.Placements`."""

from collections.abc import Iterable

from study.jobs import TWO_CLASSES, Data, Tables, initial_data, sample, theories
from study.library import CELLS, Cell
from study.settings import Study


def networks(study: Study, dataset: str, cells: Iterable[Cell]) -> list[tuple[Study, str, str, Data, Cell]]:
    """What `sample` and `theory` take for these cells, which other experiments show beside their own."""
    data = initial_data(study, dataset)
    return [(study, "placements", dataset, data, cell) for cell in cells]


def tables(study: Study) -> Tables:
    shown = [one for dataset in study.datasets for one in networks(study, dataset, CELLS.values())]
    of_shown = [theory for one in shown for theory in theories(*one)]
    return Tables(files=TWO_CLASSES, samples=[sample(*one) for one in shown], theories=of_shown)
