"""Where below a data root the files of a data set may be: people unpack archives in many ways."""

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

DEPTH = 3  # levels below the data root
MOST_ENTRIES = 200  # a folder below the root with more is full of images, and holds no data sets
MOST_FOLDERS = 10_000  # that are looked into, of a root such as all of a disk


def is_folder(path: str | Path) -> bool:
    """Whether there is a folder; Path.is_dir raises an error where one may not look, or a name is too long."""
    try:
        return Path(path).is_dir()
    except OSError:
        return False


def is_file(path: str | Path) -> bool:
    """Whether there is a file, as `is_folder`."""
    try:
        return Path(path).is_file()
    except OSError:
        return False


def files_below(root: Path) -> Iterator[Path]:
    """Files and folders of a data root and of the folders below it, nearest first, by name."""
    level, looked_into = [root], 0
    for depth in range(DEPTH + 1):
        below: list[Path] = []
        for folder in level[: MOST_FOLDERS - looked_into]:
            entries = _entries(folder, None if depth == 0 else MOST_ENTRIES)
            yield from entries
            below += [entry for entry in entries if entry.name[0] != "." and is_folder(entry)]
        looked_into += len(level)
        level = below


def folders_below(root: Path) -> Iterator[Path]:
    """A data root and the folders in it, nearest first, by name."""
    yield from [root] if is_folder(root) else []
    yield from (path for path in files_below(root) if path.name[0] != "." and is_folder(path))


def alike(root: Path, words: tuple[str, ...]) -> list[Path]:
    """Files and folders below a data root with one of these words in their names, such as an archive not unpacked."""
    return [path for path in files_below(root) if any(word in path.name.lower() for word in words)]


def _entries(folder: Path, most: int | None) -> list[Path]:
    """What is in a folder, by name; nothing where there are more than `most`, or it may not be read."""
    try:
        with os.scandir(folder) as found:
            listed = sorted(entry.path for entry in itertools.islice(found, most and most + 1))
    except OSError:
        return []
    return [] if most and len(listed) > most else [Path(path) for path in listed]
