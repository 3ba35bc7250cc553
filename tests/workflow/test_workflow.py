"""The whole DAG on the smoke configuration, run as a user would, on a copy of the repository."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from figures import FIGURES
from normplace.verifying.manifest import problems, read_manifest
from study import configuration
from study.plan import Plan
from tests.checkout import PAPER, QUICK, ROOT, SMOKE, copy_of_repository, environment, run, snakemake

NAMING_DATA = ("headline.csv", "gamma.csv", "regimes.md", "architectures.md", "image_learning.md", "zoo.md")


def jobs(dry_run: subprocess.CompletedProcess[str]) -> dict[str, int]:
    """Rule -> number of jobs that a dry run would do."""
    assert dry_run.returncode == 0, dry_run.stderr[-3000:]
    text = dry_run.stdout + dry_run.stderr
    return {rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", text, flags=re.MULTILINE)}


def test_every_figure_and_table_is_there(finished: Path) -> None:
    results = finished / "results" / "smoke"
    for name in FIGURES:
        assert (results / "figures" / f"{name}.pdf").read_bytes().startswith(b"%PDF")
        assert (results / "figures" / f"{name}.png").stat().st_size > 20_000
    initial, training = ("headline", "gamma", "regimes", "shares", "distances", "beyond"), ("learning", "milestones")
    for name in (*initial, *training, "architectures", "image_learning", "zoo"):
        table = pd.read_csv(results / "tables" / f"{name}.csv")
        assert len(table) >= (7 if name in initial + training else 2)
        assert len((results / "tables" / f"{name}.md").read_text().splitlines()) == len(table) + 2
        assert "\\toprule" in (results / "tables" / f"{name}.tex").read_text()
    report = (results / "report.html").read_text()
    assert all(f"{name}.png" in report for name in FIGURES)


def test_stand_ins_are_named_wherever_they_show(finished: Path) -> None:
    gamma = pd.read_csv(finished / "results" / "smoke" / "tidy" / "placements" / "gamma.csv")
    assert gamma.groupby("dataset")["stand_in"].first().to_dict() == {
        "cifar10": True, "gaussian": False, "mnist": True,
    }  # fmt: skip
    tables = {name: (finished / "results" / "smoke" / "tables" / name).read_text() for name in NAMING_DATA}
    assert all("stand-in for CIFAR-10" in text for text in tables.values())
    for name in ("headline.csv", "gamma.csv", "regimes.md"):
        assert "stand-in for MNIST" in tables[name]


def test_stand_ins_are_said_first_and_last(finished: Path) -> None:
    """By what `make replicate` begins and ends with, and by Snakemake after a line of its own."""
    fetch = run(finished, "python", "-m", "study.fetch", *SMOKE)
    assert fetch.stderr.splitlines()[0].startswith("WARNING: MNIST was not found in ")
    said = snakemake(finished, "--dry-run").stderr.splitlines()
    assert said[1].startswith("normplace: WARNING: MNIST is not in ")
    summary = run(finished, "python", "-m", "study.summary", "results/smoke", "0")
    assert "A STAND-IN takes its place" in summary.stdout.splitlines()[-1]


def test_a_second_run_does_nothing(finished: Path) -> None:
    again = snakemake(finished)
    assert again.returncode == 0
    assert "Nothing to be done" in again.stdout + again.stderr


def test_figures_are_drawn_again_without_sampling_and_are_the_same(finished: Path, tmp_path: Path) -> None:
    drawn = run(finished, "python", "-m", "figures", "--tidy", "results/smoke/tidy", "--output", str(tmp_path))
    assert drawn.returncode == 0, drawn.stderr
    for name in FIGURES:
        for suffix in ("png", "pdf"):
            ours = finished / "results" / "smoke" / "figures" / f"{name}.{suffix}"
            assert (tmp_path / f"{name}.{suffix}").read_bytes() == ours.read_bytes()


def test_an_archive_is_verified_and_drawn_from_where_it_is_unpacked(finished: Path, tmp_path: Path) -> None:
    assert run(finished, "python", "-m", "study.archive", "smoke").returncode == 0
    clone = copy_of_repository(tmp_path / "clone")
    (clone / "results").mkdir()
    subprocess.run(["tar", "-xzf", finished / "results" / "smoke.tar.gz", "-C", clone / "results"], check=True)
    results = clone / "results" / "smoke"
    assert not any(path.is_symlink() for path in results.rglob("*"))  # the cache must not be needed
    assert problems(results, read_manifest(results)) == []
    make = ("make", "--no-print-directory", "--assume-old=.venv/installed", "SCALE=smoke")
    verified = run(clone, *make, "verify")
    assert "integrity of results/smoke: no altered" in verified.stdout, verified.stdout + verified.stderr
    assert "\nclaims: " in verified.stdout
    assert "--tidy results/smoke/tidy" in run(clone, *make, "--dry-run", "figures").stdout


def test_a_changed_setting_redoes_what_depends_on_it_and_nothing_else(finished: Path) -> None:
    changed = finished / "changed.yaml"
    changed.write_text("width_convergence: {widths: {100: 21}}")
    todo = jobs(snakemake(finished, "--dry-run", config=[*SMOKE, "changed.yaml"]))
    assert todo["sample_width_convergence"] == 1  # one width of four cells
    assert todo["summarise_classes"] == 1
    assert not any(rule.startswith(("kernel_theory", "dataset", "sample_placements")) for rule in todo)
    changed.write_text("seed: 1")
    todo = jobs(snakemake(finished, "--dry-run", config=[*SMOKE, "changed.yaml"]))
    plan = Plan(configuration.read([ROOT / path for path in SMOKE]))
    for stage, groups in {"sample": plan.samples.groups, "train": plan.trainings.groups}.items():
        assert sum(count for rule, count in todo.items() if rule.startswith(f"{stage}_")) == len(groups)
    assert todo["measure"] == len(plan.measurements.jobs) > 0
    assert not any(rule.startswith(("kernel_theory", "dataset")) for rule in todo)


def test_a_changed_figure_module_redraws_the_figures_of_its_kind(finished: Path) -> None:
    module = finished / "figures" / "start_matters.py"
    before = module.read_text()
    module.write_text(before + "# one more line\n")
    try:
        todo = jobs(snakemake(finished, "--dry-run"))
    finally:
        module.write_text(before)
    assert todo == {"learning_figures": 1, "report": 1, "manifest": 1, "all": 1, "total": 4}


def test_outputs_of_one_job_are_told_apart_in_the_cache(finished: Path) -> None:
    """Points of both class maps come from one job, and all else of these two trainings is the same."""
    group = finished / "results" / "smoke" / "training" / "resnet_dynamics"
    for classes, names in (("vehicles-animals", {"vehicles", "animals"}), ("cats-dogs", {"cats", "dogs"})):
        config = json.loads((group / f"vit-16-{classes}" / "runs-0-1" / "layer-before.json").read_text())
        assert set(config["data"]["classes"]) == names


@pytest.mark.parametrize(("scale", "files"), [("quick", QUICK), ("paper", PAPER)])
def test_make_passes_the_default_and_its_overlay(scale: str, files: tuple[str, ...]) -> None:
    make = ("make", "--dry-run", "--no-print-directory", "--assume-old=.venv/installed", f"SCALE={scale}")
    commands = run(ROOT, *make, "replicate").stdout
    for command in ("study.fetch", "study.one_run snakemake --cores all --configfile"):
        given = re.findall(rf"python -m {command} ((?:config/\w+\.yaml *)+)", commands)
        assert [one.split() for one in given] == [list(files)]


def test_the_named_targets(finished: Path) -> None:
    for target in ("all", "figures", "tables", "verify", "report"):
        found = snakemake(finished, "--dry-run", target)
        assert found.returncode == 0
        assert "Nothing to be done" in found.stdout + found.stderr


def test_an_unknown_scale_is_one_clear_line() -> None:
    found = run(ROOT, "make", "--no-print-directory", "replicate", "SCALE=huge", "--assume-old=.venv/installed")
    assert found.returncode != 0
    assert "SCALE=huge: allowed are paper quick smoke" in found.stderr


@pytest.mark.parametrize("target", ["verify", "figures"])
def test_a_run_that_is_not_there_is_one_clear_line(target: str) -> None:
    found = run(ROOT, "make", "--no-print-directory", target, "SCALE=huge", "--assume-old=.venv/installed")
    assert found.returncode != 0
    assert found.stderr.splitlines()[0] == "SCALE=huge: there is no run in results/huge or reference/huge"


def test_two_classes_that_look_alike_end_the_run_before_it_begins(finished: Path, tmp_path: Path) -> None:
    """What is wrong with data is said in one line by all that look for them."""
    for name in ("caf\u00e9", "cafe\u0301"):
        (tmp_path / "mnist" / "train" / name).mkdir(parents=True)
    variables = {**environment(finished), "DATA_ROOT": str(tmp_path)}
    fetch, look = ["-m", "study.fetch", *SMOKE], ["-m", "snakemake", "-n", "--cores", "1", "--configfile", *SMOKE]
    for command in (fetch, look):
        found = subprocess.run(
            [sys.executable, *command], cwd=finished, env=variables, capture_output=True, text=True, check=False
        )
        assert found.returncode == 2
        assert "Traceback" not in found.stderr
        last = found.stderr.splitlines()[-1]
        assert last.startswith(f"normplace: error: folder {tmp_path}/mnist/train: two classes look alike, ")


def test_where_stand_ins_are_not_allowed_none_is_announced(finished: Path) -> None:
    (finished / "strict.yaml").write_text("stand_ins: false")
    found = snakemake(finished, "--dry-run", config=[*SMOKE, "strict.yaml"])
    assert "STAND-IN" not in found.stdout + found.stderr


def test_results_that_cannot_be_written_are_said_before_any_work(tmp_path: Path) -> None:
    clone = copy_of_repository(tmp_path / "clone")
    (clone / "results").touch()
    found = snakemake(clone)
    assert found.returncode == 2
    assert "error: output results/smoke/manifest.json: cannot be written" in found.stderr.splitlines()[-1]
    assert "Job stats" not in found.stdout + found.stderr


def test_the_paper_scale_never_uses_stand_ins(finished: Path) -> None:
    found = snakemake(finished, "results/paper/data/mnist/init-parity.npz", config=PAPER)
    text = found.stdout + found.stderr
    assert found.returncode != 0
    assert "train-images-idx3-ubyte" in text
    assert not (finished / "results" / "paper" / "data" / "mnist" / "init-parity.npz").exists()


@pytest.mark.parametrize(("scale", "most"), [(SMOKE, 90), (QUICK, 90), (PAPER, 700)])
def test_every_scale_has_a_valid_configuration_of_so_many_jobs(
    finished: Path, scale: tuple[str, ...], most: int
) -> None:
    todo = jobs(snakemake(finished, "--dry-run", "--forceall", config=scale))
    assert 50 < todo["total"] <= most
