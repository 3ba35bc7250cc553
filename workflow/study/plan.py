"""What the rules ask of a configuration: which jobs there are, and which files each is made of."""

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import yaml
from snakemake.io import multiext

from figures import FIGURES
from study import configuration, experiments
from study.code import ROOT
from study.jobs import CURVES, Data, Job, Measurement, Networks, Sample, Theory, Training

# Behind a command that has failed and said nothing: the message of an `echo` that fails, too, goes to the terminal.
OR_SAY_SO = " || {{ [ -s {log} ] || echo failed >> {log}; false; }}"


class Stage:
    """The jobs of one stage: input and params functions that find a job by its wildcards."""

    def __init__(self, results: str, kind: type[Job], jobs: Iterable[Job]) -> None:
        """Take the jobs of this kind; two that would write the same files end the process with one line."""
        self.results, self.kind = results, kind
        self.jobs: dict[str, Any] = {}
        for job in jobs:
            if isinstance(job, kind) and self.jobs.setdefault(job.path, job) != job:
                both = f"{self.jobs[job.path].options!r} and {job.options!r}"
                sys.exit(f"configuration: two different jobs would write {job.path}: {both}")

    def job(self, wildcards: Any) -> Any:
        """The job whose files have these wildcards in their names."""
        return self.jobs[self.kind.PATH.format_map(dict(wildcards.items()))]

    def options(self, wildcards: Any) -> str:
        """Its options on the command line."""
        return str(self.job(wildcards).options)

    def data(self, wildcards: Any) -> str:
        """The file of the points that it works on."""
        return f"{self.results}/{self.points(wildcards)}.npz"

    def points(self, wildcards: Any) -> str:
        """Which points these are: to Snakemake's cache all outputs of a job are one, so this must be a parameter."""
        return str(self.job(wildcards).data.path)


class ModelStage(Stage):
    """Measurements of models, on prepared points or on what their command makes itself."""

    def prepared(self, wildcards: Any) -> list[str]:
        """The file of prepared points, if there is one."""
        return [self.data(wildcards)] if isinstance(self.job(wildcards).data, Data) else []

    def dataset(self, wildcards: Any) -> str:
        """As the command takes it."""
        data = self.job(wildcards).data
        return data if isinstance(data, str) else f"file:{self.data(wildcards)}"

    def points(self, wildcards: Any) -> str:
        """Which points these are."""
        data = self.job(wildcards).data
        return data if isinstance(data, str) else str(data.path)

    def models(self, wildcards: Any) -> str:
        """As the command takes them."""
        return " ".join(self.job(wildcards).models)


def _files_and_sums(folder: str, files: list[str], sums: str) -> Any:
    """The outputs of a rule in a folder: last come their sums, which have a name."""
    # Not <results>: Snakemake's cache cuts off this prefix by its length, and takes the length before it knows it.
    return multiext(f"{folder}/", **{f"file_{at}": file for at, file in enumerate(files)}, sums=sums)


@dataclass(frozen=True)
class DataRule:
    """The rule of a data set, which is read once for all that the study needs of it."""

    dataset: str
    folder: str
    jobs: tuple[Data, ...]

    @property
    def output(self) -> Any:
        """The files, and last their sums."""
        return _files_and_sums(self.folder, [f"{job.use}-{job.classes}.npz" for job in self.jobs], "sums.sha256")

    @property
    def options(self) -> str:
        """On the command line."""
        names = (Path(output).name for output in self.output)
        files = (
            f"--file {name} {job.classes} {job.points} {job.test_points or 0}"
            for name, job in zip(names, self.jobs, strict=False)
        )
        no_stand_in = ["--no-stand-in"] if self.jobs[0].no_stand_in else []
        return " ".join([f"--dataset {self.dataset}", *files, *no_stand_in])


class CellStage(Stage):
    """A stage whose jobs are of cells: those of a group, which differ in the cell alone, may be done together."""

    def __init__(
        self, results: str, kind: type[Networks], jobs: Iterable[Job], together: bool, rule: str, *suffixes: str
    ) -> None:
        """rule: the stage's name. suffixes: of the files of a cell, in the order in which their command has them.

        Raises:
            ValueError: an experiment has put jobs into one group that differ in more than the cell.
        """
        super().__init__(results, kind, jobs)
        self.groups: dict[tuple[str, str], list[Networks]] = {}
        for job in self.jobs.values():
            of_group = self.groups.setdefault((job.experiment, job.group), [])
            if of_group and replace(job, cell=of_group[0].cell) != of_group[0]:
                raise ValueError(f"{job.path}: differs from {of_group[0].path} in more than the cell")
            of_group.append(job)
        folder = f"{results}/{kind.PATH.rpartition('/')[0]}"
        each = CellRule(rule, folder, suffixes)
        self.rules = list(self._together(each)) if together else [each]

    def job(self, wildcards: Any) -> Any:
        """A job of the group; the others have the same options and data."""
        return self.groups[wildcards.experiment, wildcards.group][0]

    def _together(self, each: "CellRule") -> Iterator["CellRule"]:
        """One rule for all groups of an experiment that have the same cells."""
        shapes: dict[str, dict[tuple[str, ...], list[str]]] = {}
        for (experiment, group), jobs in self.groups.items():
            cells = tuple(sorted(job.cell.name for job in jobs))
            shapes.setdefault(experiment, {}).setdefault(cells, []).append(group)
        for experiment, by_cells in shapes.items():
            for number, (cells, groups) in enumerate(by_cells.items(), start=1):
                name = f"{each.name}_{experiment}" + (f"_{number}" if number > 1 else "")
                group = "|".join(map(re.escape, groups))
                yield replace(each, name=name, experiment=experiment, group=group, cells=cells)


@dataclass(frozen=True)
class CellRule:
    """A rule of a stage: for the cells of some groups together or, where none are given, for each cell by itself."""

    name: str
    folder: str
    suffixes: tuple[str, ...]
    experiment: str = "[a-z_]+"
    group: str = ".+"
    cells: tuple[str, ...] = ()

    @property
    def output(self) -> Any:
        """The files of the cells, and last their sums."""
        files = [f"{cell}{suffix}" for cell in self.cells or ("{cell}",) for suffix in self.suffixes]
        return _files_and_sums(self.folder, files, "sums.sha256" if self.cells else "{cell}.sha256")

    @property
    def log(self) -> str:
        """Of a job, below a stage's folder of logs."""
        return "{experiment}/{group}.log" if self.cells else "{experiment}/{group}/{cell}.log"

    @property
    def names(self) -> str:
        """The cells of a job, as its command takes them; the key of a cached output has parameters, not wildcards."""
        return ",".join(self.cells) or "{cell}"


class Plan:
    """All that is made from a configuration."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        """Check the configuration; a mistake in it ends the process with one line."""
        self.study = configuration.check(config)
        self.results = f"results/{self.study.scale}"
        self.tables = {
            name: tables.with_parts(self.study.training.runs_a_job)
            for name, tables in experiments.tables(self.study).items()
        }
        self.computed = list(dict.fromkeys(job for tables in self.tables.values() for job in tables.jobs))
        jobs, together = self.computed, self.study.cells_together
        self.samples = CellStage(self.results, Sample, jobs, together, "sample", ".npz")
        self.theories = CellStage(self.results, Theory, jobs, together, "kernel_theory", ".csv", ".npz")
        self.trainings = CellStage(self.results, Training, jobs, together, "train", ".csv", ".json")
        self.measurements = ModelStage(self.results, Measurement, jobs)
        data = sorted({job.data for job in jobs if isinstance(job.data, Data)}, key=lambda files: files.path)
        self.data = [
            DataRule(dataset, f"{self.results}/data/{dataset}", tuple(files))
            for dataset, files in groupby(data, key=lambda files: files.dataset)
        ]

    @property
    def figures(self) -> dict[str, list[str]]:
        """The figures of what networks guess at first, and of how they learn."""
        kinds: dict[str, list[str]] = {}
        for figure, experiment in FIGURES.items():
            kind = "learning" if self.tables[experiment].files == CURVES else "initial"
            kinds.setdefault(kind, []).append(figure)
        return kinds

    def made_of(self, jobs: str, suffix: str) -> Callable[[Any], list[str]]:
        """An input function: the files of the jobs that an experiment's tables are made of, such as its samples."""
        return lambda wildcards: [
            f"{self.results}/{job.path}{suffix}" for job in getattr(self.tables[wildcards.experiment], jobs)
        ]

    def inputs(self, wildcards: Any) -> list[str]:
        """Which jobs' files an experiment's tables are made of: a parameter for the same reason as `Stage.points`."""
        return [job.path for job in self.tables[wildcards.experiment].jobs]

    def with_tables(self, files: tuple[str, ...]) -> str:
        """A wildcard's constraint: the experiments that have just these tables."""
        return "|".join(name for name, tables in self.tables.items() if tables.files == files) or "(?!)"

    def tidy_tables(self, *experiments: str) -> list[str]:
        """All tidy tables of these experiments."""
        return [f"{self.results}/tidy/{one}/{table}" for one in experiments for table in self.tables[one].files]

    def tidy(self, files: tuple[str, ...]) -> Any:
        """The outputs of a rule that writes several tidy tables of an experiment: last come their sums."""
        # Not <results>: Snakemake's cache cuts off this prefix by its length, and takes the length before it knows it.
        return multiext(f"{self.results}/tidy/{{experiment}}/", *files, "tables.sha256")


def logged(command: str) -> str:
    """The command of a rule: what it says goes to the log, and where the disk is too full for that, Bash says so."""
    return f"{command} > {{log}} 2>&1{OR_SAY_SO}"


def kept(command: str) -> str:
    """The command of a cached rule: the same, and its outputs get their sums."""
    return f"{logged(command)} && python -m study.cache {{output}}"


def folder(wildcards: Any, output: Any) -> str:
    """The folder of a job's outputs."""
    return str(Path(output[0]).parent)


def tidy_folder(wildcards: Any, input: Any) -> str:
    """The folder of all experiments' tidy tables, of a job that reads some."""
    return str(Path(input.tidy[0]).parents[1])


def claimed_tables() -> list[str]:
    """The tidy tables, as experiment/table, that claims.yaml reads; `normplace verify` checks all else in it."""
    claims = yaml.safe_load((ROOT / "claims.yaml").read_text(encoding="utf-8"))["claims"]
    tests = [test for claim in claims for test in claim["tests"]]
    return sorted({test[key] for test in tests for key in ("reads", "beside") if key in test})
