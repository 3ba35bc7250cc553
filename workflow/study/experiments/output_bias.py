"""Is it the prejudice, or the lost correlation? The same deep networks, with another bias of their output layer.

A bias that takes off each output's mean makes a prejudiced start neutral, one that lets the favoured output lead makes
a neutral start prejudiced. Neither changes what the hidden layers make of the data. Runs are paired: run k of a cell
has the same weights and batches whatever its bias.
"""

from collections.abc import Mapping
from typing import Annotated

from study.experiments import dynamics
from study.jobs import CURVES, Tables, Training, training
from study.library import OUTPUT_BIASES, Cell
from study.settings import SOME, UNIQUE, Cells, Count, Dataset, Model, Points, Study, check_prepared, one_of


class Settings(Model):
    """The networks, how they are trained, and the cells with each kind of bias."""

    datasets: Annotated[list[Dataset], SOME, UNIQUE]
    depth: Count
    epochs: Count
    runs: Count
    cells: Annotated[dict[Annotated[str, one_of(OUTPUT_BIASES)], Cells], SOME]  # by bias

    def check(self, datasets: Mapping[str, Points]) -> None:
        """The data sets must be among those that are prepared."""
        for dataset in self.datasets:
            check_prepared("datasets", dataset, datasets)


def tables(study: Study) -> Tables:
    own = study.of(Settings)
    return Tables(
        files=CURVES,
        trainings=[
            _run(study, own, dataset, bias, cell)
            for dataset in own.datasets
            for bias, cells in own.cells.items()
            for cell in cells
        ],
    )


def _run(study: Study, own: Settings, dataset: str, bias: str, cell: Cell) -> Training:
    """A cell's training: that of dynamics where it trains the same networks anyway."""
    there = (study.training.epochs, study.training.runs[dataset])
    if bias == "drawn" and (own.epochs, own.runs) == there and own.depth in study.training.depths:
        return dynamics.run(study, dataset, cell, own.depth)
    changes = {"depth": own.depth, "epochs": own.epochs, "runs": own.runs, "output_bias": bias}
    return training(study, "output_bias", f"{dataset}-{bias}", dataset, cell, **changes)
