"""Where below a data root the files of a data set may be: people unpack archives in many ways."""

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

DEPTH = 3  # levels below the data root
MOST_ENTRIES = 200  # a folder with more is full of images, and holds no data sets
NOT_ENTERED = ("train", "test", "val")  # splits of image folders


def folders_below(root: Path) -> Iterator[Path]:
    """A data root and the folders below it, nearest first, by name."""
    level = [root] if root.is_dir() else []
    for _ in range(DEPTH + 1):
        yield from level
        level = [Path(entry.path) for folder in level for entry in entries(folder) if _entered(entry)]


def entries(folder: Path) -> list["os.DirEntry[str]"]:
    """What is in a folder, by name; nothing where it is full of images, or may not be read."""
    try:
        with os.scandir(folder) as found:
            listed = list(itertools.islice(found, MOST_ENTRIES + 1))
    except OSError:
        return []
    return sorted(listed, key=lambda entry: entry.name) if len(listed) <= MOST_ENTRIES else []


def alike(root: Path, words: tuple[str, ...]) -> list[Path]:
    """Files and folders below a data root with one of these words in their names, such as an archive not unpacked."""
    return [
        Path(entry.path)
        for folder in folders_below(root)
        for entry in entries(folder)
        if any(word in entry.name.lower() for word in words)
    ]


def _entered(entry: "os.DirEntry[str]") -> bool:
    return entry.name[0] != "." and entry.name.lower() not in NOT_ENTERED and Path(entry.path).is_dir()
