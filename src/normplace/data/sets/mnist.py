"""MNIST: its four original files, an image folder, a download, or the digits as a stand-in."""

from pathlib import Path

import numpy as np

from normplace.data.on_disk import Download, OnDisk, refuse_altered
from normplace.data.record import DatasetRecord, Source
from normplace.data.sets import digits
from normplace.data.vision import import_torchvision
from normplace.errors import UserError
from normplace.files import sha256_of_file

RAW = Path("MNIST", "raw")
MIRRORS = ("https://ossci-datasets.s3.amazonaws.com/mnist/", "http://yann.lecun.com/exdb/mnist/")
# SHA-256 of the four original MNIST files, unpacked, as torchvision leaves them under MNIST/raw.
SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
# MD5 of the archives that are downloaded, as torchvision has them.
ARCHIVES = {
    "train-images-idx3-ubyte": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "train-labels-idx1-ubyte": "d53e105ee54ea40749a09fcbcd1e9432",
    "t10k-images-idx3-ubyte": "9fb629c4189551a2d022fa330f9573f3",
    "t10k-labels-idx1-ubyte": "ec29112dd5afa0611ce80d1b7f02629c",
}


def files(data_root: Path, split: str, kind: str) -> Source:
    """The original files, each held against its hash."""
    raw = data_root / RAW
    for name, expected in SHA256.items():
        if not (raw / name).exists():
            raise UserError(f"{raw / name}: missing, while other MNIST files are there; all four are needed")
        refuse_altered(raw / name, sha256_of_file(raw / name), expected, "SHA-256")
    data = import_torchvision().datasets.MNIST(data_root, train=split == "train")
    pixels, labels = data.data.numpy()[:, None], data.targets.numpy().astype(np.int64)
    return Source(labels, digits.DIGITS, lambda indices: pixels[indices], kind, "MNIST")


ON_DISK = OnDisk(
    name="mnist",
    title="MNIST",
    class_names=tuple(digits.DIGITS),
    files=files,
    shown_by=tuple(str(RAW / file) for file in SHA256),
    wanted=f"{RAW}/{{{','.join(SHA256)}}}",
    downloads=tuple(
        Download(tuple(f"{mirror}{file}.gz" for mirror in MIRRORS), f"md5:{md5}", unpacked=str(RAW / file))
        for file, md5 in ARCHIVES.items()
    ),
    stand_in=digits.read,
)
DATASET = DatasetRecord(
    "mnist", ON_DISK.source, classes="parity", sizes={"parity": (60_000, 10_000)}, constants=((0.1307,), (0.3081,)),
    on_disk=ON_DISK,
)  # fmt: skip
