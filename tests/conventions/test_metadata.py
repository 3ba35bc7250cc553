"""What registries, hosts and archives read of the project: valid by their schemas, and the same everywhere.

The checkers are programs in `.tools`, which `make .tools/installed` makes.
"""

import json
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.checkout import ROOT

TOOLS = ROOT / ".tools" / "bin"
checkers = pytest.mark.skipif(not TOOLS.is_dir(), reason="no checkers in .tools: `make .tools/installed` installs them")
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PAPER = "Where You Place the Norm Matters"


def check(tool: str, *arguments: str | Path, folder: Path = ROOT) -> str:
    done = subprocess.run([TOOLS / tool, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def project() -> dict[str, object]:
    return dict(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"])


@checkers
@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_of_github_are_valid(path: Path) -> None:
    check("check-jsonschema", "--builtin-schema", "vendor.github-workflows", path)


@checkers
def test_the_checkers_find_what_is_wrong(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yml"
    wrong.write_text("on: push\njobs: {one: {steps: [{run: 1}]}}\n", encoding="utf-8")
    with pytest.raises(AssertionError, match="is not valid"):
        check("check-jsonschema", "--builtin-schema", "vendor.github-workflows", wrong)
    (tmp_path / "Dockerfile").write_text("FROM python\nRUN cd /tmp\n", encoding="utf-8")
    with pytest.raises(AssertionError, match="DL3006"):
        check("hadolint", tmp_path / "Dockerfile")
    (tmp_path / "CITATION.cff").write_text("cff-version: 1.2.0\n", encoding="utf-8")
    with pytest.raises(AssertionError):
        check("cffconvert", "--validate", folder=tmp_path)


@checkers
def test_the_dockerfile_has_no_findings() -> None:
    check("hadolint", "Dockerfile")


@checkers
def test_every_file_has_its_license() -> None:
    check("reuse", "lint")


@checkers
def test_the_citation_is_valid() -> None:
    check("cffconvert", "--validate")


def test_workflows_of_github_try_every_python_and_system(project: dict[str, object]) -> None:
    matrix = yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text(encoding="utf-8"))["jobs"]["tests"][
        "strategy"
    ]["matrix"]
    assert matrix["python"] == ["3.11", "3.12", "3.13"]
    assert project["requires-python"] == ">=3.11,<3.14"
    assert {system.partition("-")[0] for system in matrix["os"]} == {"ubuntu", "macos"}


def test_workflows_of_github_call_targets_that_there_are() -> None:
    targets = (ROOT / "Makefile").read_text(encoding="utf-8")
    for path in WORKFLOWS:
        for job in yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values():
            for step in job["steps"]:
                words = step.get("run", "").split()
                assert "make" not in words or f"\n{words[words.index('make') + 1]}:" in targets, step


def test_metadata_say_the_same_of_the_project(project: dict[str, object]) -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    zenodo = json.loads((ROOT / ".zenodo.json").read_text(encoding="utf-8"))
    assert citation["version"] == zenodo["version"] == project["version"]
    assert citation["license"] == project["license"] == "MIT"
    assert zenodo["license"] == "mit"
    assert citation["title"] == zenodo["title"]
    assert PAPER in citation["preferred-citation"]["title"]
    cited = {one["identifiers"][0]["value"] for one in [citation["preferred-citation"], *citation["references"]]}
    assert cited == {one["identifier"] for one in zenodo["related_identifiers"]}
    assert (ROOT / "LICENSES" / "MIT.txt").read_text() == (ROOT / "LICENSE").read_text()


def test_containers_do_what_the_readme_says() -> None:
    for name in ("Dockerfile", "normplace.def"):
        text = (ROOT / name).read_text(encoding="utf-8")
        steps = [line.removeprefix("RUN").strip() for line in text.splitlines()]
        assert "make .venv/installed" in steps
        assert "make replicate" in text or '["make", "replicate"]' in text
    assert "\nUSER 1000\n" in (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_the_snakemake_catalogue_finds_what_it_needs() -> None:
    catalogue = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text(encoding="utf-8"))
    flags = catalogue["usage"]["mandatory-flags"]["flags"].split()
    assert (ROOT / flags[1]).is_file()
    assert catalogue["usage"]["report"] is True
    assert (ROOT / "config" / "README.md").is_file()
    assert (ROOT / "workflow" / "rules").is_dir()
