"""A folder of images as a data set."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from normplace.data.record import Indices, Source
from normplace.errors import UserError

EIGHT_BIT_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "HSV", "LAB")


def image_folder(path: Path, split: str, label: str | None = None) -> Source:
    """Images in `path/<split>/<class>/`, any format Pillow reads, all of one size.

    The order is that of the SHA-256 of each image's name: shuffled, fixed, and not moved by other files. Names that
    begin with a dot are ignored; transparency is dropped.

    Raises:
        UserError: no such folder, a class without images, images of several sizes, of over 8 bits, or unreadable.
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
    first, grey = None, True
    for _, _, file in files:
        with _opened_image(file) as image:
            size = f"{image.width}x{image.height}"
            first = first or (size, file.name)
            if size != first[0]:
                sizes = f"{first[0]} in {first[1]} and {size} in {file.name}"
                raise UserError(f"folder {root}: images of several sizes, {sizes}; all must have one size")
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
