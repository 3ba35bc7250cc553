"""MNIST: its four original files, an image folder, a download, or the digits as a stand-in."""

import gzip
import hashlib
import itertools
import zlib
from pathlib import Path

import numpy as np

from normplace.data.on_disk import Download, Files, OnDisk, refuse_altered
from normplace.data.record import DatasetRecord, Source
from normplace.data.search import files_below, is_file
from normplace.data.sets import digits
from normplace.errors import UserError

RAW = Path("MNIST", "raw")
STEMS = {"train": "train", "test": "t10k"}
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


def find(root: Path) -> Files | None:
    """The four files, at their usual place, or as others name, pack or place them."""
    usual = {name: root / RAW / name for name in SHA256}
    if all(map(is_file, usual.values())):
        return usual
    found, _ = _of_these_names(root)
    if len(found) == len(SHA256):
        return found
    return usual if any(map(is_file, usual.values())) else None


def _of_these_names(root: Path) -> tuple[Files, list[Path]]:
    """Original files below a data root, however they are named, packed and placed, and others of the same names."""
    found: Files = {}
    others = []
    for path in files_below(root):
        name = _original(path)
        if name in SHA256 and name not in found and is_file(path):
            if _sha256(path) == SHA256[name]:
                found[name] = path
            else:  # damaged, or another data set's: some have the same names
                others.append(path)
    return found, others


def lacking(root: Path) -> str:
    """Why the files of these names below a data root are not taken; empty where there are none."""
    found, others = _of_these_names(root)
    unlike = [path for path in others if _original(path) not in found]
    said = [
        f"there is {folder}, in which {', '.join(path.name for path in files)} cannot be read, or is no file of MNIST's"
        for folder, files in itertools.groupby(unlike, lambda path: path.parent)
    ]
    missing = sorted(SHA256.keys() - found.keys() - {*map(_original, unlike)})
    if found and missing:
        said.append(f"there is {', '.join(map(str, found.values()))}, but no {', '.join(missing)}")
    return "; ".join(said)


def _original(path: Path) -> str:
    """The original name of a file, which others pack and write with a dot."""
    return path.name.removesuffix(".gz").replace(".idx", "-idx")


def read(files: Files, split: str, kind: str) -> Source:
    """The original files, each held against its hash."""
    for name, path in files.items():
        if not path.is_file():
            raise UserError(f"{path}: missing, while other MNIST files are there; all four are needed")
        refuse_altered(path, _sha256(path), SHA256[name], "SHA-256")
    images, labels = (_contents(files[name]) for name in files if name.startswith(STEMS[split]))
    pixels = np.frombuffer(images, np.uint8, offset=16).reshape(-1, 1, 28, 28)
    numbers = np.frombuffer(labels, np.uint8, offset=8).astype(np.int64)
    return Source(numbers, digits.DIGITS, lambda indices: pixels[indices], kind, "MNIST")


def _contents(path: Path) -> bytes:
    """What is in a file, or in the one that is packed in it."""
    try:
        return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (EOFError, zlib.error, OSError):
        return b""


def _sha256(path: Path) -> str:
    return hashlib.sha256(_contents(path)).hexdigest()


ON_DISK = OnDisk(
    name="mnist",
    title="MNIST",
    class_names=tuple(digits.DIGITS),
    find=find,
    lacking=lacking,
    read=read,
    wanted=f"{RAW}/{{{','.join(SHA256)}}}",
    words=("mnist", "ubyte"),
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
