"""Networks for images, each with those of the cells that it can have. There is no theory of them here."""

from typing import Annotated

from study.jobs import IMAGES, Sample, Tables, initial_data
from study.library import IMAGE_NETWORKS
from study.settings import SOME, ImageCells, ImageDataset, OnFirstPoints, Study, TwoOrMore, one_of


class Settings(OnFirstPoints):
    """Initialisations by network."""

    dataset: ImageDataset
    inits: Annotated[dict[Annotated[str, one_of(IMAGE_NETWORKS)], TwoOrMore], SOME]
    cells: ImageCells


def tables(study: Study) -> Tables:
    """The tidy tables and what they are made of."""
    own = study.of(Settings)
    return Tables(
        files=IMAGES,
        samples=[
            Sample(
                experiment="architectures",
                name=f"{network}/{cell.name}",
                data=initial_data(study, own.dataset),
                network=network,
                cell=cell,
                points=own.points,
                inits=inits,
                seed=study.seed,
            )
            for network, inits in own.inits.items()
            for cell in own.cells
            if cell.norm in IMAGE_NETWORKS[network].norms
        ],
    )
