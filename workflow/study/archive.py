"""Pack a finished run: `python -m study.archive SCALE` writes results/SCALE.tar.gz (default: quick).

The files that its manifest names, the manifest and the page, links to a cache replaced by what they point to, and
the workflow with a description of all (`study.crate`); equal files give an equal archive. Unpacked with `tar -xzf
SCALE.tar.gz -C results`, `make figures` and `make verify` work on it.
"""

import gzip
import sys
import tarfile
from io import SEEK_END, BytesIO
from pathlib import Path
from typing import IO

from normplace.errors import UserError
from normplace.files import write_atomically
from normplace.verifying.manifest import MANIFEST, PAGE, problems, read_manifest
from study import crate
from study.one_line import or_one_line


def pack(results: Path, handle: IO[bytes]) -> None:
    """Write the archive of a results folder: in the order of names, without times, owners and permissions."""
    manifest = read_manifest(results)
    made = {name: results / name for name in (MANIFEST, PAGE, *manifest.files)}
    described = crate.code(manifest) | {PAGE: (results / PAGE).read_bytes()}
    described[crate.METADATA] = crate.metadata(results, manifest, described).encode()
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=handle, mtime=0) as zipped,
        tarfile.open(mode="w", fileobj=zipped, format=tarfile.PAX_FORMAT) as archive,
    ):
        for name in sorted(made.keys() | described):
            content = BytesIO(described[name]) if name in described else made[name].open("rb")
            with content:
                entry = tarfile.TarInfo(f"{results.name}/{name}")
                entry.size, entry.mode = content.seek(0, SEEK_END), 0o644
                content.seek(0)
                archive.addfile(entry, content)


def finished(scale: str, doing: str) -> Path:
    """The folder of a finished run; the end with one line per file that is missing or not as the manifest says."""
    results = Path("results") / scale
    try:
        wrong = [line for line in problems(results, read_manifest(results)) if not line.startswith("extra")]
        wrong += [] if (results / PAGE).is_file() else [f"missing: {PAGE}"]
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
