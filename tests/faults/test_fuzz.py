"""Fuzzed files and configurations: refused in one line or read as they were, never a traceback or another result."""

import copy
import io
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from normplace.data.datasets import DataRequest, prepare, read_arrays
from normplace.data.inputs import load_inputs
from normplace.data.record import Where
from normplace.data.sets import mnist
from normplace.errors import UserError
from normplace.files import sha256_of_file, sha256_of_text, write_json, write_npz
from normplace.tables.records import BY_DEPTH, OF_SAMPLE, read_kernel_theory, read_sample, read_training
from normplace.tables.zoo import measurements
from normplace.training import checkpoints
from normplace.training.optimizers import make_optimizer
from normplace.verifying.claims import Judgement, judge, read_claims
from normplace.verifying.manifest import problems, read_manifest
from study import configuration, experiments
from study.settings import Study
from tests.checkout import QUICK, ROOT, SMOKE

# The same examples each time; a file that pytest gives once is written anew by every example.
fuzzed = settings(
    max_examples=int(os.environ.get("NORMPLACE_FUZZ", 60)),
    deadline=60_000,  # ms: it would be a hang, even on a busy machine
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

IMAGES = ("png", "jpg", "bmp", "gif", "ppm", "tif", "webp")
CELL = {
    "options": {
        "norm": "none", "placement": None, "activation": "relu", "bn_statistics": "batch", "width": 5,
        "weight_variance": 2.0, "bias_variance": 0.0,
    },
    "data": {
        "dataset": "digits", "label": "digits", "stand_in": False, "classes": {"even": ["0"], "odd": ["1"]},
        "shift": 0.0, "points": 7, "first_points_sha256": "",
    },
}  # fmt: skip


@st.composite
def damages(draw: st.DrawFn) -> Callable[[bytes], bytes]:
    """Ways to damage a file: bits flipped, its end cut off, a part cut out, or bytes put in."""
    kind = draw(st.sampled_from(["flip", "flip", "truncate", "cut", "insert"]))
    where, length = draw(st.floats(0, 1, exclude_max=True)), draw(st.integers(1, 40))
    bits, more = draw(st.integers(1, 255)), draw(st.binary(min_size=1, max_size=40))

    def damage(content: bytes) -> bytes:
        at = int(where * len(content))
        return {
            "flip": content[:at] + bytes([content[at] ^ bits]) + content[at + 1 :],
            "truncate": content[:at],
            "cut": content[:at] + content[at + length :],
            "insert": content[:at] + more + content[at:],
        }[kind]

    return damage


def refused_or_the_same(path: Path, damage: Callable[[bytes], bytes], read: Callable[[], Any]) -> None:
    """Damage a file, read it, and put it back."""
    expected = arrays_of(read())
    found, refusal = read_damaged(path, damage, read)
    assert (path.stem in refusal and "\n" not in refusal) if refusal else arrays_of(found) == expected


def read_damaged(path: Path, damage: Callable[[bytes], bytes], read: Callable[[], Any]) -> tuple[Any, str]:
    """Damage a file, read it, and put it back; returns what was read, or why it was refused."""
    content = path.read_bytes()
    path.write_bytes(damage(content))
    try:
        return read(), ""
    except UserError as error:
        return None, str(error)
    finally:
        path.write_bytes(content)


def arrays_of(value: Any) -> list[Any]:
    """Comparable parts of a tuple of arrays, tables and mappings."""
    return [part.tobytes() if isinstance(part, np.ndarray) else str(part) for part in value]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One good file of each kind."""
    folder, random = tmp_path_factory.mktemp("files"), np.random.default_rng(0)
    arrays = {name: random.random((2, 3, 2), np.float32) for name in OF_SAMPLE[:3]}
    arrays |= {name: random.random((2, 3), np.float32) for name in OF_SAMPLE[3:]}
    write_npz(folder / "sample.npz", arrays, CELL)
    theory = {name: random.random(2) for name in BY_DEPTH} | {"depths": np.array([1, 2])}
    write_npz(folder / "theory.npz", {**theory, "guess_fraction": arrays["guess_fraction"]}, CELL)
    list(prepare({folder / "data.npz": DataRequest("digits", points=5, test_points=3)}))
    names = "run,step,split,bn_statistics,accuracy_majority,accuracy_minority"
    rows = f"{names}\n0,0,train,,0.5,0.25\n0,1,train,,0.5,0.25\n"
    (folder / "training.csv").write_text(rows)
    plan = {"optimizer": "adam", "learning_rate": 0.1, "batch_size": 2, "epochs": 1, "select": "any", "runs": 1}
    plan |= {"schedule": "constant", "weight_decay": 0.0, "clip": 0.0, "augment": False, "evaluated": 9}
    plan["output_bias"] = "drawn"
    config = {"options": {**CELL["options"], **plan}, "data": {**CELL["data"], "test_class_counts": [2, 1]}}
    write_json(folder / "training.json", {**config, "rows_sha256": sha256_of_text(rows)})
    interval = {"value": 0.5, "low": 0.4, "high": 0.6}
    seen = {
        "regime": "prejudiced",
        **dict.fromkeys(("gamma", "gamma_of_guesses", "fair_largest_fraction"), interval),
        "gamma_theory": None,
        "readout": {"layer": "0", **interval},
        "largest_fraction": {"mean": 0.7, "quantiles": {"0.5": 0.7}},
        "rises": [],
    }
    of_model = {
        "options": {"model": "mine:build", "model_arguments": {}},
        "data": CELL["data"],
        **{"points": 7, "shape": "5", "classes": 2, "inits": 9, "contrast": {}},
    }
    write_json(folder / "measured.json", {**of_model, "bn_statistics": {"batch": seen}})
    np.save(folder / "inputs.npy", random.random((4, 3)))
    turned = Image.Exif()
    turned[0x112] = 3
    for number, suffix in enumerate(IMAGES):
        path = folder / "images" / "train" / "ab"[number % 2] / f"1.{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        more = {} if suffix in ("bmp", "gif", "ppm") else {"exif": turned}
        Image.fromarray(random.integers(0, 255, (5, 6, 3), np.uint8)).save(path, **more)
    return folder


@fuzzed
@given(damage=damages())
def test_samples(damage: Callable[[bytes], bytes], folder: Path) -> None:
    path = folder / "sample.npz"
    refused_or_the_same(path, damage, lambda: read_sample(path))


@fuzzed
@given(damage=damages())
def test_kernel_theory(damage: Callable[[bytes], bytes], folder: Path) -> None:
    path = folder / "theory.npz"
    refused_or_the_same(path, damage, lambda: read_kernel_theory(path))


@fuzzed
@given(damage=damages())
def test_prepared_data(damage: Callable[[bytes], bytes], folder: Path) -> None:
    path = folder / "data.npz"
    refused_or_the_same(path, damage, lambda: read_arrays(DataRequest(f"file:{path}")))


@fuzzed
@given(damage=damages(), suffix=st.sampled_from([".csv", ".json"]))
def test_trainings(damage: Callable[[bytes], bytes], suffix: str, folder: Path) -> None:
    path = folder / "training.csv"
    refused_or_the_same(path.with_suffix(suffix), damage, lambda: read_training(path))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped run of the quick scale, to be damaged."""
    return Path(shutil.copytree(ROOT / "reference" / "quick", tmp_path_factory.mktemp("run") / "quick"))


JUDGED = {"placements/gamma": "batch-before-constant", "dynamics/runs": "training-learns"}  # a claim a table


@fuzzed
@given(damage=damages(), table=st.sampled_from(sorted(JUDGED)))
def test_tidy_tables(damage: Callable[[bytes], bytes], table: str, run: Path) -> None:
    """Judged, or refused in one line; and `verify --integrity` names the table if a byte of it is another."""
    path = run / "tidy" / f"{table}.csv"
    content = path.read_bytes()
    claims = [claim for claim in read_claims(ROOT / "claims.yaml") if claim.id == JUDGED[table]]

    def judged() -> list[Judgement]:
        altered = problems(run, read_manifest(run))
        assert altered == ([] if path.read_bytes() == content else [f"altered: tidy/{table}.csv"])
        return judge(claims, run / "tidy")

    _, refusal = read_damaged(path, damage, judged)
    assert not refusal or (str(path) in refusal and "\n" not in refusal)


@fuzzed
@given(damage=damages())
def test_measurements(damage: Callable[[bytes], bytes], folder: Path) -> None:
    refused_or_the_same(folder / "measured.json", damage, lambda: [measurements([folder / "measured.json"])])


@fuzzed
@given(damage=damages())
def test_a_damaged_npy_file_is_refused_or_holds_numbers(damage: Callable[[bytes], bytes], folder: Path) -> None:
    """It is a user's own and has no sum of ours: other numbers cannot be known for others."""
    path = folder / "inputs.npy"
    inputs, refusal = read_damaged(path, damage, lambda: load_inputs(DataRequest(f"npy:{path}")))
    assert "inputs.npy" in refusal if refusal else torch.isfinite(inputs.given()).all()


@fuzzed
@given(damage=damages(), suffix=st.sampled_from(IMAGES), skip=st.booleans())
def test_a_damaged_image_is_refused_or_an_image(
    damage: Callable[[bytes], bytes], suffix: str, skip: bool, folder: Path
) -> None:
    (path,) = (folder / "images" / "train").rglob(f"*.{suffix}")
    request = DataRequest(f"folder:{folder / 'images'}", standardise="own", skip_unreadable=skip)
    found, refusal = read_damaged(path, damage, lambda: read_arrays(request))
    assert "images" in refusal if refusal else np.isfinite(found.x).all()


@fuzzed
@given(damage=damages())
def test_a_damaged_checkpoint_begins_the_run_again(damage: Callable[[bytes], bytes], folder: Path) -> None:
    torch.manual_seed(0)
    network = torch.nn.Linear(3, 2)
    optimizer = make_optimizer("adam", network.parameters(), 0.0)
    path = folder / "run.pt"
    state = checkpoints.State(torch.ones(8), 1, 2, torch.Generator().get_state(), [{"loss": 1.0}], step=3)
    checkpoints.save(path, "ab", state, network, optimizer)
    path.write_bytes(damage(path.read_bytes()))
    before = copy.deepcopy(network.state_dict())
    found = checkpoints.load(path, "ab", network, optimizer)
    assert found is None or (found.rows, found.step, found.majority, found.draws) == ([{"loss": 1.0}], 3, 1, 2)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


class Trap:
    """Pickled, it is code that runs when the file is opened."""

    def __init__(self, sprung: Path) -> None:
        self.sprung = sprung

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.sprung),)


def test_no_file_runs_code(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    trap = np.array([Trap(tmp_path / "sprung")], dtype=object)
    names = ("guess_fraction", "output_mean", "output_var", "pixels", "labels", "config")
    np.savez(tmp_path / "trap.npz", **dict.fromkeys(names, trap))
    np.save(tmp_path / "trap.npy", trap)
    torch.save({"rows": Trap(tmp_path / "sprung")}, tmp_path / "trap.pt")
    readers: dict[str, Callable[[], object]] = {
        "sample": lambda: read_sample(tmp_path / "trap.npz"),
        "data": lambda: read_arrays(DataRequest(f"file:{tmp_path / 'trap.npz'}")),
        "npy": lambda: load_inputs(DataRequest(f"npy:{tmp_path / 'trap.npy'}")),
    }
    for read in readers.values():
        with pytest.raises(UserError, match="trap"):
            read()
    network = torch.nn.Linear(1, 1)
    assert (
        checkpoints.load(tmp_path / "trap.pt", "ab", network, make_optimizer("sgd", network.parameters(), 0.0)) is None
    )
    assert "damaged" in caplog.text
    assert not (tmp_path / "sprung").exists()
    np.load(tmp_path / "trap.npy", allow_pickle=True)  # the trap is one
    assert (tmp_path / "sprung").exists()


@fuzzed
@given(damage=damages(), name=st.sampled_from(sorted(mnist.SHA256)))
def test_altered_idx_files_are_refused(damage: Callable[[bytes], bytes], name: str, folder: Path) -> None:
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    for file in mnist.SHA256:
        (raw / file).write_bytes(b"\0\0\x08\x01\0\0\0\x02\x01\x02")
    sums = {file: sha256_of_file(raw / file) for file in mnist.SHA256}
    with patch.object(mnist, "SHA256", sums):
        whole, damaged = (raw / name).read_bytes(), damage((raw / name).read_bytes())
        if damaged == whole:
            return
        (raw / name).write_bytes(damaged)
        with pytest.raises(UserError, match=rf"{name}: altered or incomplete"):
            mnist.ON_DISK.source("train", Where((folder,)))


@fuzzed
@given(damage=damages())
def test_manifests_and_claims(damage: Callable[[bytes], bytes], run: Path, folder: Path) -> None:
    """Of what a reader of text takes for good, nothing ends in a traceback later."""
    for path, use in (
        (run / "manifest.json", lambda: problems(run, read_manifest(run))),
        (folder / "claims.yaml", lambda: judge(read_claims(folder / "claims.yaml"), run / "nothing")),
    ):
        if path.name == "claims.yaml":
            shutil.copy(ROOT / "claims.yaml", path)
        _, refusal = read_damaged(path, damage, use)
        assert not refusal or (str(path) in refusal and "\n" not in refusal)


CONFIGURATIONS = {
    scale: configuration.read(ROOT / path for path in paths) for scale, paths in (("smoke", SMOKE), ("quick", QUICK))
}
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["mnist", "none"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=3),
    max_leaves=5,
)


def check(config: dict[str, Any]) -> tuple[Study | None, str]:
    try:
        return configuration.check(config), ""
    except SystemExit as refused:
        return None, str(refused.code)


@fuzzed
@given(data=st.data(), scale=st.sampled_from(["smoke", "quick"]))
def test_a_configuration_makes_jobs_or_is_refused_in_one_line(data: st.DataObject, scale: str) -> None:
    config = copy.deepcopy(CONFIGURATIONS[scale])
    for _ in range(data.draw(st.integers(1, 3))):
        at = config
        key = data.draw(st.sampled_from(sorted(at, key=str)))
        while isinstance(at[key], dict) and at[key] and data.draw(st.booleans()):
            at = at[key]
            key = data.draw(st.sampled_from(sorted(at, key=str)))
        change = data.draw(st.sampled_from(["value", "value", "number", "remove", "add"]))
        if change == "remove":
            del at[key]
        elif change == "add":
            at[data.draw(st.text(max_size=8) | st.integers())] = data.draw(VALUES)
        else:
            at[key] = data.draw(VALUES if change == "value" else st.integers(-5, 10**9))
    checked, refusal = check(config)
    if checked is None:
        assert refusal.startswith("configuration: ")
        assert "\n" not in refusal
        return
    for tables in experiments.tables(checked).values():
        for job in tables.jobs:
            assert job.options
            assert job.data if isinstance(job.data, str) else job.data.options
            assert job.path


def test_the_damages_damage() -> None:
    """A fuzzer that changes nothing finds nothing."""
    content = io.BytesIO(bytes(range(200))).getvalue()
    changed = []

    @settings(max_examples=50, derandomize=True, database=None)
    @given(damage=damages())
    def collect(damage: Callable[[bytes], bytes]) -> None:
        changed.append(damage(content) != content)

    collect()
    assert np.mean(changed) > 0.9
