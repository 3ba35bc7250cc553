"""Jobs, each one call of a command of `normplace`: its options, files and seed follow from what it is."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar

from study.library import SIZES, Cell
from study.settings import Study

# Fields that say where the files are; all others are options.
NAMING = ("use", "experiment", "group", "cell", "name", "models", "vary", "data")
# Tidy tables: of samples of MLPs with two classes and with more, and of networks for images, ...
TWO_CLASSES = ("gamma.csv", "histograms.csv", "regimes.csv")
MANY_CLASSES = ("gamma.csv", "histograms.csv", "classes.csv")
IMAGES = ("gamma.csv", "histograms.csv")
PHASE = (*TWO_CLASSES, "map.csv")  # of samples of MLPs over two variances, and of theory
CURVES = ("curves.csv", "gradients.csv", "runs.csv", "milestones.csv")  # of trainings
MODELS = ("models.csv",)  # of measurements


@dataclass(frozen=True, kw_only=True)
class Job:
    """One call of a command. Options come in the order of the fields; a field that is None or False is left out."""

    PATH: ClassVar[str]  # of its files below the results folder; the names in it are the rule's wildcards

    @property
    def path(self) -> str:
        """Of its files below the results folder, without suffix."""
        return self.PATH.format_map(vars(self))

    @property
    def options(self) -> str:
        """As on the command line, but for what says where its files are and which cell it is of."""
        given = ((field.name, getattr(self, field.name)) for field in fields(self) if field.name not in NAMING)
        return " ".join(word for name, value in given for word in _words(name, value))


def _words(name: str, value: Any) -> Iterator[str]:
    if value is True:
        yield f"--{name.replace('_', '-')}"
    elif value is not None and value is not False:
        text = ",".join(map(str, value)) if isinstance(value, tuple) else value
        yield f"--{name.replace('_', '-')} {text}"


@dataclass(frozen=True, kw_only=True)
class Data(Job):
    """Points of a data set in one file, for initial statistics ("init") or for training ("training")."""

    PATH = "data/{dataset}/{use}-{classes}"
    use: str
    dataset: str
    classes: str
    points: int
    test_points: int | None = None
    no_stand_in: bool


@dataclass(frozen=True, kw_only=True)
class Networks(Job):
    """A job of an experiment about MLPs, or networks for images, of one cell, on prepared points.

    Those of its group differ in the cell alone.
    """

    experiment: str
    data: Data
    group: str
    network: str | None = None
    cell: Cell
    depth: int | None = None
    width: int | None = None
    base_width: int | None = None
    activation: str | None = None
    points: int | None = None


@dataclass(frozen=True, kw_only=True)
class Sample(Networks):
    """Sampled networks."""

    PATH = "init/{experiment}/{group}/{cell}"
    inits: int
    seed: int
    bn_statistics: str | None = None
    shift: float | None = None
    weight_variance: float | None = None
    bias_variance: float | None = None


@dataclass(frozen=True, kw_only=True)
class Theory(Networks):
    """Theory, with draws of guess fractions; without a width it is infinite."""

    PATH = "theory/{experiment}/{group}/{cell}"
    simulate: int | None = None
    draws: int
    draws_depths: tuple[int, ...] | None = None
    shift: float | None = None


@dataclass(frozen=True, kw_only=True)
class Training(Networks):
    """Training runs."""

    PATH = "training/{experiment}/{group}/{cell}"
    test_points: int | None = None
    optimizer: str
    lr: float
    batch_size: int
    epochs: int
    runs: int
    first_run: int = 0
    select: str | None = None
    output_bias: str | None = None
    schedule: str | None = None
    weight_decay: float | None = None
    clip: float | None = None
    augment: bool = False
    evaluated: int | None = None
    seed: int

    def parts(self, size: int) -> "list[Training]":
        """Jobs of so many of its runs each, the last of those that are left."""
        found = []
        for first in range(0, self.runs, size):
            runs = min(size, self.runs - first)
            group = f"{self.group}/runs-{first}-{first + runs - 1}"
            found.append(replace(self, group=group, runs=runs, first_run=first))
        return found


@dataclass(frozen=True, kw_only=True)
class Measurement(Job):
    """Models as `normplace measure` sees them.

    data: prepared points, or a data set as the command takes it. name: of its files. models: as the command takes them.
    vary: arguments of the model with their values, all combinations of which are measured.
    """

    PATH = "{experiment}/{name}"
    experiment: str
    data: Data | str
    name: str
    models: tuple[str, ...]
    vary: tuple[tuple[str, tuple[str, ...]], ...] = ()
    points: int
    inits: int
    contrast: bool = False
    seed: int

    @property
    def options(self) -> str:
        """As on the command line."""
        varied = [f"--vary {name}={','.join(values)}" for name, values in self.vary]
        return " ".join([super().options, *varied])


@dataclass(frozen=True, kw_only=True)
class Tables:
    """The tidy tables of an experiment, and the jobs that they are made of; some may be another experiment's."""

    files: tuple[str, ...]
    samples: Sequence[Sample] = ()
    theories: Sequence[Theory] = ()
    trainings: Sequence[Training] = ()
    measurements: Sequence[Measurement] = ()

    def with_parts(self, runs_a_job: int) -> "Tables":
        """The same, of trainings in parts."""
        return replace(self, trainings=[part for job in self.trainings for part in job.parts(runs_a_job)])

    @property
    def jobs(self) -> list[Networks | Measurement]:
        """All of them."""
        return [*self.samples, *self.theories, *self.trainings, *self.measurements]


def initial_data(study: Study, dataset: str, classes: str | None = None) -> Data:
    """The points for initial statistics, of the data set's usual classes unless others are given."""
    sizes, no_stand_in = study.datasets[dataset], not study.stand_ins
    classes = classes or sizes.classes
    return Data(use="init", dataset=dataset, classes=classes, points=sizes.points, no_stand_in=no_stand_in)


def training_data(study: Study, dataset: str, classes: str | None = None) -> Data:
    """The points to train and to test on, all there are where a class map has fewer than were asked for."""
    first, sizes = initial_data(study, dataset, classes), study.datasets[dataset]
    there = SIZES[dataset][first.classes]
    points, test_points = map(min, (sizes.training_points, sizes.test_points), there[1:])
    return replace(first, use="training", points=points, test_points=test_points)


def sample(study: Study, experiment: str, group: str, data: Data, cell: Cell, **changes: Any) -> Sample:
    """Networks of the study's usual depth, width, activation and number, but for the changes."""
    usual = study.placements.model_dump(include={"depth", "width", "activation", "inits"})
    return Sample(experiment=experiment, group=group, data=data, cell=cell, **usual | {"seed": study.seed} | changes)


def theory(study: Study, experiment: str, group: str, data: Data, cell: Cell, **changes: Any) -> Theory:
    """The infinite-width theory of such networks."""
    mlps = study.placements
    usual = mlps.model_dump(include={"depth", "activation"})
    usual |= {"points": min(mlps.theory_points, data.points), "draws": mlps.theory_draws}
    usual |= {"draws_depths": tuple(mlps.histogram_depths)}
    return Theory(experiment=experiment, group=group, data=data, cell=cell, **usual | changes)


def theories(study: Study, experiment: str, group: str, data: Data, cell: Cell, **changes: Any) -> list[Theory]:
    """The theory of such networks at infinite width, and at their own."""
    infinite = theory(study, experiment, group, data, cell, **changes)
    return [infinite, at_width(infinite, study.placements.width, study.placements.theory_networks)]


def at_width(infinite: Theory, width: int, simulate: int) -> Theory:
    """The same theory at a finite width, from so many networks where hidden layers are simulated."""
    return replace(infinite, group=f"{infinite.group}-width-{width}", width=width, simulate=simulate)


def training(study: Study, experiment: str, group: str, dataset: str, cell: Cell, **changes: Any) -> Training:
    """Runs of MLPs of the study's usual width and activation, trained as usual from any start, but for the changes."""
    usual = study.placements.model_dump(include={"width", "activation"})
    usual |= study.training.model_dump(include={"optimizer", "batch_size", "epochs", "evaluated"})
    usual |= {"lr": study.training.learning_rate, "runs": study.training.runs[dataset], "select": "any"}
    usual["seed"] = study.seed
    data = training_data(study, dataset)
    return Training(experiment=experiment, group=group, data=data, cell=cell, **usual | changes)
