"""A constant added to every standardised value. Without one it is the placements experiment."""

from typing import Annotated

from study.experiments import placements
from study.jobs import TWO_CLASSES, Tables, initial_data, sample, theory
from study.settings import SOME, UNIQUE, Cells, OnDataset, Rate, Study, TwoOrMore


class Settings(OnDataset):
    """Shifts, and networks a cell and shift."""

    shifts: Annotated[list[Rate], SOME, UNIQUE]
    inits: TwoOrMore
    cells: Cells


def tables(study: Study) -> Tables:
    """The tidy tables and what they are made of."""
    own = study.of(Settings)
    data = initial_data(study, own.dataset)
    shifted = [(f"{shift:g}/{cell.name}", cell, shift) for shift in own.shifts for cell in own.cells]
    return Tables(
        files=TWO_CLASSES,
        samples=[
            *placements.samples(study, own.dataset, own.cells),
            *(sample(study, "shift", name, data, cell, inits=own.inits, shift=by) for name, cell, by in shifted),
        ],
        theories=[
            *placements.theories(study, own.dataset, own.cells),
            *(theory(study, "shift", name, data, cell, shift=by) for name, cell, by in shifted),
        ],
    )
