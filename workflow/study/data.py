"""Which data and versions are there: what results depend on besides the code."""

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from normplace import files
from normplace.data.image_folder import digest
from normplace.data.on_disk import default_data_roots
from normplace.data.sets import DATASETS

FOUND = "NORMPLACE_FOUND"  # an environment variable: what the run has found, for its jobs


@cache
def found(dataset: str) -> str:
    """Which source of a data set is there now, so that data that arrive later replace a stand-in."""
    on_disk = DATASETS[dataset].on_disk
    if on_disk is None:
        return "built in"
    if known := json.loads(os.environ.get(FOUND, "{}")).get(dataset):
        return str(known)
    for root in default_data_roots():
        if on_disk.find(root):  # checked against their hashes when they are read
            return "torchvision files"
        if folder := on_disk.image_folder(root):  # all of it is read, which takes seconds
            return f"image folder {digest(folder)[:16]}"
    return "none"


def find_all(datasets: Iterable[str]) -> None:
    """Look for data sets once, for this process and all jobs it starts."""
    os.environ[FOUND] = json.dumps({name: found(name) for name in datasets})


def stand_ins(config: Mapping[str, Any]) -> str:
    """What a run must say first and last: which of its data sets are stand-ins. Empty where none is, or may be."""
    lines = []
    for name in config["datasets"] if config["stand_ins"] else ():
        on_disk = DATASETS[name].on_disk
        if on_disk and found(name) == "none":
            roots = default_data_roots()
            lines.append(
                f"normplace: WARNING: {on_disk.title} is not in {' or '.join(map(str, roots))}. A STAND-IN takes its "
                f"place: numbers and figures are not {on_disk.title}'s. It belongs at {roots[0]}/{on_disk.wanted}\n"
            )
    return "".join(lines)


def versions() -> dict[str, str]:
    """Versions of all that computes: the lock says what should be installed, a shared cache must know what is."""
    more = {name: version(name) for name in ("pandas", "pillow", "scikit-learn", "matplotlib")}
    with suppress(PackageNotFoundError):  # only a zoo with its models needs it
        more["timm"] = version("timm")
    return {**files.versions(), **more}
