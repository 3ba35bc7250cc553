"""The whole smoke DAG on a real Slurm: the same files as on one machine, and the resources that the profile says.

On a Slurm of one node with two cores it takes some ten minutes, most of them to start Snakemake twice a job.
"""

import os
import re
import subprocess
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from normplace.files import sha256_of_file
from normplace.verifying.completeness import EXPECTED
from normplace.verifying.manifest import read_manifest
from tests.checkout import PAPER, QUICK, ROOT, SMOKE, copy_of_repository, environment, snakemake
from tests.one_node_slurm import one_node_slurm, why_not

ALONE = (  # of single cells, whose jobs are those that the profile is for
    "init/placements/mnist/none.npz",
    "training/dynamics/mnist-4/runs-0-1/none.csv",
    "training/resnet_dynamics/vit-16-cats-dogs/runs-0-1/layer-after.csv",
)
UNEQUAL = ("report.html", "manifest.json", "index.html")  # they tell the time
# Rules that read tables only: the profile's defaults are theirs.
LIGHT = re.compile("phase_map|summarise.*|.*_figures|curves|measurements|printed_tables|claims|report|manifest")
TARGETS = {"all", "figures", "tables", "verify"}  # they have no command
NODE = pytest.mark.skipif(why_not() is not None, reason=f"no Slurm: {why_not()}")


@pytest.fixture(scope="module")
def profile() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "profiles" / "slurm" / "config.yaml").read_text())


def rules(scale: Sequence[str]) -> tuple[set[str], set[str]]:
    """All rules of a scale, and those of them that are cached."""
    # Without --cache it says what could be.
    listed = snakemake(ROOT, "--list-rules", "--workflow-profile", "none", config=scale)
    assert listed.returncode == 0, listed.stderr
    return set(listed.stdout.split()), set(re.findall(r"rule (\w+) is eligible for caching", listed.stderr))


def hashes(folder: Path) -> dict[str, str]:
    results = folder / "results" / "smoke"
    files = [path for path in results.rglob("*") if path.is_file() and "logs" not in path.parts]
    return {str(path.relative_to(results)): sha256_of_file(path) for path in files if path.name not in UNEQUAL}


def test_every_rule_of_the_paper_scale_has_its_resources(profile: dict[str, Any]) -> None:
    known, _ = rules(PAPER)
    light = {rule for rule in known if LIGHT.fullmatch(rule)}
    assert set(profile["set-resources"]) == known - light - TARGETS
    for resources in (profile["default-resources"], *profile["set-resources"].values()):
        assert {"runtime", "mem_mb"} <= set(resources)


def test_what_is_cached_on_one_machine_is_cached_on_a_cluster(profile: dict[str, Any]) -> None:
    cached: set[str] = set()
    for scale in (SMOKE, QUICK, PAPER):
        known, of_scale = rules(scale)
        assert {"summarise", "curves"} < of_scale < known
        cached |= of_scale
    assert len(profile["cache"]) == len(cached)
    assert set(profile["cache"]) == cached


@pytest.fixture(scope="module")
def slurm() -> Iterator[dict[str, str]]:
    with one_node_slurm() as variables:
        yield variables


@NODE
@pytest.mark.slurm
def test_slurm_makes_the_same_files_with_the_resources_of_the_profile(
    finished: Path, slurm: dict[str, str], profile: dict[str, Any], tmp_path: Path
) -> None:
    folder = copy_of_repository(tmp_path / "cluster")
    cache = tmp_path / "cache"  # an empty one: nothing is taken from what the local run computed
    variables = {**environment(folder), "SNAKEMAKE_OUTPUT_CACHE": str(cache), **slurm}
    variables["PATH"] = os.pathsep.join([slurm["PATH"].partition(os.pathsep)[0], environment(folder)["PATH"]])
    (folder / "config" / "alone.yaml").write_text("scale: alone\ncells_together: false\n")
    command = [
        *("snakemake", "--workflow-profile", "profiles/slurm", "--slurm-status-command", "squeue"),
        *("--slurm-init-seconds-before-status-checks", "10", "--configfile", *SMOKE),
    ]

    def on_slurm(*more: str) -> None:
        run = subprocess.run([*command, *more], cwd=folder, env=variables, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-5000:]

    on_slurm()
    on_slurm("config/alone.yaml", "--", *(f"results/alone/{name}" for name in ALONE))

    queue = ["squeue", "--states=all", "--noheader", "--format=%k %T %l %m"]
    listed = subprocess.run(queue, env=variables, capture_output=True, text=True, check=True).stdout
    jobs = [line.split() for line in listed.splitlines()]
    assert {state for _, state, *_ in jobs} == {"COMPLETED"}
    alone = len(ALONE) + 2  # and two data sets
    assert len(jobs) == len(read_manifest(finished / "results" / "smoke").jobs) + 1 + alone  # 1: the manifest's own
    asked: dict[str, set[tuple[str, ...]]] = defaultdict(set)
    for comment, _, *resources in jobs:
        asked[comment.removeprefix("rule_").partition("_wildcards_")[0]].add(tuple(resources))
    assert set(asked) == rules(SMOKE)[0] - TARGETS | {"sample", "train"}
    usual, special = profile["default-resources"], profile["set-resources"]
    for rule in set(asked) - {"train"}:
        resources = special.get(rule, usual)
        assert asked[rule] == {(_time(resources["runtime"]), f"{resources['mem_mb']}M")}
    assert asked["train"] == {(_time(480), "4000M"), (_time(480), "8000M")}  # the second are networks for images

    expected = hashes(finished)
    assert hashes(folder) == expected
    for name in ALONE:
        assert sha256_of_file(folder / "results" / "alone" / name) == expected[name]
    for stage in ("data", "init", "theory", "training", "tidy", "zoo"):
        made = (folder / "results" / "smoke" / stage).rglob("*.*")
        files = [path for path in made if not path.is_dir() and path.name != EXPECTED]  # which is not kept
        assert files
        for path in files:
            assert path.resolve().parent == cache, "computed by these jobs, and kept"


def _time(minutes: int) -> str:
    """As Slurm writes a time limit."""
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    of_day = f"{hours:02}:{minutes:02}:00" if days else f"{hours}:{minutes:02}:00" if hours else f"{minutes}:00"
    return f"{days}-{of_day}" if days else of_day
