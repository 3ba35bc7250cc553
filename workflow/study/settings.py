"""The types of a configuration: what is common to all experiments. Each experiment's own settings stand in its file."""

from collections.abc import Collection, Hashable, Mapping
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator, Strict, model_validator

from study.library import ACTIVATIONS, CELLS, CLASS_MAPS, IMAGE_CELLS, IMAGE_NETWORKS, IMAGES, OPTIMIZERS, SIZES, Cell

T = TypeVar("T")


def _listed(name: object, names: Collection[str]) -> str:
    if not isinstance(name, str) or name not in names:
        raise ValueError(f"{name!r} is not one of {', '.join(names)}")
    return name


def one_of(names: Collection[str]) -> PlainValidator:
    """A validator that refuses all but these names."""
    return PlainValidator(lambda name: _listed(name, names))


def cell_of(cells: Mapping[str, Cell]) -> PlainValidator:
    """A validator that takes the name of one of these cells and gives the cell."""
    return PlainValidator(lambda name: cells[_listed(name, cells)])


def _unique(values: list[Hashable]) -> list[Hashable]:
    for position, value in enumerate(values):
        if value in values[:position]:
            raise ValueError(f"{value!r} stands twice in {values}")
    return values


UNIQUE = AfterValidator(_unique)
SOME = Field(min_length=1)

Count = Annotated[int, Field(ge=1)]
TwoOrMore = Annotated[int, Field(ge=2)]  # a variance needs two
Rate = Annotated[float, Field(gt=0)]
Dataset = Annotated[str, one_of(SIZES)]
ImageDataset = Annotated[str, one_of(IMAGES)]
ClassMap = Annotated[str, one_of(CLASS_MAPS)]
Activation = Annotated[str, one_of(ACTIVATIONS)]
Optimizer = Annotated[str, one_of(OPTIMIZERS)]
Cells = Annotated[list[Annotated[Cell, cell_of(CELLS)]], SOME, UNIQUE]
ImageCells = Annotated[list[Annotated[Cell, cell_of(IMAGE_CELLS)]], SOME, UNIQUE]
Width = Annotated[int, Field(ge=1), Strict(False)]  # a key, which JSON turns into a string


class Model(BaseModel):
    """A mapping of the configuration: all keys are known, none is missing, no value is converted."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, given: Any) -> Any:
        """Pydantic would refuse an unknown key without saying which are allowed."""
        unknown = sorted(map(repr, set(given) - set(cls.model_fields))) if isinstance(given, Mapping) else []
        if unknown:
            raise ValueError(f"unknown key {', '.join(unknown)}, allowed are {', '.join(sorted(cls.model_fields))}")
        return given

    def check(self, datasets: Mapping[str, "Points"]) -> None:
        """Raise a ValueError that begins with the key if it does not agree with the data sets."""


class Points(Model):
    """How many points of a data set are prepared: for initial statistics, to train and to test on."""

    points: TwoOrMore
    classes: ClassMap
    training_points: TwoOrMore
    test_points: TwoOrMore


class OnDataset(Model):
    """Settings of an experiment on one data set."""

    dataset: Dataset

    def check(self, datasets: Mapping[str, Points]) -> None:
        """The data set must be among those that are prepared."""
        check_prepared("dataset", self.dataset, datasets)


class OnFirstPoints(OnDataset):
    """Settings of an experiment on the first points of one data set."""

    points: TwoOrMore

    def check(self, datasets: Mapping[str, Points]) -> None:
        """The points must be among those that are prepared."""
        super().check(datasets)
        prepared = datasets[self.dataset].points
        if self.points > prepared:
            raise ValueError(f"points: {self.points} is more than the {prepared} of datasets.{self.dataset}.points")


class Placements(Model):
    """The networks of most experiments, and how their theory is computed."""

    depth: TwoOrMore
    width: Count
    activation: Activation
    inits: TwoOrMore
    histogram_depths: Annotated[list[Count], Field(min_length=2), UNIQUE]  # the first and the last are drawn
    theory_points: TwoOrMore
    theory_draws: TwoOrMore
    theory_networks: TwoOrMore  # whose hidden layers are simulated for theory at finite width

    def check(self, datasets: Mapping[str, Points]) -> None:
        """Histograms are of layers that there are."""
        if max(self.histogram_depths) > self.depth:
            raise ValueError(f"histogram_depths: {self.histogram_depths} goes beyond depth {self.depth}")


class Training(Model):
    """How MLPs are trained; runs by data set and depths are those of the dynamics experiment."""

    optimizer: Optimizer
    learning_rate: Rate
    batch_size: TwoOrMore
    epochs: Count
    evaluated: TwoOrMore | None = None  # the first of the training points; as many as the command takes
    runs: Annotated[dict[Dataset, Count], SOME]
    runs_a_job: Count  # of all trainings: more are done in parts
    depths: Annotated[list[Count], SOME, UNIQUE]

    def check(self, datasets: Mapping[str, Points]) -> None:
        """Every data set has runs and fills a batch, and leaves none of one point, which BatchNorm cannot use."""
        for dataset, points in datasets.items():
            if dataset not in self.runs:
                raise ValueError(f"runs: has no {dataset}, which is one of datasets")
            check_batch(self.batch_size, points.training_points, f"training points of datasets.{dataset}")


class Study(Model):
    """A configuration. `experiments.STUDY` is this and the settings of each experiment under the experiment's name."""

    scale: Annotated[str, Field(pattern="^[a-z0-9_-]+$")]  # names the folder results/<scale>
    seed: Annotated[int, Field(ge=0)]
    stand_ins: bool
    cells_together: bool  # the cells of a group are one job, not one each
    bootstrap: Annotated[int, Field(ge=100)]
    datasets: Annotated[dict[Dataset, Points], SOME]
    placements: Placements
    training: Training

    def of(self, kind: type[T]) -> T:
        """The part of the configuration that has this type: an experiment's own settings."""
        return next(part for _, part in self if isinstance(part, kind))

    @model_validator(mode="after")
    def _agrees(self) -> "Study":
        for dataset, points in self.datasets.items():
            check_class_map(f"datasets.{dataset}.classes", dataset, points.classes)
            for key, limit in SIZES[dataset][points.classes]._asdict().items():
                if (given := getattr(points, key)) > limit:
                    raise ValueError(f"datasets.{dataset}.{key}: {given} is more than the {limit} there are")
        for name, part in self:
            if isinstance(part, Model):
                try:
                    part.check(self.datasets)
                except ValueError as error:
                    raise ValueError(f"{name}.{error}") from None
        return self


def check_prepared(key: str, dataset: str, datasets: Mapping[str, Points]) -> None:
    """Raise a ValueError if a data set is not among those that are prepared."""
    if dataset not in datasets:
        raise ValueError(f"{key}: {dataset!r} is not one of datasets ({', '.join(datasets)})")


def check_batch(batch_size: int, points: int, which: str) -> None:
    """Whether batches of this size can be made of these points.

    Raises:
        ValueError: a batch is larger than they are, or the last is of one.
    """
    if batch_size > points:
        raise ValueError(f"batch_size: {batch_size} is more than the {points} {which}")
    if points % batch_size == 1:
        raise ValueError(f"batch_size: {batch_size} leaves a batch of 1 of the {points} {which}")


def check_class_map(key: str, dataset: str, classes: str) -> None:
    """Raise a ValueError if a data set does not have this class map."""
    if classes not in SIZES[dataset]:
        raise ValueError(f"{key}: {classes!r} is not for {dataset}, allowed are {', '.join(SIZES[dataset])}")


def check_base_width(network: str, width: int) -> None:
    """Raise a ValueError if a network for images cannot have this base width."""
    try:
        IMAGE_NETWORKS[network].check_base_width(width)
    except ValueError as error:
        raise ValueError(f"base_width: {error}") from None
