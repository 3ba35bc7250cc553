"""Where the pixels come from: Gaussian blobs, torchvision's files, image folders, downloads and stand-ins.

A `Source` knows the label of every point of a split and reads pixels only for the points asked for.
"""

import hashlib
import os
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from normplace.errors import UserError
from normplace.files import sha256_of_file

Indices = npt.NDArray[np.int64]
CIFAR10_CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
DIGITS = [str(digit) for digit in range(10)]
SPLITS = ("train", "test")

# SHA-256 of the four original MNIST files, unpacked, as torchvision leaves them under MNIST/raw.
MNIST_SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
# The constants of the authors' code. CIFAR-10's are smaller than the data's own (.2470, .2435, .2616).
PAPER_MEAN_STD = {
    "mnist": ((0.1307,), (0.3081,)),
    "cifar10": ((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)),
}
EIGHT_BIT_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "HSV", "LAB")
DOWNLOAD_TIMEOUT = 30  # seconds without a byte


@dataclass(frozen=True)
class Source:
    """One split of one data set.

    labels: int64 [n], in the source's own order. read: indices [m] -> uint8 [m, c, h, w] pixels, or
    float32 [m, d] for data that are not images. label: what figures and tables call the data.
    """

    labels: Indices
    class_names: list[str]
    read: Callable[[Indices], npt.NDArray[Any]]
    kind: str
    label: str
    stand_in: bool = False


def gaussian(split: str) -> Source:
    """Two Gaussian blobs in d = 1000 at +-1/sqrt(d) in every coordinate, unit variance.

    10,000 training and 500 test points a class, in a fixed shuffled order that no seed changes
    (geometry: the authors' code). RandomState is used because numpy guarantees its stream for good.
    """
    d, per_class = 1000, {"train": 10_000, "test": 500}[split]
    random = np.random.RandomState(SPLITS.index(split))
    labels = random.permutation(np.repeat(np.arange(2, dtype=np.int64), per_class))

    def read(indices: Indices) -> npt.NDArray[np.float32]:
        noise = np.random.RandomState(100 + SPLITS.index(split))
        points = np.empty((len(labels), d), dtype=np.float32)
        for start in range(0, len(labels), 1000):  # in blocks: float64 of everything would be 160 MB
            points[start : start + 1000] = noise.standard_normal((1000, d))
        signs = (1 - 2 * labels[indices]).astype(np.float32)
        return points[indices] + signs[:, None] / np.float32(np.sqrt(d))

    return Source(labels, ["plus", "minus"], read, "generated", "Gaussian blobs")


def digits(split: str) -> Source:
    """scikit-learn's 1797 handwritten digits, 8x8: the stand-in for MNIST. The last 360 are the test split."""
    from sklearn.datasets import load_digits

    data = load_digits()
    keep = slice(0, -360) if split == "train" else slice(-360, None)
    pixels = (data.images[keep] * 15.9375).astype(np.uint8)[:, None]  # 0..16 -> 0..255
    labels = data.target[keep].astype(np.int64)
    return Source(labels, DIGITS, lambda indices: pixels[indices], "scikit-learn digits", "scikit-learn digits")


def patches(split: str) -> Source:
    """32x32 patches of scikit-learn's two sample photographs: the stand-in for CIFAR-10.

    Its ten "classes" are five vertical strips of each photograph; they share CIFAR-10's numbers and nothing
    else. Training patches come from the upper 332 rows, test patches from the rows below, in steps of 4 pixels.
    """
    from sklearn.datasets import load_sample_images

    photographs = load_sample_images().images
    size, step, strip = 32, 4, 128
    top, bottom = (0, 332) if split == "train" else (332, photographs[0].shape[0])
    corners = np.array(
        [
            (photograph, 5 * photograph + column // strip, row, column)
            for photograph in range(2)
            for row in range(top, bottom - size + 1, step)
            for column in range(0, 5 * strip, step)
            if column // strip == (column + size - 1) // strip
        ]
    )
    corners = corners[np.random.RandomState(0).permutation(len(corners))]

    def read(indices: Indices) -> npt.NDArray[np.uint8]:
        cut = [photographs[p][r : r + size, c : c + size] for p, _, r, c in corners[indices]]
        return np.stack(cut).transpose(0, 3, 1, 2)

    names = [f"photograph {p + 1}, strip {s + 1}" for p in range(2) for s in range(5)]
    labels = corners[:, 1].astype(np.int64)
    return Source(labels, names, read, "scikit-learn photographs", "patches of two photographs")


def folder(path: Path, split: str, label: str | None = None) -> Source:
    """Images in `path/<split>/<class>/`, any format Pillow reads, all of one size.

    The order is that of the SHA-256 of each image's name: shuffled, fixed, and not moved by other files.

    Names that begin with a dot are passed over; transparency is dropped.

    Raises:
        UserError: no such folder, a class without images, images of several sizes or of more than 8 bits, or
            one that cannot be read.
    """
    from PIL import Image

    root = path / split
    if not root.is_dir():
        raise UserError(f"folder {path}: needs a folder {split}/ with one folder of images a class")
    class_names = sorted(entry.name for entry in root.iterdir() if entry.is_dir() and entry.name[0] != ".")
    Image.preinit()  # the usual formats come first then: a JPEG is not tried as three others before
    suffixes = Image.registered_extensions()
    files = [
        (hashlib.sha256(os.fsencode(f"{name}/{file.name}")).hexdigest(), label_index, file)
        for label_index, name in enumerate(class_names)
        for file in (root / name).iterdir()
        if file.suffix.lower() in suffixes and file.name[0] != "."
    ]
    empty = sorted(set(range(len(class_names))) - {label_index for _, label_index, _ in files})
    if not files or empty:
        which = f" of {', '.join(class_names[index] for index in empty)}" if files else ""
        raise UserError(f"folder {root}: no images found in the <class>/ folders{which}")
    files.sort()
    first_size, first_file, grey = None, None, True
    for _, _, file in files:
        with _opened_image(file) as image:
            first_size, first_file = first_size or image.size, first_file or file
            if image.size != first_size:
                raise UserError(
                    f"folder {root}: images of several sizes, {_pixels(first_size)} in {first_file.name} "
                    f"and {_pixels(image.size)} in {file.name}; all must have one size"
                )
            if image.mode not in EIGHT_BIT_MODES:
                raise UserError(f"image {file}: has pixels of kind {image.mode}, only 8 bits a channel are read")
            grey = grey and image.mode in ("1", "L", "LA")

    def read(indices: Indices) -> npt.NDArray[np.uint8]:
        pixels = []
        for index in indices:
            with _opened_image(files[index][2]) as image:
                pixels.append(np.asarray(image.convert("L" if grey else "RGB")))
        stacked = np.stack(pixels)
        return stacked[:, None] if grey else stacked.transpose(0, 3, 1, 2)

    labels = np.array([label_index for _, label_index, _ in files], dtype=np.int64)
    jpeg = all(file.suffix.lower() in (".jpg", ".jpeg") for _, _, file in files)
    if label is not None:
        label += " (JPEG copy)" if jpeg else " (image folder)"
    shown = [_as_text(name) for name in class_names]
    return Source(labels, shown, read, "image folder", label or f"folder {_as_text(path.name)}")


def _as_text(name: str) -> str:
    """A file's name as it is meant, where the system takes itself for one that knows ASCII only."""
    return os.fsencode(name).decode("utf-8", "replace")


@contextmanager
def _opened_image(file: Path) -> Iterator[Any]:
    from PIL import Image

    try:
        with Image.open(file) as image:
            yield image
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"image {file}: cannot be read ({error})") from None


def _pixels(size: tuple[int, int] | None) -> str:
    return "x".join(map(str, size or ()))


def locate(name: str, data_root: Path) -> str:
    """Which source of `name` is there, without opening it: "torchvision files", "image folder" or "none"."""
    if name == "mnist" and any((data_root / "MNIST" / "raw" / file).exists() for file in MNIST_SHA256):
        return "torchvision files"
    if name == "cifar10" and (data_root / "cifar-10-batches-py").exists():
        return "torchvision files"
    return "image folder" if (data_root / name).is_dir() else "none"


def mnist_or_cifar10(name: str, split: str, data_roots: list[Path], stand_in_allowed: bool) -> Source:
    """The first source of `name` that is there: torchvision's files, image folder, download, stand-in.

    data_roots: folders to look in, in this order; a download goes to the first.

    Raises:
        UserError: a file is altered or incomplete, or nothing was found and a stand-in is not allowed.
    """
    read_torchvision = {"mnist": _mnist_files, "cifar10": _cifar10_files}[name]
    title = {"mnist": "MNIST", "cifar10": "CIFAR-10"}[name]
    for data_root in data_roots:
        found = locate(name, data_root)
        if found == "torchvision files":
            return read_torchvision(data_root, split, found)
        if found == "image folder":
            source = folder(data_root / name, split, title)
            expected = DIGITS if name == "mnist" else CIFAR10_CLASSES
            if source.class_names != expected:
                raise UserError(f"folder {data_root / name / split}: needs the classes {', '.join(expected)}")
            return source
    data_root, looked_in = data_roots[0], " or ".join(map(str, data_roots))
    try:
        if os.environ.get("NORMPLACE_OFFLINE"):
            raise OSError("NORMPLACE_OFFLINE is set")
        print(f"normplace: {title} is not in {looked_in}; downloading it", file=sys.stderr)
        _download(title, data_root)
        return read_torchvision(data_root, split, "downloaded by torchvision")
    except (OSError, RuntimeError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    if not stand_in_allowed:
        wanted = {"mnist": f"{data_root}/MNIST/raw/{{{','.join(MNIST_SHA256)}}}"}.get(
            name, f"{data_root}/cifar-10-batches-py/ (unpacked cifar-10-python.tar.gz)"
        )
        raise UserError(
            f"{title} was not found in {looked_in} and could not be downloaded ({reason}). Put it at {wanted}"
        )
    stand_in = {"mnist": digits, "cifar10": patches}[name](split)
    print(
        f"normplace: WARNING: {title} was not found in {looked_in} and could not be downloaded ({reason}). "
        f"Going on with a STAND-IN: {stand_in.label}. Numbers and figures from it are not {title}'s.",
        file=sys.stderr,
    )
    return Source(
        stand_in.labels,
        stand_in.class_names,
        stand_in.read,
        "stand-in",
        f"{stand_in.label} (stand-in for {title})",
        stand_in=True,
    )


def _refuse_altered(path: Path, found: str, expected: str, algorithm: str) -> None:
    if found != expected:
        raise UserError(f"{path}: altered or incomplete, its {algorithm} is {found}, expected {expected}")


def _mnist_files(data_root: Path, split: str, kind: str) -> Source:
    raw = data_root / "MNIST" / "raw"
    for name, expected in MNIST_SHA256.items():
        if not (raw / name).exists():
            raise UserError(f"{raw / name}: missing, while other MNIST files are there; all four are needed")
        _refuse_altered(raw / name, sha256_of_file(raw / name), expected, "SHA-256")
    data = import_torchvision().datasets.MNIST(data_root, train=split == "train")
    pixels, labels = data.data.numpy()[:, None], data.targets.numpy().astype(np.int64)
    return Source(labels, DIGITS, lambda indices: pixels[indices], kind, "MNIST")


def _cifar10_files(data_root: Path, split: str, kind: str) -> Source:
    dataset = import_torchvision().datasets.CIFAR10
    base = data_root / dataset.base_folder
    # These files are pickles: none is opened before all match torchvision's own MD5 list.
    for name, expected in [
        *dataset.train_list,
        *dataset.test_list,
        (dataset.meta["filename"], dataset.meta["md5"]),
    ]:
        if not (base / name).exists():
            raise UserError(f"{base / name}: missing, while {base} is there; unpack the whole archive again")
        with (base / name).open("rb") as handle:
            _refuse_altered(base / name, hashlib.file_digest(handle, "md5").hexdigest(), expected, "MD5")
    data = dataset(data_root, train=split == "train")
    pixels, labels = data.data.transpose(0, 3, 1, 2), np.array(data.targets, dtype=np.int64)
    return Source(labels, CIFAR10_CLASSES, lambda indices: pixels[indices], kind, "CIFAR-10")


def _download(title: str, data_root: Path) -> None:
    """Let torchvision download and unpack beside the data root, then move the files in: never half a data set.

    torchvision checks the archives' MD5. Standard output is left to results.
    """
    datasets = import_torchvision().datasets
    data_root.mkdir(parents=True, exist_ok=True)
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(DOWNLOAD_TIMEOUT)
    try:
        with tempfile.TemporaryDirectory(dir=data_root, prefix=".download-") as temporary:
            with redirect_stdout(sys.stderr):
                {"MNIST": datasets.MNIST, "CIFAR-10": datasets.CIFAR10}[title](temporary, download=True)
            for file in sorted(path for path in Path(temporary).rglob("*") if path.is_file()):
                target = data_root / file.relative_to(temporary)
                target.parent.mkdir(parents=True, exist_ok=True)
                file.replace(target)
    finally:
        socket.setdefaulttimeout(before)


def import_torchvision() -> Any:
    """Import torchvision, also where its PyPI wheel (built for CUDA) stands beside a CPU-only torch.

    There the import fails because two compiled operators are missing that nothing here uses;
    declaring their schemas first lets it go on.
    """
    try:
        import torchvision
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
        import torch

        for module in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[module]
        library: Any = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
        library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _KEPT.append(library)  # the definitions live as long as this object
        import torchvision
    return torchvision


_KEPT: list[Any] = []


def default_data_roots() -> list[Path]:
    """$DATA_ROOT where it is set, then ./data."""
    given = os.environ.get("DATA_ROOT")
    return [*([Path(given)] if given else []), Path("data")]
