"""Writing the tables that a command makes, and saying so."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from normplace.files import write_text

if TYPE_CHECKING:
    import pandas as pd


def write_table(path: Path, table: pd.DataFrame) -> None:
    """One table, as CSV."""
    write_text(path, table.to_csv(index=False))
    click.echo(f"{path}: {len(table):,} rows")


def write_tables(folder: Path, tables: dict[str, pd.DataFrame]) -> None:
    """Each as a file of its name."""
    for name, table in tables.items():
        write_table(folder / f"{name}.csv", table)
