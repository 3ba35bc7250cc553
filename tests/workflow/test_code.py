"""A stage depends on just the modules that its command imports."""

import re
import shutil
from pathlib import Path

import pytest

from study import code
from tests.checkout import ROOT, TINY, run, tiny_checkout

STAGES = sorted(
    {
        stage
        for rules in (ROOT / "workflow" / "rules").glob("*.smk")
        for stage in re.findall(r'made_by\("(\w+)"\)', rules.read_text())
    }
)


def files(tmp_path: Path, **contents: str) -> None:
    """A package of these modules; __ in a name stands for a folder."""
    for name, text in contents.items():
        path = tmp_path / "normplace" / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        for folder in [path.parent, *path.parent.parents][: len(path.relative_to(tmp_path).parts) - 1]:
            (folder / "__init__.py").touch()
        path.write_text(text)


def test_imports_are_followed_wherever_they_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code, "SOURCE", tmp_path)
    files(
        tmp_path,
        cli__draw="from typing import TYPE_CHECKING\n"
        "import numpy\nfrom normplace.a import function\nfrom normplace import b, e\n"
        "if TYPE_CHECKING:\n    from normplace import types_only\nelse:\n    from normplace import otherwise\n"
        "def run():\n    import normplace.c.deep as deep\n",
        a="from . import relative\n",
        b="import normplace.cli.draw\n",  # a circle ends
        e__one="",
        e__two="from normplace.two import x\n",
        two="",
        c__deep="class A:\n    def f(self):\n        from normplace.d import g\n",
        c__beside="",
        d="",
        relative="",
        otherwise="",
        types_only="",
        cli__other="",
    )
    (tmp_path / "normplace" / "c" / "__init__.py").write_text("from normplace.by_package import x\n")
    (tmp_path / "normplace" / "by_package.py").touch()
    (tmp_path / "normplace" / "e" / "__init__.py").write_text("ALL = records(__name__, list(__path__), 'IT')\n")
    found = {path.relative_to(tmp_path / "normplace").as_posix() for path in code.modules("draw")}
    packages = {"__init__.py", "cli/__init__.py", "c/__init__.py", "e/__init__.py"}
    imported = {"a.py", "b.py", "c/deep.py", "d.py", "relative.py", "otherwise.py", "by_package.py"}
    registered = {"e/one.py", "e/two.py", "two.py"}
    assert found == {"cli/draw.py", *packages, *imported, *registered}


def test_a_stage_without_a_command_is_refused() -> None:
    with pytest.raises(ValueError, match=r"stage paint: there is no normplace/cli/paint\.py"):
        code.modules("paint")


@pytest.mark.parametrize(
    ("changed", "stages"),
    [
        ("sampling/mlps.py", {"sample"}),
        ("theories/kernel.py", {"theory"}),
        ("training/checkpoints.py", {"train"}),
        ("measuring/layers.py", {"measure"}),
        ("tables/learning_curves.py", {"curves"}),
        ("tables/milestones.py", {"curves", "verify"}),
        ("tables/samples.py", {"summarise"}),
        ("tables/zoo.py", {"measurements"}),
        ("verifying/judges.py", {"verify"}),
        ("data/on_disk.py", {"data", "sample", "theory", "train", "measure"}),
        ("files.py", set(STAGES)),
    ],
)
def test_a_changed_module_changes_just_the_stages_that_import_it(
    changed: str, stages: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(code.SOURCE / "normplace", tmp_path / "normplace")
    monkeypatch.setattr(code, "SOURCE", tmp_path)
    before = {stage: code.of.__wrapped__(stage) for stage in STAGES}
    with (tmp_path / "normplace" / changed).open("a") as module:
        module.write("# one more line\n")
    after = {stage: code.of.__wrapped__(stage) for stage in STAGES}
    assert {stage for stage in STAGES if after[stage] != before[stage]} == stages


def test_no_hash_depends_on_where_the_checkout_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = {stage: code.of.__wrapped__(stage) for stage in STAGES}
    shutil.copytree(code.SOURCE, tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "requirements.lock", tmp_path)
    monkeypatch.setattr(code, "SOURCE", tmp_path / "src")
    monkeypatch.setattr(code, "ROOT", tmp_path)
    assert {stage: code.of.__wrapped__(stage) for stage in STAGES} == here
    with (tmp_path / "requirements.lock").open("a") as lock:
        lock.write("# one more line\n")
    assert not set(here.values()) & {code.of.__wrapped__(stage) for stage in STAGES}


def test_what_a_command_loads_is_among_what_its_stage_depends_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python itself says what it imports; what only starts all commands is left out."""
    folder = tiny_checkout(tmp_path)
    targets = {
        "data": "results/tiny/data/gaussian/init-all.npz",
        "sample": "results/tiny/init/placements/gaussian/none.npz",
        "theory": "results/tiny/theory/placements/gaussian/none.npz",
        "train": "results/tiny/training/start_matters/neutral/runs-0-0/none.csv",
        "curves": "results/tiny/tidy/start_matters/curves.csv",
        "summarise": "results/tiny/tidy/shift/gamma.csv",
        "measure": "results/tiny/zoo/2-networks-each.json",
        "measurements": "results/tiny/tidy/zoo/models.csv",
    }
    monkeypatch.setenv("PYTHONPROFILEIMPORTTIME", "1")
    monkeypatch.setenv("SNAKEMAKE_OUTPUT_CACHE", str(tmp_path / "cache"))
    made = run(folder, "snakemake", *targets.values(), "--cores", "2", "--configfile", *TINY)
    assert made.returncode == 0, made.stderr[-3000:]
    for stage, target in targets.items():
        log = folder / target.replace("results/tiny/", "results/tiny/logs/")
        log = log.with_suffix(".log") if "/zoo/" in target and stage == "measure" else log.parent.with_suffix(".log")
        loaded = set(re.findall(r"^import time:.*\| +(normplace[\w.]*)$", log.read_text(), flags=re.MULTILINE))
        assert len(loaded) > 3
        known = {path.relative_to(code.SOURCE).as_posix() for path in code.modules(stage)}
        for module in loaded:
            path = module.replace(".", "/")
            if not module.startswith(("normplace.cli", "normplace.environment")):
                assert known & {f"{path}.py", f"{path}/__init__.py"}, f"{stage} loads {module}"
