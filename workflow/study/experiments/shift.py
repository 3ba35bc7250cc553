"""A constant added to every standardised value. Without one it is the placements experiment."""

from typing import Annotated

from study.experiments import placements
from study.jobs import TWO_CLASSES, Tables, initial_data, sample, theories
from study.settings import SOME, UNIQUE, Cells, OnDataset, Rate, Study, TwoOrMore


class Settings(OnDataset):
    """Shifts, and networks per cell and shift."""

    shifts: Annotated[list[Rate], SOME, UNIQUE]
    inits: TwoOrMore
    cells: Cells


def tables(study: Study) -> Tables:
    own = study.of(Settings)
    shown = placements.networks(study, own.dataset, own.cells)
    samples, of_shown = [sample(*one) for one in shown], [theory for one in shown for theory in theories(*one)]
    for shift in own.shifts:
        for cell in own.cells:
            one = (study, "shift", f"{shift:g}", initial_data(study, own.dataset), cell)
            samples.append(sample(*one, shift=shift, inits=own.inits))
            of_shown += theories(*one, shift=shift)
    return Tables(files=TWO_CLASSES, samples=samples, theories=of_shown)
