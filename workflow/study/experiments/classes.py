"""All ten classes of a data set, at every depth: they have no closed form, so their theory is drawn."""

from collections.abc import Mapping
from typing import Annotated

from study.jobs import MANY_CLASSES, Tables, initial_data, sample, theories
from study.settings import SOME, UNIQUE, Cells, ImageDataset, Model, Points, Study, TwoOrMore, check_prepared


class Settings(Model):
    """Data sets, and draws of the theory a cell."""

    datasets: Annotated[list[ImageDataset], SOME, UNIQUE]
    cells: Cells
    theory_draws: TwoOrMore

    def check(self, datasets: Mapping[str, Points]) -> None:
        """The data sets must be among those that are prepared."""
        for dataset in self.datasets:
            check_prepared("datasets", dataset, datasets)


def tables(study: Study) -> Tables:
    own = study.of(Settings)
    shown = [
        (study, "classes", dataset, initial_data(study, dataset, "all"), cell)
        for dataset in own.datasets
        for cell in own.cells
    ]
    of_shown = [theory for one in shown for theory in theories(*one, draws=own.theory_draws)]
    return Tables(files=MANY_CLASSES, samples=[sample(*one) for one in shown], theories=of_shown)
