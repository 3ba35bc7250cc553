"""Whether a run's printed tables are those of its tidy tables: `python -m study.printed RESULTS` makes them again."""

import sys
import tempfile
from pathlib import Path

from figures import TABLES
from figures.reading import NotRun
from figures.tables.__main__ import write

FORMATS = ("csv", "md", "tex")


def others(results: Path) -> list[str]:
    """The printed tables below a results folder that the tidy tables do not give."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        again = Path(folder)
        for table in TABLES:
            try:
                write(table, results / "tidy", again)
            except NotRun:
                continue
            names = [f"{table}.{suffix}" for suffix in FORMATS]
            found += [name for name in names if _bytes(results / "tables" / name) != _bytes(again / name)]
    return [f"tables/{name}" for name in found]


def _bytes(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


if __name__ == "__main__":
    lines = others(Path(sys.argv[1]))
    print(*(f"not what the tidy tables give: {line}" for line in lines), sep="\n", end="\n" if lines else "")
    print(f"printed tables of {sys.argv[1]}, made again from its tidy tables: {len(lines) or 'none'} differ")
    sys.exit(bool(lines))
