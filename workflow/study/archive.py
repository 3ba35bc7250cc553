"""Pack a finished run: `python -m study.archive SCALE` writes results/SCALE.tar.gz (default: quick).

The files that its manifest names and the manifest, links to a cache replaced by what they point to; equal files give
an equal archive. Unpacked with `tar -xzf SCALE.tar.gz -C results`, `make figures` and `make verify` work on it.
"""

import gzip
import sys
import tarfile
from pathlib import Path
from typing import IO

from normplace.errors import UserError
from normplace.files import write_atomically
from normplace.verifying.manifest import MANIFEST, problems, read_manifest
from study.one_line import or_one_line


def pack(results: Path, handle: IO[bytes]) -> None:
    """Write the archive of a results folder: in the order of names, without times, owners and permissions."""
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=handle, mtime=0) as zipped,
        tarfile.open(mode="w", fileobj=zipped, format=tarfile.PAX_FORMAT) as archive,
    ):
        for name in sorted([MANIFEST, *read_manifest(results).files]):
            entry = tarfile.TarInfo(f"{results.name}/{name}")
            entry.size, entry.mode = (results / name).stat().st_size, 0o644
            with (results / name).open("rb") as content:
                archive.addfile(entry, content)


def finished(scale: str, doing: str) -> Path:
    """The folder of a finished run; the end with one line a file that is missing or not as the manifest says."""
    results = Path("results") / scale
    try:
        wrong = [line for line in problems(results, read_manifest(results)) if not line.startswith("extra")]
    except UserError as error:
        wrong = [str(error)]
    if wrong:
        sys.exit("\n".join([*wrong, f"results/{scale} is not {doing}: run `make replicate SCALE={scale}` first"]))
    return results


def main(scale: str) -> None:
    """Pack results/<scale>."""
    results = finished(scale, "packed")
    path = Path("results") / f"{scale}.tar.gz"
    with or_one_line("python -m study.archive", path):
        write_atomically(path, lambda handle: pack(results, handle))
    print(f"{path}: {path.stat().st_size / 2**20:.1f} MiB")


if __name__ == "__main__":
    main(*sys.argv[1:2] or ["quick"])
