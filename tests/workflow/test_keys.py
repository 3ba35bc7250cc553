"""Keys of cached outputs: one change at random gives exactly the jobs that depend on it another key.

In the real DAG of the quick scale. What a job depends on is found here by other ways than the workflow's: the commands
as they would run, the modules that the interpreter loads, the bytes of the data. With NORMPLACE_FUZZ=200 some 200
changes are tried.
"""

import copy
import json
import os
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from normplace.files import sha256_of_text
from study import code, configuration, library
from study.plan import Plan
from tests.checkout import QUICK, ROOT, copy_of_repository, environment

HERE = Path(__file__).parent
STAGES = ("data", "sample", "theory", "train", "summarise", "curves", "phase", "measure", "measurements")
OVERLAY = "config/changed.yaml"
LOCK = "requirements.lock"
# The packages that compute, as they are imported -> as they are installed; timm is imported by models' names only.
COMPUTE = {name: name for name in ("torch", "torchvision", "numpy", "scipy", "pandas", "matplotlib", "timm")}
COMPUTE |= {"PIL": "pillow", "sklearn": "scikit-learn"}
COMPUTE_NOTHING = {"click", "pooch", "pydantic", "tqdm", "yaml"}
IMAGES = [f"{split}/{name}/0.png" for split in ("train", "test") for name in "0123456789"]
MODULES = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "src" / "normplace").rglob("*.py"))
NOTHING_DEPENDS_ON = ("README.md", "claims.yaml", "figures/start_matters.py", "workflow/study/manifest.py")
CONFIG = configuration.read([ROOT / name for name in QUICK])
# A change of these may leave all jobs as they are: more runs per job than there are runs, more points than there are.
MAY_CHANGE_NOTHING = (("training", "runs_a_job"), ("placements", "theory_points"))
NAMES = sorted(
    {*library.ACTIVATIONS, *library.SIZES, *library.CLASS_MAPS, *library.OPTIMIZERS, *library.SCHEDULES, *library.CELLS}
)


def examples(of_ten: int) -> settings:
    """So many of every ten that are tried in all, the same ones each time."""
    return settings(
        max_examples=max(1, of_ten * int(os.environ.get("NORMPLACE_FUZZ", 10)) // 10),
        deadline=None,  # each reads the workflow anew
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


class Job(NamedTuple):
    """A cached job: its key, and a hash of all that it depends on."""

    key: str
    depends_on: str
    output: str


class Checkout:
    """A copy of the repository with folders of images in it, and a process that answers which keys its jobs have."""

    def __init__(self, folder: Path) -> None:
        self.folder = copy_of_repository(folder)
        for dataset in ("mnist", "cifar10"):
            for image in IMAGES:
                write(folder / "data" / dataset / image, image.encode())
        write(folder / OVERLAY, b"{}")
        self.loaded = loaded_by_stages(folder)
        self.process = subprocess.Popen(
            [sys.executable, HERE / "job_keys.py"], cwd=folder, env=environment(folder), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        self.before = self.jobs()

    def jobs(self) -> list[Job]:
        """As everything in the folder is now."""
        assert self.process.stdin
        assert self.process.stdout
        print(*QUICK, OVERLAY, file=self.process.stdin, flush=True)
        found = json.loads(self.process.stdout.readline())
        assert found, "there are no jobs"
        by_output = {job["outputs"][0]: job for job in found}
        hashes: dict[str, str] = {}

        def depends_on(output: str) -> str:
            """The command, what it loads and reads, and the same of the jobs before it."""
            if output not in hashes:
                job = by_output[output]
                stage = job["command"].split()[1]
                parts = [job["command"], self._of_all(), self._code(stage), *map(depends_on, job["upstream"])]
                parts += [self._data(job["rule"].removeprefix("dataset_"))] if stage == "data" else []
                hashes[output] = sha256_of_text("\0".join(parts))
            return hashes[output]

        return [Job(job["key"], depends_on(output), output) for output, job in by_output.items()]

    def _of_all(self) -> str:
        """The lock, and the versions that are installed on top."""
        installed = sorted(path.name for path in (self.folder / "src").glob("*.dist-info"))
        return (self.folder / LOCK).read_text() + str(installed)

    def _code(self, stage: str) -> str:
        return "".join(f"{path}\0{(self.folder / path).read_text()}\0" for path in self.loaded[stage])

    def _data(self, dataset: str) -> str:
        files = sorted(path for path in (self.folder / "data" / dataset).rglob("*") if path.is_file())
        return "".join(f"{path}\0{path.read_bytes()!r}\0" for path in files)


def loaded_by_stages(folder: Path) -> dict[str, list[str]]:
    """Stage -> the files of normplace that its command loads."""
    command = [sys.executable, HERE / "loaded.py", *STAGES]
    found = subprocess.run(command, cwd=folder, env=environment(folder), capture_output=True, text=True, check=True)
    loaded = json.loads(found.stdout)
    others = {name for stage in loaded.values() for name in stage["others"]}
    assert others - COMPUTE_NOTHING == set(COMPUTE) - {"timm"}
    return {stage: [str(Path(file).relative_to(folder)) for file in one["files"]] for stage, one in loaded.items()}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    checkout = Checkout(tmp_path_factory.mktemp("keys"))
    yield checkout
    checkout.process.communicate()


def problems(jobs: list[Job]) -> list[str]:
    """Jobs that have the same key but depend on something else, and the reverse."""
    depend_on, keys = defaultdict(dict), defaultdict(dict)
    for job in jobs:
        depend_on[job.key][job.depends_on] = job.output
        keys[job.depends_on][job.key] = job.output
    shared = [f"share a key: {list(outputs.values())}" for outputs in depend_on.values() if len(outputs) > 1]
    return shared + [
        f"needlessly redone: {next(iter(outputs.values()))}" for outputs in keys.values() if len(outputs) > 1
    ]


def write(path: Path, content: bytes | None) -> None:
    """None: no such file."""
    if content is None:
        path.unlink()
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


@contextmanager
def altered(path: Path, content: bytes | None) -> Iterator[None]:
    """A file with another content, or without any, and then with its own and its date again."""
    before, stat = (path.read_bytes(), path.stat()) if path.exists() else (None, None)
    try:
        write(path, content)
        yield
    finally:
        write(path, before)
        if stat:
            os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


@contextmanager
def installed(package: str, folder: Path) -> Iterator[None]:
    """A package in another version, to those who ask for it."""
    info = folder / "src" / f"{package.replace('-', '_')}-99.dist-info"
    write(info / "METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: 99\n".encode())
    try:
        yield
    finally:
        shutil.rmtree(info)


def found_anew(checkout: Checkout) -> set[str]:
    """Outputs of the jobs whose key is new; all jobs, old and new, must have the key of what they depend on."""
    now = checkout.jobs()
    assert not problems(checkout.before + now)
    return {job.output for job in now} - {job.output for job in now if job in checkout.before}


def one_more_line(path: Path) -> Any:
    return altered(path, path.read_bytes() + b"# one more line\n")


def test_the_workflow_knows_the_modules_and_packages_that_its_commands_load(checkout: Checkout) -> None:
    for stage in STAGES:
        assert {str(path.relative_to(ROOT)) for path in code.modules(stage)} == set(checkout.loaded[stage])
    assert set(COMPUTE.values()) <= set(code.made_by("measure")["versions"])


def test_no_two_jobs_of_a_run_share_a_key(checkout: Checkout) -> None:
    assert len({job.key for job in checkout.before}) == len(checkout.before) > 80
    assert not problems(checkout.before)


def settings_in(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The keys that lead to every value in a configuration, be it a number, a list or a mapping."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in inside:
        yield (*above, key)
        yield from settings_in(inner, (*above, key))


@st.composite
def other_configurations(draw: st.DrawFn) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """A configuration in which one setting has another value, is dropped, or has its entries in another order."""
    config = copy.deepcopy(CONFIG)
    # The scale names the folder of results, and nothing else depends on it.
    *way, last = setting = draw(st.sampled_from([setting for setting in settings_in(CONFIG) if setting != ("scale",)]))
    parent: Any = config
    for key in way:
        parent = parent[key]
    value, kinds = parent[last], [st.just(None)]
    if isinstance(value, bool):
        kinds = [st.just(not value)]
    elif isinstance(value, int):
        kinds.append(st.integers(value // 2, value + 2))
    elif isinstance(value, float):
        kinds.append(st.sampled_from([value / 2, value * 2]))
    elif isinstance(value, str):
        kinds.append(st.sampled_from(NAMES))
    elif isinstance(value, list):
        kinds.append(st.permutations(value))
    other = draw(st.one_of(kinds))
    assume(other != value)
    if other is None and isinstance(parent, list):
        del parent[last]
    else:
        parent[last] = other
    try:
        Plan(configuration.resolve(config))
    except SystemExit:  # it is not allowed
        assume(False)
    return setting, config


@examples(4)
@given(other=other_configurations())
def test_another_setting(checkout: Checkout, other: tuple[tuple[Any, ...], dict[str, Any]]) -> None:
    setting, config = other
    with altered(checkout.folder / OVERLAY, yaml.safe_dump(config).encode()):
        found = found_anew(checkout)
    reordered = "cells" in setting
    assert found or reordered or setting in MAY_CHANGE_NOTHING


@examples(3)
@given(module=st.sampled_from(MODULES))
def test_another_line_of_code(checkout: Checkout, module: str) -> None:
    with one_more_line(checkout.folder / module):
        found = found_anew(checkout)
    assert bool(found) == any(module in files for files in checkout.loaded.values())


@examples(2)
@given(
    dataset=st.sampled_from(["mnist", "cifar10"]),
    image=st.sampled_from(IMAGES),
    how=st.sampled_from(["a byte", "one more", "gone"]),
)
def test_another_byte_of_the_data(checkout: Checkout, dataset: str, image: str, how: str) -> None:
    file = checkout.folder / "data" / dataset / image
    content = file.read_bytes()
    with {
        "a byte": altered(file, bytes([content[0] ^ 1]) + content[1:]),
        "one more": altered(file.with_name("1.png"), content),
        "gone": altered(file, None),
    }[how]:
        assert f"results/quick/data/{dataset}/init-all.npz" in found_anew(checkout)


@examples(1)
@given(package=st.sampled_from([None, *COMPUTE.values()]))
def test_another_lock_or_version(checkout: Checkout, package: str | None) -> None:
    with installed(package, checkout.folder) if package else one_more_line(checkout.folder / LOCK):
        assert found_anew(checkout) == {job.output for job in checkout.before}


@examples(1)
@given(file=st.sampled_from(NOTHING_DEPENDS_ON))
def test_what_nothing_depends_on(checkout: Checkout, file: str) -> None:
    with one_more_line(checkout.folder / file):
        assert not found_anew(checkout)


def test_keys_that_lack_something_would_be_noticed(checkout: Checkout) -> None:
    made_by, data = (checkout.folder / "workflow" / name for name in ("study/code.py", "rules/data.smk"))
    image = checkout.folder / "data" / "mnist" / IMAGES[0]
    without_code = made_by.read_bytes().replace(b'"code": of(stage), "versions": versions()', b"")
    without_found = data.read_bytes().replace(b"data.found(files.dataset)", b"''")
    assert without_code != made_by.read_bytes()
    assert without_found != data.read_bytes()
    with altered(made_by, without_code), altered(data, without_found):
        before = checkout.jobs()
        assert not problems(before)
        for change in (
            one_more_line(checkout.folder / "src" / "normplace" / "sampling" / "mlps.py"),
            altered(image, b"!"),
            installed("torch", checkout.folder),
        ):
            with change:
                assert any("share a key" in problem for problem in problems(before + checkout.jobs()))
