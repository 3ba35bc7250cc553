"""gamma against width, and whether it goes to its infinite-width theory."""

from typing import Annotated

from pydantic import Field

from study.jobs import MANY_CLASSES, Tables, at_width, initial_data, sample, theory
from study.library import CELLS
from study.settings import ImageDataset, OnFirstPoints, Study, TwoOrMore, Width

# rms has the infinite-width gamma of layer-before, and batch-after's is 0 by construction: nothing to converge to.
SHOWN = [CELLS[name] for name in ("none", "batch-before", "layer-before", "layer-after")]
WITH_CHAIN = [cell for cell in SHOWN if cell.norm != "batch"]  # simulating BatchNorm is sampling it again
DRAWS = 10  # gamma is all that is needed of the theory; these only fill the file


class Settings(OnFirstPoints):
    """Networks by width, of a data set with more than two classes."""

    dataset: ImageDataset
    depth: TwoOrMore
    widths: Annotated[dict[Width, TwoOrMore], Field(min_length=2)]


def tables(study: Study) -> Tables:
    name, own = "width_convergence", study.of(Settings)
    data = initial_data(study, own.dataset, "all")  # ten output nodes a network say more about gamma than two
    same = {"depth": own.depth, "points": own.points, "activation": None}
    samples = [
        sample(study, name, str(width), data, cell, width=width, inits=inits, **same)
        for cell in SHOWN
        for width, inits in sorted(own.widths.items())
    ]
    same |= {"draws": DRAWS, "draws_depths": None}
    theories = [theory(study, name, "infinite", data, cell, **same) for cell in SHOWN]
    theories += [at_width(job, width, DRAWS) for job in theories if job.cell in WITH_CHAIN for width in own.widths]
    return Tables(files=MANY_CLASSES, samples=samples, theories=theories)
