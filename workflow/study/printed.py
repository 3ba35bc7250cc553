"""Whether a run's printed tables are those of its tidy tables: `python -m study.printed RESULTS` makes them again."""

import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from figures import TABLES
from figures.reading import NotRun
from figures.tables.__main__ import write
from study.one_line import folder_of_results, or_one_line


def others(results: Path) -> list[str]:
    """The printed tables below a results folder that the tidy tables do not give."""
    with tempfile.TemporaryDirectory() as folder:
        again = Path(folder)
        for table in TABLES:
            with suppress(NotRun):
                write(table, results / "tidy", again)
        return [f"tables/{path.name}" for path in sorted(again.iterdir()) if not _same(path, results / "tables")]


def _same(path: Path, tables: Path) -> bool:
    shipped = tables / path.name
    return shipped.is_file() and shipped.read_bytes() == path.read_bytes()


if __name__ == "__main__":
    results = folder_of_results("python -m study.printed", __doc__)
    with or_one_line("python -m study.printed", results):
        lines = others(results)
        last = f"printed tables of {results}, made again from its tidy tables: {len(lines) or 'none'} differ"
        print(*(f"not what the tidy tables give: {line}" for line in lines), last, sep="\n")
        sys.exit(bool(lines))
