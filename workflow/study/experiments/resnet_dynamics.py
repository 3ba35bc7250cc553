"""Training of networks for images with their norm before and after the activation."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from study import settings
from study.jobs import CURVES, Tables, Training, training_data
from study.library import IMAGE_NETWORKS, SCHEDULES, SIZES
from study.settings import SOME, UNIQUE, Count, Model, TwoOrMore

Share = Annotated[float, Field(ge=0)]


class Networks(Model):
    """A network for images in some cells, trained on each of some class maps."""

    network: Annotated[str, settings.one_of(IMAGE_NETWORKS)]
    base_width: Count
    cells: settings.ImageCells
    classes: Annotated[list[settings.ClassMap], SOME, UNIQUE]
    points: TwoOrMore
    epochs: Count
    runs: Count


class Settings(settings.OnDataset):
    """How they are trained, and which."""

    dataset: settings.ImageDataset
    test_points: TwoOrMore
    evaluated: TwoOrMore
    optimizer: settings.Optimizer
    learning_rate: settings.Rate
    schedule: Annotated[str, settings.one_of(SCHEDULES)]
    weight_decay: Share
    clip: Share
    augment: bool
    batch_size: TwoOrMore
    networks: Annotated[list[Networks], SOME]

    def check(self, datasets: Mapping[str, settings.Points]) -> None:
        """Cells and widths must be the network's, and there must be as many points of each class map."""
        super().check(datasets)
        for one in self.networks:
            record = IMAGE_NETWORKS[one.network]
            settings.check_base_width(one.network, one.base_width)
            for cell in one.cells:
                if cell.norm not in record.norms:
                    allowed = ", ".join(record.norms)
                    raise ValueError(f"cells: {cell} is not for {one.network}, its norms are {allowed}")
            settings.check_batch(self.batch_size, one.points, "points")
            for classes in one.classes:
                settings.check_class_map("classes", self.dataset, classes)
                prepared, there = datasets[self.dataset], SIZES[self.dataset][classes]
                limits = map(min, (prepared.training_points, prepared.test_points), there[1:])
                for key, given, limit in zip(
                    ("points", "test_points"), (one.points, self.test_points), limits, strict=True
                ):
                    if given > limit:
                        raise ValueError(f"{key}: {given} is more than the {limit} of {self.dataset} {classes}")


def tables(study: settings.Study) -> Tables:
    own = study.of(Settings)
    usual = own.model_dump(exclude={"dataset", "learning_rate", "networks"})
    usual |= {"experiment": "resnet_dynamics", "lr": own.learning_rate, "seed": study.seed}
    trainings = [
        Training(
            group=f"{one.network}-{one.base_width}-{classes}",
            data=training_data(study, own.dataset, classes),
            cell=cell,
            **usual | one.model_dump(include={"network", "base_width", "points", "epochs", "runs"}),
        )
        for one in own.networks
        for classes in one.classes
        for cell in one.cells
    ]
    return Tables(files=CURVES, trainings=trainings)
