"""CIFAR-10: its original files, an image folder, a download, or patches of photographs as a stand-in."""

import hashlib
from pathlib import Path

import numpy as np

from normplace.data.on_disk import Download, Files, OnDisk, refuse_altered
from normplace.data.record import DatasetRecord, Source
from normplace.data.search import folders_below, is_file
from normplace.data.sets import patches
from normplace.data.vision import import_torchvision
from normplace.errors import UserError

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
FOLDER = "cifar-10-batches-py"


def find(root: Path) -> Files | None:
    """The unpacked folder, below the data root or deeper."""
    folders = [folder for folder in folders_below(root) if folder.name == FOLDER]
    # An unpacker may add a folder around it.
    full = [folder for folder in folders if is_file(folder / "data_batch_1")]
    return {FOLDER: (full or folders)[0]} if folders else None


def read(files: Files, split: str, kind: str) -> Source:
    """The original files, each held against its hash."""
    dataset, base = import_torchvision().datasets.CIFAR10, files[FOLDER]
    # These files are pickles: none is opened before all match torchvision's own MD5 list.
    for name, expected in [*dataset.train_list, *dataset.test_list, (dataset.meta["filename"], dataset.meta["md5"])]:
        if not is_file(base / name):
            raise UserError(f"{base / name}: missing, while {base} is there; unpack the whole archive again")
        with (base / name).open("rb") as handle:
            refuse_altered(base / name, hashlib.file_digest(handle, "md5").hexdigest(), expected, "MD5")
    data = dataset(base.parent, train=split == "train")
    pixels, labels = data.data.transpose(0, 3, 1, 2), np.array(data.targets, dtype=np.int64)
    return Source(labels, list(CLASSES), lambda indices: pixels[indices], kind, "CIFAR-10")


ON_DISK = OnDisk(
    name="cifar10",
    title="CIFAR-10",
    class_names=CLASSES,
    find=find,
    read=read,
    wanted=f"{FOLDER}/ (unpacked cifar-10-python.tar.gz)",
    words=("cifar", "data_batch"),
    downloads=(
        Download(("https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",), "md5:c58f30108f718f92721af3b95e74349a"),
    ),
    stand_in=patches.read,
)
DATASET = DatasetRecord(
    "cifar10",
    ON_DISK.source,
    classes="vehicles-animals",
    sizes={"vehicles-animals": (40_000, 8_000), "cats-dogs": (10_000, 2_000)},
    constants=((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)),  # smaller stds than its own (.2470, .2435, .2616)
    on_disk=ON_DISK,
)
