"""Seconds and memory of a folder of many small images: `python -m tests.faults.many_images --images 100000`."""

import argparse
import io
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from normplace.data.datasets import load
from normplace.data.image_folder import digest

CLASSES, VARIANTS = 100, 200


def make(folder: Path, images: int, suffix: str) -> None:
    """Colour images of 32 x 32 pixels in a hundred classes, as many in train/ as asked for, none in test/."""
    random, contents = np.random.default_rng(0), []
    for _ in range(VARIANTS):
        buffer = io.BytesIO()
        Image.fromarray(random.integers(0, 256, (32, 32, 3)).astype(np.uint8)).save(buffer, suffix)
        contents.append(buffer.getvalue())
    for label in range(CLASSES):
        (folder / "train" / f"class{label:03d}").mkdir(parents=True)
    for number in range(images):
        path = folder / "train" / f"class{number % CLASSES:03d}" / f"{number}.{suffix}"
        path.write_bytes(contents[number % VARIANTS])


def main() -> None:
    """Make the folder, and print what reading it takes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--suffix", choices=("png", "jpeg"), default="png")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        make(Path(temporary), args.images, args.suffix)
        steps = {
            "1000 points": lambda: load(f"folder:{temporary}"),
            "all points": lambda: load(f"folder:{temporary}", points=args.images),
            "1000 points, --skip-unreadable": lambda: load(f"folder:{temporary}", skip_unreadable=True),
            "the key of the cache": lambda: digest(Path(temporary)),
        }
        for what, step in steps.items():
            begun = time.perf_counter()
            step()
            mebibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            print(f"{what}: {time.perf_counter() - begun:.1f} s, {mebibytes} MiB at most so far", flush=True)


if __name__ == "__main__":
    main()
