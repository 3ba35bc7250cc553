"""Training of ResNet-9 and ViT with the norm each usually has, before and after the activation."""

from collections.abc import Mapping
from typing import Annotated

from study import settings
from study.jobs import CURVES, Tables, Training, training_data
from study.library import PLACEMENTS, SIZES, USUAL_NORM, Cell
from study.settings import SOME, UNIQUE, Count, TwoOrMore


class Settings(settings.OnDataset):
    """How they are trained, with which classes; runs by network."""

    dataset: settings.ImageDataset
    classes: Annotated[list[settings.ClassMap], SOME, UNIQUE]
    points: TwoOrMore
    test_points: TwoOrMore
    optimizer: settings.Optimizer
    learning_rate: settings.Rate
    batch_size: TwoOrMore
    epochs: Count
    runs: Annotated[dict[Annotated[str, settings.one_of(USUAL_NORM)], Count], SOME]

    def check(self, datasets: Mapping[str, settings.Points]) -> None:
        """There must be as many points of each class map."""
        super().check(datasets)
        settings.check_batch(self.batch_size, self.points, "points")
        for classes in self.classes:
            settings.check_class_map("classes", self.dataset, classes)
            prepared, there = datasets[self.dataset], SIZES[self.dataset][classes]
            limits = map(min, (prepared.training_points, prepared.test_points), there[1:])
            for key, limit in zip(("points", "test_points"), limits, strict=True):
                if (given := getattr(self, key)) > limit:
                    raise ValueError(f"{key}: {given} is more than the {limit} of {self.dataset} {classes}")


def tables(study: settings.Study) -> Tables:
    own = study.of(Settings)
    same = own.model_dump(include={"points", "test_points", "optimizer", "batch_size", "epochs"})
    same |= {"experiment": "resnet_dynamics", "lr": own.learning_rate, "seed": study.seed}
    trainings = [
        Training(
            group=f"{network}-{classes}", data=training_data(study, own.dataset, classes), network=network,
            cell=Cell(USUAL_NORM[network], placement), runs=runs, **same,
        )
        for network, runs in own.runs.items()
        for classes in own.classes
        for placement in PLACEMENTS
    ]  # fmt: skip
    return Tables(files=CURVES, trainings=trainings)
