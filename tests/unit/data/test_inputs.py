"""The inputs of `normplace measure`: arrays and texts as they are, random ones, and one line for what is malformed."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from normplace.cli.main import main
from normplace.data.datasets import DataRequest, load
from normplace.data.inputs import Inputs, load_inputs
from normplace.errors import UserError
from normplace.files import sha256_of_arrays
from normplace.measuring.points import Points

TEXT = b"There is no free lunch, and no guess without a prejudice.\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of a user's files, as the current one."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    tokens, floats = random.integers(50, size=(30, 6)), random.random((30, 6))
    arrays: dict[str, Any] = {
        "tokens": tokens,
        "short": tokens.astype(np.int32),
        "floats": floats,
        "halves": floats.astype(np.float16),
        "bytes": tokens.astype(np.uint8),
        "complex": floats.astype(complex),
        "line": floats[:, 0],
        "nan": np.where(floats > 0.9, np.nan, floats),
        "huge": floats * 1e300,
        "alike": np.ones((30, 6)),
        "few": floats[:1],
        "objects": np.array([[{}], [{}]]),
        "words": np.array([["a"], ["b"]]),
    }
    for name, array in arrays.items():
        np.save(tmp_path / f"{name}.npy", array)
    mask = (np.arange(6) < 4) & (tokens > 5)
    np.savez(tmp_path / "named.npz", input_ids=tokens, attention_mask=mask)
    np.savez(tmp_path / "ordered.npz", floats, tokens)
    np.savez(tmp_path / "one.npz", floats)
    np.savez(tmp_path / "mixed.npz", x=floats, y=tokens[:20])
    np.savez(tmp_path / "bytes.npz", x=floats, y=tokens.astype(np.uint8))
    np.savez(tmp_path / "alike.npz", x=np.ones((9, 2)), y=np.zeros((9, 3)))
    np.savez(tmp_path / "none.npz")
    (tmp_path / "text.txt").write_bytes(TEXT)
    (tmp_path / "same.txt").write_bytes(b"a" * 100)
    (tmp_path / "folder").mkdir()
    return tmp_path


def inputs(dataset: str, points: int | None = None, resize: int | None = None, **more: Any) -> Inputs:
    return load_inputs(DataRequest(dataset, points=points, **more), resize)


@pytest.mark.parametrize(
    ("name", "dtype"),
    [("tokens", torch.int64), ("short", torch.int64), ("floats", torch.float32), ("halves", torch.float32)],
)
def test_a_npy_file_as_it_is(name: str, dtype: torch.dtype, here: Path) -> None:
    found = inputs(f"npy:{name}.npy")
    x, expected = found.given(), np.load(here / f"{name}.npy")
    assert isinstance(x, torch.Tensor)
    assert x.dtype == dtype
    np.testing.assert_array_equal(x, expected.astype(np.float32 if dtype == torch.float32 else np.int64))
    assert found.labels is None
    assert found.class_names is None
    assert found.provenance == {
        "dataset": "npy", "source": "npy file", "label": f"{name}.npy", "stand_in": False,
        "points": 30, "shape": [6], "sha256": sha256_of_arrays([x.numpy()]),
    }  # fmt: skip
    first = inputs(f"npy:{name}.npy", points=7)
    assert torch.equal(first.tensors["arg0"], x[:7])
    assert first.provenance["points"] == 7
    assert first.provenance["sha256"] != found.provenance["sha256"]


def test_named_arrays_are_arguments_by_name(here: Path) -> None:
    given = inputs("npz:named.npz", points=20).given()
    assert isinstance(given, dict)
    assert list(given) == ["input_ids", "attention_mask"]
    file = np.load(here / "named.npz")
    for name, tensor in given.items():
        assert tensor.dtype == torch.int64  # attention_mask too, with which models of transformers reckon
        np.testing.assert_array_equal(tensor, file[name][:20])
    points = Points.of(given)
    assert points.mask is given["attention_mask"]
    assert points.positional == ()


def test_nameless_arrays_are_arguments_by_position(here: Path) -> None:
    given = inputs("npz:ordered.npz").given()
    assert isinstance(given, tuple)
    assert [tensor.dtype for tensor in given] == [torch.float32, torch.int64]
    np.testing.assert_array_equal(given[1], np.load(here / "tokens.npy"))
    one = inputs("npz:one.npz").given()
    assert isinstance(one, torch.Tensor)
    assert torch.equal(one, given[0])


def test_bytes_of_a_file_are_tokens() -> None:
    found = inputs("text:text.txt,8")
    x = found.tensors["arg0"]
    assert x.dtype == torch.int64
    assert x.shape == (len(TEXT) // 8, 8)
    assert bytes(x.flatten().tolist()) == TEXT[: len(TEXT) // 8 * 8]  # what is left over is no point
    assert found.provenance["label"] == "text.txt, 8 bytes per point"
    assert torch.equal(inputs("text:./text.txt,8", points=3).tensors["arg0"], x[:3])


def test_texts_of_a_package(here: Path) -> None:
    x = inputs("text:numpy,32", points=50).tensors["arg0"]
    folder = Path(np.__file__).parent
    texts = sorted(file for kind in ("rst", "md", "txt") for file in folder.rglob(f"*.{kind}"))
    assert bytes(x.flatten().tolist()) == b"".join(file.read_bytes() for file in texts)[: 50 * 32]
    assert inputs("text:numpy", points=5).tensors["arg0"].shape == (5, 64)
    # A file of that name comes first.
    (here / "numpy").write_bytes(TEXT)
    assert bytes(inputs("text:numpy,8").tensors["arg0"][0].tolist()) == TEXT[:8]


def test_random_inputs_are_what_they_say_and_the_same_again() -> None:
    x = inputs("gaussian:3x8x8", points=400).tensors["arg0"]
    assert (x.shape, x.dtype) == ((400, 3, 8, 8), torch.float32)
    error = x.numel() ** -0.5
    assert float(x.mean()) == pytest.approx(0, abs=5 * error)
    assert float(x.var()) == pytest.approx(1, abs=5 * 2**0.5 * error)
    assert torch.equal(inputs("gaussian:3x8x8", points=400).tensors["arg0"], x)
    assert torch.equal(inputs("gaussian:3x8x8", points=100).tensors["arg0"], x[:100])
    assert inputs("gaussian:5").tensors["arg0"].shape == (1000, 5)
    tokens = inputs("tokens:7,20").tensors["arg0"]
    assert (tokens.shape, tokens.dtype) == ((1000, 20), torch.int64)
    counts = tokens.flatten().bincount(minlength=7).numpy()
    assert len(counts) == 7
    chi_squared = ((counts - 20_000 / 7) ** 2 / (20_000 / 7)).sum()
    assert chi_squared < 27.9  # exceeded by even draws once in 10,000
    assert torch.equal(inputs("tokens:7,20", points=9).tensors["arg0"], tokens[:9])


def test_other_data_sets_keep_their_labels() -> None:
    found, data = inputs("digits", points=50, classes="all"), load("digits", "all", points=50)
    assert torch.equal(found.tensors["arg0"], data.x)
    assert found.labels is not None
    assert torch.equal(found.labels, data.y)
    assert found.class_names == data.classes
    assert found.provenance == data.provenance
    # gaussian alone is the paper's data set, not gaussian:SHAPE.
    assert inputs("gaussian", points=4).tensors["arg0"].shape == (4, 1000)


def test_images_are_resized(here: Path) -> None:
    images = inputs("gaussian:3x4x4", points=5).tensors["arg0"]
    np.save(here / "images.npy", images.numpy())
    for size in (2, 9):
        x = inputs("npy:images.npy", resize=size).tensors["arg0"]
        assert x.shape == (5, 3, size, size)
        torch.testing.assert_close(x, F.interpolate(images, size=size, mode="bilinear", antialias=True))
    # Made half as large, pixels are averaged, not left out; the ends have fewer to average over.
    row = np.tile(np.array([0, 0, 0, 1, 0, 0, 0, 0], dtype=np.float32), (2, 1, 8, 1))
    row[1] *= 2
    np.save(here / "row.npy", row)
    smaller = inputs("npy:row.npy", resize=4).tensors["arg0"][0, 0, 0]
    assert float(smaller.sum()) == pytest.approx(0.5, rel=0.1)


MALFORMED = {
    "npy:bytes.npy": [
        "needs floats, scaled as the model expects them, int64 tokens, or masks (bool)",
        "has uint8 [30, 6]",
    ],
    "npy:complex.npy": ["needs floats", "has complex128 [30, 6]"],
    "npy:words.npy": ["needs floats", "has <U1 [2, 1]"],
    "npy:line.npy": ["needs floats", "has float64 [30]"],
    "npy:objects.npy": ["not a .npy file of numbers", "Python objects"],
    "npy:nan.npy": ["has NaN, infinite values or values too large for float32"],
    "npy:huge.npy": ["has NaN, infinite values or values too large for float32"],
    "npy:alike.npy": ["all 30 points are the same"],
    "npy:few.npy": ["--dataset", "has 1 points, at least 2 are needed"],
    "npy:text.txt": ["not a .npy file of numbers"],
    "npy:missing.npy": ["no such file"],
    "npy:folder": ["is no file"],
    "npz:mixed.npz": ["needs arrays [n, ...] of one n,", "but has x [30, 6], y [20, 6]"],
    "npz:bytes.npz": ["needs floats", "y has uint8 [30, 6]"],
    "npz:alike.npz": ["all 9 points are the same"],
    "npz:none.npz": ["needs arrays [n, ...] of one n,", "but has no array"],
    "npz:text.txt": ["not an .npz file of numbers (it is no zip archive)"],
    "npz:missing.npz": ["no such file"],
    "npz:folder": ["is no file"],
    "text:missing": ["text:missing: is neither a file nor an installed package"],
    "text:./missing.txt,9": ["text:./missing.txt: is neither a file nor an installed package"],
    "text:folder": ["text:folder: cannot be read (Is a directory)"],
    "text:text.txt,0": ["allowed is text:FILE,LENGTH"],
    "text:text.txt,50": ["has 1 points, at least 2 are needed"],
    "text:same.txt,10": ["all 10 points are the same"],
    "gaussian:0x3": ["allowed is gaussian:SHAPE such as gaussian:3x32x32"],
    "gaussian:3x": ["allowed is gaussian:SHAPE"],
    "gaussian:3,4": ["allowed is gaussian:SHAPE"],
    "gaussian:-3": ["allowed is gaussian:SHAPE"],
    "gaussian:wide": ["allowed is gaussian:SHAPE"],
    "tokens:9": ["allowed is tokens:VOCABULARY,LENGTH"],
    "tokens:9,": ["allowed is tokens:VOCABULARY,LENGTH"],
    "tokens:0,9": ["allowed is tokens:VOCABULARY,LENGTH"],
    "tokens:9,9,9": ["allowed is tokens:VOCABULARY,LENGTH"],
    "tokens:9x9": ["allowed is tokens:VOCABULARY,LENGTH"],
    "tokens:1,9": ["all 1000 points are the same"],
    "text:": ["unknown, allowed are cifar10"],
    "npz:": ["unknown, allowed are cifar10"],
    "csv:x.csv": ["unknown, allowed are cifar10"],
}


@pytest.mark.parametrize("dataset", MALFORMED)
def test_one_line_for_what_is_malformed(dataset: str) -> None:
    with pytest.raises(UserError) as caught:
        inputs(dataset)
    (line,) = str(caught.value).splitlines()
    for words in (dataset.partition(",")[0], *MALFORMED[dataset]):
        assert words in line


@pytest.mark.parametrize("dataset", ["npy:floats.npy", "npz:named.npz", "text:text.txt,8", "gaussian:3", "tokens:9,4"])
def test_options_that_do_not_fit(dataset: str) -> None:
    kind = dataset.partition(":")[0]
    request = DataRequest(dataset, points=5)
    for option, value in {"classes": "all", "standardise": "own", "shift": 0.5}.items():
        with pytest.raises(UserError) as caught:
            load_inputs(replace(request, **{option: value}))
        assert (
            str(caught.value) == f"--{option} {value}: not for {kind}: inputs, which are used as they are, unlabelled"
        )
    with pytest.raises(UserError, match=f"--skip-unreadable: is for folders of images, not for {dataset}"):
        load_inputs(replace(request, skip_unreadable=True))
    with pytest.raises(
        UserError, match=r"--resize 8: needs images \[n, channels, height, width\], the inputs are \[5, "
    ):
        load_inputs(request, 8)
    for points in (1, 31) if kind in ("npy", "npz") else (1,):
        with pytest.raises(UserError, match=f"--points {points}: .*at least 2 are needed"):
            load_inputs(replace(request, points=points))


def test_the_command_says_it_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    for dataset, options, words in (
        ("npy:bytes.npy", [], "--dataset npy:bytes.npy: needs floats"),
        ("tokens:9,4", ["--classes", "all"], "--classes all: not for tokens: inputs"),
    ):
        with pytest.raises(SystemExit) as caught:
            main(["measure", "some:thing", "--dataset", dataset, *options, "--output", "m.json"])
        assert caught.value.code == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert words in line
        assert not Path("m.json").exists()
