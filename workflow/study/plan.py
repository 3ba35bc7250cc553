"""What the rules ask of a configuration: which jobs there are, and which files each is made of."""

import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from snakemake.io import multiext

from study import configuration, experiments
from study.code import ROOT
from study.jobs import Data, Job, Measurement, Sample, Theory, Training


class Stage:
    """The jobs of one rule: input and params functions that find a job by its wildcards."""

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
        return f"{self.results}/{self.job(wildcards).data.path}.npz"


class Plan:
    """All that is made from a configuration."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        """Check the configuration; a mistake in it ends the process with one line."""
        self.study = configuration.check(config)
        self.results = f"results/{self.study.scale}"
        self.tables = experiments.tables(self.study)
        self.computed = list(dict.fromkeys(job for tables in self.tables.values() for job in tables.jobs))
        self.samples, self.theories, self.trainings, self.measurements = (
            Stage(self.results, kind, self.computed) for kind in (Sample, Theory, Training, Measurement)
        )
        self.data = Stage(self.results, Data, dict.fromkeys(job.data for job in self.computed))

    def made_of(self, jobs: str, suffix: str) -> Callable[[Any], list[str]]:
        """An input function: the files of the jobs that an experiment's tables are made of, such as its samples."""
        return lambda wildcards: [
            f"{self.results}/{job.path}{suffix}" for job in getattr(self.tables[wildcards.experiment], jobs)
        ]

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


def kept(command: str) -> str:
    """The command of a cached rule: what it says goes to the log, and its outputs get their sums."""
    return f"{command} > {{log}} 2>&1 && python -m study.cache {{output}}"


def folder(wildcards: Any, output: Any) -> str:
    """The folder of a job's outputs."""
    return str(Path(output[0]).parent)


def tidy_folder(wildcards: Any, input: Any) -> str:
    """The folder of all experiments' tidy tables, of a job that reads some."""
    return str(Path(input.tidy[0]).parents[1])


def claimed_tables() -> list[str]:
    """The tidy tables, as experiment/table, that claims.yaml reads; `normplace verify` checks all else in it."""
    claims = yaml.safe_load((ROOT / "claims.yaml").read_text(encoding="utf-8"))["claims"]
    return sorted({test["reads"] for claim in claims for test in claim["tests"]})
