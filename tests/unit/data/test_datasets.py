"""Every source to one tensor: geometry, order, class maps, standardisation, and what is refused."""

import hashlib
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from normplace.data.datasets import DataRequest, load, prepare, read
from normplace.data.record import Where
from normplace.data.sets import DATASETS, cifar10, mnist
from normplace.data.sets.digits import DIGITS
from normplace.errors import UserError

REAL_DATA = Path(os.environ.get("DATA_ROOT") or "data")


@pytest.mark.slow
def test_gaussian_blobs_have_the_papers_geometry() -> None:
    data = load("gaussian", points=20_000)
    x, y, provenance = data.x, data.y, data.provenance
    assert x.shape == (20_000, 1000)
    assert x.dtype == torch.float32
    assert torch.bincount(y).tolist() == [10_000, 10_000]
    plus, minus = x[y == 0], x[y == 1]
    # Each coordinate of a class mean has standard error 0.01, their average over 1000 coordinates 0.01/sqrt(1000).
    standard_error = 0.01 / 1000**0.5
    assert abs(plus.mean() - 1000**-0.5) < 4 * standard_error
    assert abs(minus.mean() + 1000**-0.5) < 4 * standard_error
    assert abs(plus.std(dim=0).mean() - 1) < 4 * 0.01 / 2**0.5 / 1000**0.5 + 1e-4
    assert provenance["stand_in"] is False


@pytest.mark.slow
def test_the_same_request_gives_the_same_points_and_fewer_points_are_the_first_ones() -> None:
    for name in ("gaussian", "digits", "patches"):
        first, again = load(name, points=60), load(name, points=60)
        assert torch.equal(first.x, again.x)
        assert first.provenance == again.provenance
        own_scale = {"standardise": "own"} if name == "gaussian" else {}
        assert not own_scale or not torch.equal(load(name, points=60, **own_scale).x, first.x)
    ten, sixty = load("gaussian", points=10), load("gaussian", points=60)
    assert torch.equal(ten.x, sixty.x[:10])
    assert torch.equal(ten.y, sixty.y[:10])


@pytest.mark.slow
def test_train_and_test_patches_share_no_pixels() -> None:
    """Every patch is looked up in the photographs: training patches end where test patches begin."""
    from sklearn.datasets import load_sample_images

    photographs = load_sample_images().images
    for split, rows in (("train", range(0, 301)), ("test", range(332, 396))):
        source = DATASETS["patches"].read(split, Where(()))
        assert set(source.labels) == set(range(10))
        for label, patch in zip(source.labels[:20], source.read(np.arange(20)), strict=True):
            photograph, strip = photographs[label // 5], label % 5
            found = [
                row
                for row in range(photograph.shape[0] - 31)
                for column in range(128 * strip, 128 * strip + 97, 4)
                if np.array_equal(photograph[row, column], patch[:, 0, 0])
                and np.array_equal(photograph[row : row + 32, column : column + 32].transpose(2, 0, 1), patch)
            ]
            assert found
            assert all(row in rows for row in found)


def test_class_maps() -> None:
    all_digits = load("digits", classes="all", points=500).y
    parity = load("digits", points=500).y
    assert torch.equal(parity, all_digits % 2)
    own = load("digits", classes='{"loops": ["0", 6, 9], "none": [1, 7]}', points=300)
    assert set(own.y.tolist()) == {0, 1}
    assert own.provenance["classes"] == {"loops": ["0", "6", "9"], "none": ["1", "7"]}
    chosen = torch.isin(all_digits, torch.tensor([0, 6, 9, 1, 7]))
    expected = torch.isin(all_digits[chosen], torch.tensor([1, 7])).long()
    assert torch.equal(own.y[: int(chosen.sum())], expected[: len(own.y)])


@pytest.mark.parametrize(
    ("classes", "words"),
    [
        ('{"a": ["zebra"], "b": ["1"]}', "no class 'zebra'"),
        ('{"a": [0], "b": [10]}', "no class 10"),
        ('{"a": [0]}', "two or more classes"),
        ('{"a": [0], "b": [0]}', "none in two of them"),
        ('{"a": [0], "b": []}', "none empty"),
        ("odd", "allowed are parity"),
        ("cats-dogs", "airplane"),
        ("cats-dogs", "; scikit-learn digits has 0, 1,"),
        ('{"a": [0], "a": [1], "b": [2]}', "twice"),
        ("[1, 2]", "JSON map"),
        ('{"a": true, "b": [1]}', "JSON map"),
    ],
)
def test_bad_class_maps_are_refused(classes: str, words: str) -> None:
    with pytest.raises(UserError, match=r"--classes") as caught:
        load("digits", classes=classes)
    assert words in str(caught.value)


def test_standardisation_and_shift(image_folder: Path) -> None:
    own = load(f"folder:{image_folder}")
    assert own.x.shape == (16, 3, 5, 6)
    torch.testing.assert_close(own.x.mean(dim=(0, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(own.x.std(dim=(0, 2, 3), correction=0), torch.ones(3), atol=1e-5, rtol=0)
    shifted = load(f"folder:{image_folder}", shift=1.5)
    torch.testing.assert_close(shifted.x, own.x + 1.5)
    with pytest.raises(UserError, match="--standardise paper"):
        load(f"folder:{image_folder}", standardise="paper")


def test_the_papers_constants_standardise_cifar10_from_an_image_folder(tmp_path: Path) -> None:
    for split in ("train", "test"):
        for label, name in enumerate(cifar10.CLASSES):
            (tmp_path / "cifar10" / split / name).mkdir(parents=True)
            grey = np.full((32, 32, 3), 20 * label, dtype=np.uint8)
            Image.fromarray(grey).save(tmp_path / "cifar10" / split / name / "0.jpg", quality=95)
    data = load("cifar10", data_root=tmp_path, classes="all")
    x, y, provenance = data.x, data.y, data.provenance
    expected = (20 * y.float() / 255)[:, None] - torch.tensor([0.4914, 0.4822, 0.4465])
    expected = expected / torch.tensor([0.2023, 0.1994, 0.2010])
    torch.testing.assert_close(x.mean(dim=(2, 3)), expected, atol=0.03, rtol=0)
    assert provenance["label"] == "CIFAR-10 (JPEG copy)"
    assert provenance["standardise"] == "paper"
    assert provenance["stand_in"] is False


def test_a_stand_in_says_so_and_can_be_forbidden(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    data = load("mnist", data_root=tmp_path, points=50)
    assert data.provenance["stand_in"] is True
    assert "stand-in for MNIST" in data.provenance["label"]
    assert "STAND-IN" in caplog.text
    assert torch.equal(data.x, load("digits", points=50).x)
    with pytest.raises(UserError, match="train-images-idx3-ubyte"):
        load("mnist", data_root=tmp_path, stand_in_allowed=False)


def test_altered_mnist_is_refused_with_both_hashes_and_the_path(tmp_path: Path) -> None:
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name in mnist.SHA256:
        (raw / name).write_bytes(b"truncated")
    with pytest.raises(UserError) as caught:
        load("mnist", data_root=tmp_path)
    message = str(caught.value)
    assert str(raw / "train-images-idx3-ubyte") in message
    assert hashlib.sha256(b"truncated").hexdigest() in message
    assert mnist.SHA256["train-images-idx3-ubyte"] in message
    (raw / "t10k-labels-idx1-ubyte").unlink()
    (raw / "train-images-idx3-ubyte").unlink()
    with pytest.raises(UserError, match="all four are needed"):
        load("mnist", data_root=tmp_path)


def test_altered_cifar10_is_refused_before_any_pickle_is_opened(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "sprung"),)

    base = tmp_path / "cifar-10-batches-py"
    base.mkdir()
    for name in [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch", "batches.meta"]:
        (base / name).write_bytes(pickle.dumps(Trap()))
    with pytest.raises(UserError, match="MD5"):
        load("cifar10", data_root=tmp_path)
    assert not (tmp_path / "sprung").exists()


def test_too_many_points_are_refused(image_folder: Path) -> None:
    with pytest.raises(UserError, match="--points 17") as caught:
        load(f"folder:{image_folder}", points=17)
    assert "16 points" in str(caught.value)
    with pytest.raises(UserError, match="--points 1"):
        load(f"folder:{image_folder}", points=1)
    with pytest.raises(UserError, match="--dataset imagenet"):
        load("imagenet")


def test_points_that_are_all_the_same_are_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / "train" / name).mkdir(parents=True)
        pixels = np.arange(75, dtype=np.uint8).reshape(5, 5, 3)
        Image.fromarray(pixels).save(tmp_path / "train" / name / "0.png")
    with pytest.raises(UserError, match="all 2 points are the same"):
        load(f"folder:{tmp_path}")


def test_data_are_looked_for_under_data_root_and_then_in_the_projects_own_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATA_ROOT", str(tmp_path / "elsewhere"))
    for digit in DIGITS:
        (tmp_path / "data" / "mnist" / "train" / digit).mkdir(parents=True)
        pixels = np.full((8, 8), int(digit), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "data" / "mnist" / "train" / digit / "0.png")
    assert load("mnist").provenance["label"] == "MNIST (image folder)"
    assert load("mnist", data_root=tmp_path / "nowhere", points=5).provenance["stand_in"] is True


def test_a_prepared_file_gives_what_its_source_gives(tmp_path: Path) -> None:
    request = DataRequest("patches", points=40, classes="all")
    list(prepare({tmp_path / "p.npz": request}))
    direct, prepared = read(request), load(f"file:{tmp_path / 'p.npz'}", points=40)
    assert torch.equal(direct.x, prepared.x)
    assert direct.provenance == prepared.provenance
    first = load(f"file:{tmp_path / 'p.npz'}", points=7, shift=2.0)
    torch.testing.assert_close(first.x, direct.x[:7] + 2)
    with pytest.raises(UserError, match="--points 41"):
        load(f"file:{tmp_path / 'p.npz'}", points=41)
    with pytest.raises(UserError, match="prepared file"):
        load(f"file:{tmp_path / 'p.npz'}", classes="all")


def test_a_damaged_or_foreign_prepared_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.npz"
    list(prepare({path: DataRequest("digits", points=40)}))
    whole = path.read_bytes()
    middle = len(whole) // 2
    path.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
    with pytest.raises(UserError, match="damaged"):
        load(f"file:{path}")
    path.write_bytes(whole[:middle])
    with pytest.raises(UserError, match="damaged"):
        load(f"file:{path}")
    path.write_bytes(b"\xff\xd8\xff of a photograph")  # which numpy takes for a pickle
    with pytest.raises(UserError, match=r"not an .npz of normplace \(it is no zip archive\)"):
        load(f"file:{path}")
    np.savez(path, x=np.zeros(3))
    with pytest.raises(UserError, match="not a file of normplace"):
        load(f"file:{path}")
    with pytest.raises(UserError, match="no such file"):
        load(f"file:{tmp_path / 'absent.npz'}")


@pytest.mark.skipif(
    not (REAL_DATA / "MNIST" / "raw" / "train-images-idx3-ubyte").is_file(), reason="real MNIST is not under DATA_ROOT"
)
def test_real_mnist() -> None:
    data = load("mnist", data_root=REAL_DATA, classes="all")
    x, y, provenance = data.x, data.y, data.provenance
    assert y[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert x.shape == (1000, 1, 28, 28)
    torch.testing.assert_close(x.min(), torch.tensor(-0.1307 / 0.3081))
    torch.testing.assert_close(x.max(), torch.tensor((1 - 0.1307) / 0.3081))
    assert provenance["label"] == "MNIST"
