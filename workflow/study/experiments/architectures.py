"""Networks for images, each with those of the cells that it can have. There is no theory of them here."""

from collections.abc import Mapping
from typing import Annotated, Any

from study.jobs import IMAGES, Sample, Tables, initial_data
from study.library import IMAGE_NETWORKS
from study.settings import (
    SOME,
    Count,
    ImageCells,
    ImageDataset,
    Model,
    OnDataset,
    Points,
    Study,
    TwoOrMore,
    check_base_width,
    one_of,
)


class Networks(Model):
    """Initialisations of a network, and the points that they are seen on."""

    network: Annotated[str, one_of(IMAGE_NETWORKS)]
    base_width: Count
    points: TwoOrMore
    inits: TwoOrMore


class Settings(OnDataset):
    """Networks, and the cells that each has as far as it can."""

    dataset: ImageDataset
    cells: ImageCells
    networks: Annotated[list[Networks], SOME]

    def check(self, datasets: Mapping[str, Points]) -> None:
        """Widths must be the network's, and the points among those that are prepared."""
        super().check(datasets)
        prepared = datasets[self.dataset].points
        for one in self.networks:
            check_base_width(one.network, one.base_width)
            if one.points > prepared:
                raise ValueError(f"points: {one.points} is more than the {prepared} of datasets.{self.dataset}.points")


def tables(study: Study) -> Tables:
    own = study.of(Settings)
    same: dict[str, Any] = {"data": initial_data(study, own.dataset), "seed": study.seed}
    samples = [
        Sample(
            experiment="architectures",
            group=f"{one.network}-{one.base_width}",
            cell=cell,
            **same | one.model_dump(),
        )
        for one in own.networks
        for cell in own.cells
        if cell.norm in IMAGE_NETWORKS[one.network].norms
    ]
    return Tables(files=IMAGES, samples=samples)
