"""MNIST and CIFAR-10 as people have them: under other names, packed, deeper; found, or what is wanted is said."""

import gzip
import hashlib
import io
import logging
import pickle
import shutil
import struct
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from normplace.data import on_disk
from normplace.data.datasets import Data, load
from normplace.data.record import Where
from normplace.data.sets import DATASETS, cifar10, mnist
from normplace.data.vision import import_torchvision
from normplace.errors import UserError


@pytest.fixture
def raw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A root with four small files in MNIST's format at their usual place, which are taken for the original ones."""
    folder = tmp_path / "root" / "MNIST" / "raw"
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    for stem in ("train", "t10k"):
        pixels = random.integers(0, 256, size=(20, 28, 28)).astype(np.uint8)
        images = struct.pack(">4i", 2051, 20, 28, 28) + pixels.tobytes()
        labels = struct.pack(">2i", 2049, 20) + bytes(number % 10 for number in range(20))
        (folder / f"{stem}-images-idx3-ubyte").write_bytes(images)
        (folder / f"{stem}-labels-idx1-ubyte").write_bytes(labels)
    sums = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in mnist.SHA256}
    monkeypatch.setattr(mnist, "SHA256", sums)
    return folder


def packed(raw: Path) -> None:
    for file in sorted(raw.iterdir()):
        raw.joinpath(f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes()))
        file.unlink()


def dotted(raw: Path) -> None:
    for file in sorted(raw.iterdir()):
        file.rename(raw / file.name.replace("-idx", ".idx"))


def moved(raw: Path, place: str) -> None:
    """All four files into another folder of the root."""
    root = raw.parents[1]
    shutil.move(raw, root.parent / "aside")
    shutil.rmtree(root / "MNIST")
    (root / place).mkdir(parents=True, exist_ok=True)
    for file in (root.parent / "aside").iterdir():
        shutil.move(file, root / place / file.name)


def in_folders(raw: Path) -> None:
    """As an archive that many take it from unpacks: a folder around each file, of the same name."""
    for file in sorted(raw.iterdir()):
        file.rename(raw / "file")
        file.mkdir()
        (raw / "file").rename(file / file.name)


PLACES: dict[str, Callable[[Path], object]] = {
    "usual": lambda raw: None,
    "packed": packed,
    "dotted": dotted,
    "no raw/": lambda raw: moved(raw, "MNIST"),
    "the root itself": lambda raw: moved(raw, "."),
    "mnist/MNIST/raw": lambda raw: moved(raw, "mnist/MNIST/raw"),
    "an extra level": lambda raw: moved(raw, "data/MNIST/raw"),
    "a folder each": in_folders,
}


@pytest.mark.parametrize("place", PLACES)
def test_mnist_is_found_where_people_put_it(place: str, raw: Path) -> None:
    expected = load("mnist", data_root=raw.parents[1], test_points=20)
    PLACES[place](raw)
    found = load("mnist", data_root=raw.parents[1], test_points=20)
    assert found.provenance == expected.provenance
    assert found.provenance["source"] == "torchvision files"
    assert (found.x == expected.x).all()
    assert (found.test_x == expected.test_x).all()


def test_mnist_is_read_as_torchvision_reads_it(raw: Path) -> None:
    for split, train in (("train", True), ("test", False)):
        ours = DATASETS["mnist"].read(split, Where((raw.parents[1],)))
        theirs = import_torchvision().datasets.MNIST(raw.parents[1], train=train)
        assert (ours.read(np.arange(20))[:, 0] == theirs.data.numpy()).all()
        assert (ours.labels == theirs.targets.numpy()).all()


def test_skipping_has_no_effect_on_original_files_which_is_said(raw: Path, caplog: pytest.LogCaptureFixture) -> None:
    load("mnist", data_root=raw.parents[1], skip_unreadable=True, test_points=20)
    said = [message for message in caplog.messages if "--skip-unreadable" in message]
    assert said == ["note: --skip-unreadable has no effect: MNIST is not read from a folder of images"]


def test_files_of_the_same_names_are_no_mnist(raw: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Fashion-MNIST and others call their files the same."""
    root = raw.parents[1]
    shutil.copytree(root / "MNIST", root / "FashionMNIST")
    for file in (root / "FashionMNIST" / "raw").iterdir():
        file.write_bytes(file.read_bytes()[:-1] + b"\xff")
    packed(raw)
    assert not load("mnist", data_root=root).provenance["stand_in"]
    shutil.rmtree(root / "MNIST")
    assert load("mnist", data_root=root).provenance["stand_in"]
    assert f"there is {root}/FashionMNIST/raw, in which t10k-images-idx3-ubyte, " in caplog.text


def test_away_from_the_usual_place_a_damaged_or_missing_file_is_named(
    raw: Path, caplog: pytest.LogCaptureFixture
) -> None:
    moved(raw, "other")
    other = raw.parents[1] / "other"
    with (other / "train-labels-idx1-ubyte").open("r+b") as file:
        file.truncate(20)
    (other / "t10k-labels-idx1-ubyte").unlink()
    assert load("mnist", data_root=raw.parents[1]).provenance["stand_in"]
    assert f"there is {other}, in which train-labels-idx1-ubyte cannot be read" in caplog.text
    assert "but no t10k-labels-idx1-ubyte" in caplog.text


@pytest.mark.parametrize("place", ["usual", "an extra level"])
def test_a_root_full_of_other_things_is_searched(place: str, raw: Path) -> None:
    PLACES[place](raw)
    for number in range(300):
        (raw.parents[1] / f"{number}").touch()
    assert not load("mnist", data_root=raw.parents[1]).provenance["stand_in"]


def test_files_in_a_folder_called_train_are_no_image_folder(raw: Path) -> None:
    moved(raw, "mnist/train")
    assert load("mnist", data_root=raw.parents[1]).provenance["source"] == "torchvision files"


def test_nothing_is_made_where_nothing_may_be_downloaded(tmp_path: Path) -> None:
    assert load("mnist", data_root=tmp_path / "nowhere").provenance["stand_in"]
    assert not (tmp_path / "nowhere").exists()


def test_a_root_that_may_not_be_looked_into_is_none(tmp_path: Path) -> None:
    assert load("mnist", data_root=tmp_path / ("long" * 100)).provenance["stand_in"]


def test_three_of_four_files_are_refused(raw: Path) -> None:
    (raw / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(UserError, match=r"t10k-labels-idx1-ubyte: missing, .* all four are needed"):
        load("mnist", data_root=raw.parents[1])


def test_what_is_there_and_what_is_wanted_are_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "mnist.zip").write_bytes(b"x")
    (tmp_path / "cifar-10-batches-bin").mkdir()
    for name, there, wanted in (
        ("mnist", "mnist.zip", "MNIST/raw/{train-images-idx3-ubyte"),
        ("cifar10", "cifar-10-batches-bin", "cifar-10-batches-py/ (unpacked cifar-10-python.tar.gz)"),
    ):
        caplog.clear()
        assert load(name, data_root=tmp_path, points=50).provenance["stand_in"]
        with pytest.raises(UserError) as caught:
            load(name, data_root=tmp_path, stand_in_allowed=False)
        for said in (caplog.text, str(caught.value)):
            assert f"there is {tmp_path / there}, which cannot be read as it is" in said
            assert f"Put it at {tmp_path}/{wanted}" in said
            assert "NORMPLACE_OFFLINE is set" in said


def test_jobs_of_a_run_do_not_say_that_the_user_forbade_downloads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(on_disk.OFFLINE, on_disk.IN_A_RUN)
    with pytest.raises(
        UserError, match=r"jobs of a run download nothing; .*study.fetch.*, with which .make replicate. begins"
    ):
        load("mnist", data_root=tmp_path, stand_in_allowed=False)


@pytest.fixture
def batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A root with CIFAR-10's files, of 40 images, which are taken for the original ones."""
    folder = tmp_path / "root" / cifar10.FOLDER
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    dataset = import_torchvision().datasets.CIFAR10
    names = [name for name, _ in (*dataset.train_list, *dataset.test_list)]
    for name in names:
        data = random.integers(0, 256, size=(10, 3072)).astype(np.uint8)
        (folder / name).write_bytes(pickle.dumps({"data": data, "labels": list(range(10))}))
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": list(cifar10.CLASSES)}))
    md5 = {file.name: hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest() for file in folder.iterdir()}
    monkeypatch.setattr(dataset, "train_list", [[name, md5[name]] for name in names[:-1]])
    monkeypatch.setattr(dataset, "test_list", [[names[-1], md5[names[-1]]]])
    monkeypatch.setattr(dataset, "meta", {**dataset.meta, "md5": md5["batches.meta"]})
    return folder


@pytest.mark.parametrize("place", ["cifar10", "cifar-10-python", "data/cifar", cifar10.FOLDER])
def test_cifar10_is_found_deeper(place: str, batches: Path) -> None:
    root = batches.parent
    expected = load("cifar10", data_root=root, test_points=8)
    shutil.move(batches, root.parent / "aside")
    (root / place).mkdir(parents=True)
    shutil.move(root.parent / "aside", root / place / cifar10.FOLDER)
    found = load("cifar10", data_root=root, test_points=8)
    assert found.provenance == expected.provenance
    assert not found.provenance["stand_in"]


def archived(batches: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, on_disk.OnDisk]:
    """The archive instead of the unpacked folder, in a folder of the root, and the data set that knows its hash."""
    root, record = batches.parent, DATASETS["cifar10"].on_disk
    assert record is not None
    (root / "downloads").mkdir()
    packed_file = io.BytesIO()
    with tarfile.open(fileobj=packed_file, mode="w:gz") as archive:
        archive.add(batches, cifar10.FOLDER)
    (root / "downloads" / name).write_bytes(packed_file.getvalue())
    shutil.rmtree(batches)
    known = f"md5:{hashlib.md5(packed_file.getvalue(), usedforsecurity=False).hexdigest()}"
    return root, replace(record, downloads=(replace(record.downloads[0], known_hash=known),))


def test_an_archive_that_is_there_is_unpacked_and_not_downloaded(
    batches: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, record = archived(batches, "cifar-10-python.tar.gz", monkeypatch)
    source = record.source("train", Where((root,), stand_in_allowed=False))
    assert len(source.labels) == 50
    assert (root / cifar10.FOLDER / "data_batch_1").is_file()
    assert not list(root.glob(".download-*"))


def test_a_damaged_archive_is_not_unpacked(batches: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, record = archived(batches, "cifar-10-python.tar.gz", monkeypatch)
    archive = root / "downloads" / "cifar-10-python.tar.gz"
    archive.write_bytes(archive.read_bytes()[:-1])
    with pytest.raises(UserError, match=r"there is .*cifar-10-python.tar.gz, but its checksum is not md5:.*: fetch"):
        record.source("train", Where((root,), stand_in_allowed=False))
    assert sorted(path.name for path in root.rglob("*")) == ["cifar-10-python.tar.gz", "downloads"]


def test_a_whole_archive_is_not_called_damaged_where_another_is_missing(
    batches: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, record = archived(batches, "cifar-10-python.tar.gz", monkeypatch)
    missing = replace(record.downloads[0], urls=("https://example.org/rest.tar.gz",))
    record = replace(record, downloads=(*record.downloads, missing))
    with pytest.raises(UserError) as caught:
        record.source("train", Where((root,), stand_in_allowed=False))
    assert "checksum" not in str(caught.value)


def test_images_of_cifar10_are_found_deeper_and_its_classes_are_named(tmp_path: Path) -> None:
    for split in ("train", "test"):
        for label, name in enumerate(cifar10.CLASSES):
            (tmp_path / "images" / "CIFAR-10" / split / name).mkdir(parents=True)
            pixels = np.full((32, 32, 3), 20 * label, dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "images" / "CIFAR-10" / split / name / "0.png")
    found: Data = load("cifar10", data_root=tmp_path, points=5)
    assert found.provenance["label"] == "CIFAR-10 (image folder)"
    folder = tmp_path / "images" / "CIFAR-10" / "train"
    (folder / "truck").rename(folder / "lorry")
    with pytest.raises(UserError) as caught:
        load("cifar10", data_root=tmp_path)
    assert f"folder {folder}: needs the classes airplane" in str(caught.value)
    assert "but has airplane, automobile, bird, cat, deer, dog, frog, horse, lorry, ship" in str(caught.value)


def test_a_folder_full_of_files_is_not_searched(raw: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A data root may hold millions of images."""
    moved(raw, "crowd")
    for number in range(300):
        (raw.parents[1] / "crowd" / f"{number}.txt").write_text("")
    caplog.set_level(logging.WARNING)
    assert load("mnist", data_root=raw.parents[1]).provenance["stand_in"]
