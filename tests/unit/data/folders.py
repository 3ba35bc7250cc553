"""Folders of small images, and what is read of them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from normplace.data.datasets import load
from normplace.data.image_folder import image_folder as read_folder
from normplace.errors import UserError

Pixels = npt.NDArray[np.uint8]
SCENE = np.random.default_rng(1).integers(0, 256, size=(8, 8, 3)).astype(np.uint8)


def folder_of(root: Path, save: Callable[[Path, int], object], classes: tuple[str, ...] = ("a", "b")) -> Path:
    """train/ and test/, two images per class, each saved by a function of its path without suffix and its number."""
    for split in ("train", "test"):
        for label, name in enumerate(classes):
            (root / split / name).mkdir(parents=True)
            for number in range(2):
                save(root / split / name / str(number), 2 * label + number)
    return root


def plain(path: Path, number: int) -> None:
    Image.fromarray(SCENE + np.uint8(number)).save(path.with_suffix(".png"))


def read_all(root: Path) -> Pixels:
    source = read_folder(root, "train")
    return np.asarray(source.read(np.arange(len(source.labels))))


def refusal(root: Path, **options: bool) -> str:
    with pytest.raises(UserError) as caught:
        load(f"folder:{root}", **options)
    return str(caught.value)
