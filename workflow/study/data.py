"""Which data and versions are there: what results depend on besides the code."""

import sys
from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from pathlib import Path

from normplace import files
from normplace.data.on_disk import default_data_roots
from normplace.data.sets import DATASETS


@cache
def found(dataset: str) -> str:
    """Which source of a data set is there now, so that data that arrive later replace a stand-in."""
    on_disk = DATASETS[dataset].on_disk
    if on_disk is None:
        return "built in"
    for root in default_data_roots():
        source = on_disk.locate(root)
        if source == "image folder":  # of which there are many; torchvision's files are checked when they are read
            return f"{source} {_listing(root / dataset)}"
        if source != "none":
            return source
    return "none"


def _listing(folder: Path) -> str:
    """Hash of the names, sizes and times of all files below a folder: reading 60,000 images would take seconds."""
    found = [(path.relative_to(folder), path.stat()) for path in folder.rglob("*") if path.is_file()]
    listed = sorted((str(path), stat.st_size, stat.st_mtime_ns) for path, stat in found)
    return files.sha256_of_json({"files": listed})[:16]


def report_missing(datasets: Iterable[str]) -> None:
    """Print which data sets are missing."""
    for name in datasets:
        if found(name) == "none":
            print(f"normplace: {name} is not there; `python -m study.fetch CONFIG...` downloads it", file=sys.stderr)


def versions() -> dict[str, str]:
    """Versions of all that computes: the lock says what should be installed, a shared cache must know what is."""
    more = {name: version(name) for name in ("pandas", "pillow", "scikit-learn", "matplotlib")}
    return {**files.versions(), **more}
