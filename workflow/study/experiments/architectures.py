"""Networks for images, each with those of the cells that it can have. There is no theory of them here."""

from typing import Annotated, Any

from study.jobs import IMAGES, Sample, Tables, initial_data
from study.library import IMAGE_NETWORKS
from study.settings import SOME, ImageCells, ImageDataset, OnFirstPoints, Study, TwoOrMore, one_of


class Settings(OnFirstPoints):
    """Initialisations by network."""

    dataset: ImageDataset
    inits: Annotated[dict[Annotated[str, one_of(IMAGE_NETWORKS)], TwoOrMore], SOME]
    cells: ImageCells


def tables(study: Study) -> Tables:
    own = study.of(Settings)
    same: dict[str, Any] = {"data": initial_data(study, own.dataset), "points": own.points, "seed": study.seed}
    samples = [
        Sample(experiment="architectures", group=net, network=net, cell=cell, inits=inits, **same)
        for net, inits in own.inits.items()
        for cell in own.cells
        if cell.norm in IMAGE_NETWORKS[net].norms
    ]
    return Tables(files=IMAGES, samples=samples)
