"""An experiment is one file and its lines in the configuration."""

import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from study import configuration, experiments
from study.jobs import Sample
from study.plan import CellStage, Plan
from tests.checkout import PAPER, QUICK, ROOT, SMOKE, TINY, snakemake, tiny_checkout

TOY = '''"""Deeper networks without a norm."""

from study.jobs import TWO_CLASSES, Tables, initial_data, sample
from study.library import CELLS
from study.settings import Count, OnDataset, Study


class Settings(OnDataset):
    """How much deeper."""

    more: Count


def tables(study: Study) -> Tables:
    own = study.of(Settings)
    data, depth = initial_data(study, own.dataset), study.placements.depth + own.more
    return Tables(files=TWO_CLASSES, samples=[sample(study, "toy", own.dataset, data, CELLS["none"], depth=depth)])
'''


def test_a_new_experiment_is_one_file_and_its_lines_in_the_configuration(tmp_path: Path) -> None:
    folder = tiny_checkout(tmp_path)
    (folder / "workflow" / "study" / "experiments" / "toy.py").write_text(TOY)
    missing = snakemake(folder, "--dry-run", config=TINY)
    assert "configuration: toy: is missing" in missing.stderr
    (folder / "config" / "toy.yaml").write_text("toy: {dataset: gaussian, more: 3}\n")
    table = "results/tiny/tidy/toy/gamma.csv"
    made = snakemake(folder, table, config=[*TINY, "config/toy.yaml"])
    assert made.returncode == 0, made.stderr[-3000:]
    assert pd.read_csv(folder / table)["depth"].tolist() == [1, 2, 3, 4, 5]
    (folder / "config" / "toy.yaml").write_text("toy: {dataset: gaussian, less: 3}\n")
    mistaken = snakemake(folder, "--dry-run", config=[*TINY, "config/toy.yaml"])
    assert "configuration: toy: unknown key 'less', allowed are dataset, more" in mistaken.stderr
    shutil.rmtree(folder)


@pytest.mark.parametrize("files", [QUICK, PAPER, SMOKE])
def test_jobs_of_one_file_are_one_job(files: tuple[str, ...]) -> None:
    """Experiments share jobs; none may write another's file."""
    plan = Plan(configuration.read(ROOT / path for path in files))
    all_jobs = [job for tables in plan.tables.values() for job in tables.jobs]
    assert len(set(all_jobs)) == len({job.path for job in all_jobs}) == len(plan.computed)
    assert {job.data for job in all_jobs if not isinstance(job.data, str)} == {
        job for files in plan.data for job in files.jobs
    }


def test_options_follow_from_what_a_job_is() -> None:
    plan = Plan(configuration.read(ROOT / path for path in QUICK))
    assert plan.samples.jobs["init/shift/1/layer-after"].options == (
        "--depth 20 --width 100 --activation relu --inits 200 --seed 0 --shift 1.0"
    )
    assert plan.samples.jobs["init/batch_statistics/running/batch-before"].options.endswith(
        "--inits 400 --seed 0 --bn-statistics running"
    )
    assert plan.samples.jobs["init/architectures/vit-48/none"].options == (
        "--network vit --base-width 48 --points 100 --inits 60 --seed 0"
    )
    assert plan.trainings.jobs["training/output_bias/mnist-centred/runs-0-4/none"].options == (
        "--depth 20 --width 100 --activation relu --optimizer adam --lr 0.001 --batch-size 128 "
        "--epochs 16 --runs 5 --first-run 0 --select any --output-bias centred --evaluated 320 --seed 0"
    )
    assert plan.trainings.jobs["training/resnet_dynamics/resnet9-16-vehicles-animals/runs-0-2/batch-after"].options == (
        "--network resnet9 --base-width 16 --points 640 --test-points 60 --optimizer adam --lr 0.001 --batch-size 32 "
        "--epochs 3 --runs 3 --first-run 0 --schedule power --weight-decay 0.0001 --clip 0.1 --augment "
        "--evaluated 60 --seed 0"
    )
    assert plan.theories.jobs["theory/placements/mnist/none"].options == (
        "--depth 20 --activation relu --points 500 --draws 5000 --draws-depths 1,5,20"
    )
    assert plan.trainings.jobs["training/start_matters/neutral/runs-0-4/none"].options == (
        "--depth 20 --width 100 --activation relu --optimizer adam --lr 0.001 --batch-size 128 "
        "--epochs 16 --runs 5 --first-run 0 --select neutral --evaluated 320 --seed 1"
    )
    assert plan.measurements.jobs["zoo/20-networks-each"].options == "--points 40 --inits 20 --seed 0"
    assert plan.measurements.jobs["language/text"].options.startswith(
        "--points 40 --inits 100 --contrast --seed 0 --vary style=gpt,llama --vary cell=none,layer-before,"
    )
    (mnist,) = (files for files in plan.data if files.dataset == "mnist")
    assert mnist.options == (
        "--dataset mnist --file init-all.npz all 500 0 --file init-parity.npz parity 500 0 "
        "--file training-parity.npz parity 640 300"
    )


def test_cells_of_a_group_are_one_job_where_the_scale_says_so() -> None:
    quick, paper = (Plan(configuration.read(ROOT / path for path in files)) for files in (QUICK, PAPER))
    rules = {rule.name: rule for rule in quick.samples.rules}
    assert rules["sample_shift"].cells == ("batch-after", "batch-before", "layer-after", "layer-before", "none")
    assert sum(len(rule.cells) * len(rule.group.split("|")) for rule in rules.values()) == len(quick.samples.jobs)
    for stage in (paper.samples, paper.theories, paper.trainings):
        (rule,) = stage.rules
        assert rule.cells == ()


def test_a_group_of_jobs_that_differ_in_more_than_the_cell_is_refused() -> None:
    plan = Plan(configuration.read(ROOT / path for path in QUICK))
    first, second, *_ = plan.samples.groups["shift", "1"]
    others = [first, replace(second, inits=second.inits + 1)]
    with pytest.raises(ValueError, match=r"init/shift/1/.*: differs from init/shift/1/.* in more than the cell"):
        CellStage("results/x", Sample, others, True, "sample", ".npz")


def test_more_runs_than_runs_a_job_are_parts() -> None:
    plan = Plan(configuration.read(ROOT / path for path in PAPER))
    parts = [job for job in plan.tables["start_matters"].trainings if job.group.startswith("neutral/")]
    of_one_cell = [job for job in parts if job.cell == parts[0].cell]
    assert [(job.first_run, job.runs) for job in of_one_cell] == [(0, 5), (5, 5)]


def test_the_learning_rates_that_dynamics_trains_at_are_not_trained_twice() -> None:
    tables = Plan(configuration.read(ROOT / path for path in QUICK)).tables["learning_rates"]
    shared = [job for job in tables.trainings if job.experiment == "dynamics"]
    assert [job.lr for job in shared] == [0.001] * 5
    assert {job.lr for job in tables.trainings if job.experiment == "learning_rates"} == {0.0001, 0.01}


def test_two_jobs_that_would_write_the_same_file_are_refused() -> None:
    config = configuration.read(ROOT / path for path in QUICK)
    config["shift"]["shifts"] = [1.0, 1.0000001]  # the same in a file's name
    with pytest.raises(
        SystemExit, match=r"configuration: two different jobs would write init/shift/1/none: .*1\.0000001"
    ):
        Plan(config)


def test_every_experiment_has_tables() -> None:
    plan = Plan(configuration.read(ROOT / path for path in QUICK))
    assert set(plan.tables) == set(experiments.MODULES)
    assert len(plan.tables) >= 14
    for name, tables in plan.tables.items():
        assert tables.files, name
        assert tables.jobs, name
