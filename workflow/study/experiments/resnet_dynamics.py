"""Training of ResNet-9 and ViT with the norm each usually has, before and after the activation."""

from collections.abc import Mapping
from typing import Annotated

from study.jobs import CURVES, Tables, Training, training_data
from study.library import PLACEMENTS, SIZES, USUAL_NORM, Cell
from study.settings import (
    SOME,
    UNIQUE,
    ClassMap,
    Count,
    ImageDataset,
    OnDataset,
    Optimizer,
    Points,
    Rate,
    Study,
    TwoOrMore,
    check_class_map,
    one_of,
)


class Settings(OnDataset):
    """How they are trained, with which classes; runs by network."""

    dataset: ImageDataset
    classes: Annotated[list[ClassMap], SOME, UNIQUE]
    points: TwoOrMore
    test_points: TwoOrMore
    optimizer: Optimizer
    learning_rate: Rate
    batch_size: TwoOrMore
    epochs: Count
    runs: Annotated[dict[Annotated[str, one_of(USUAL_NORM)], Count], SOME]

    def check(self, datasets: Mapping[str, Points]) -> None:
        """There must be as many points of each class map."""
        super().check(datasets)
        for classes in self.classes:
            check_class_map("classes", self.dataset, classes)
            prepared, there = datasets[self.dataset], SIZES[self.dataset][classes]
            for key, given, most in (
                ("points", self.points, min(prepared.training_points, there.training_points)),
                ("test_points", self.test_points, min(prepared.test_points, there.test_points)),
            ):
                if given > most:
                    raise ValueError(f"{key}: {given} is more than the {most} of {self.dataset} {classes}")


def tables(study: Study) -> Tables:
    """The tidy tables and what they are made of."""
    own = study.of(Settings)
    return Tables(
        files=CURVES,
        trainings=[
            Training(
                experiment="resnet_dynamics",
                name=f"{network}/{classes}/{placement}",
                data=training_data(study, own.dataset, classes),
                network=network,
                cell=Cell(USUAL_NORM[network], placement),
                points=own.points,
                test_points=own.test_points,
                optimizer=own.optimizer,
                lr=own.learning_rate,
                batch_size=own.batch_size,
                epochs=own.epochs,
                runs=runs,
                seed=study.seed,
            )
            for network, runs in own.runs.items()
            for classes in own.classes
            for placement in PLACEMENTS
        ],
    )
