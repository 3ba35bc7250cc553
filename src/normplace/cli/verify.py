"""`normplace verify`: which claims hold, whether files are as they were made, whether two runs agree."""

import sys
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from normplace.cli import options
from normplace.errors import UserError
from normplace.files import check_writable


@options.command()
@click.option("--results", type=options.path, default=Path("results/quick"), help="a run")
@click.option("--claims", type=options.path, default=Path("claims.yaml"), help="the claims")
@click.option(
    "--output",
    type=options.path,
    help="folder to write claims.md, claims.csv, claims.json to (default: RESULTS/tables)",
)
@click.option("--integrity", is_flag=True, help="instead: name each file that is not as the manifest says")
@click.option(
    "--against", type=options.path, metavar="DIR", help="instead: compare with another run, such as reference/quick"
)
def verify(results: Path, claims: Path, output: Path | None, integrity: bool, against: Path | None) -> None:
    """Which claims hold; are files unaltered; do runs agree. The exit code is 1 where something but a reading fails."""
    asked: list[dict[str, Any]] = [{"integrity": True}] if integrity else []
    asked += [{"against": against}] if against else []
    folder = output or results / "tables"
    if asked:
        for name in ("claims", "output"):
            if click.get_current_context().get_parameter_source(name) is ParameterSource.COMMANDLINE:
                raise UserError(f"--{name}: is for judging claims, and goes with neither --integrity nor --against")
    else:
        asked = [{"claims": claims}]
        check_writable(folder / "claims.csv")
    from normplace.verifying import report
    from normplace.verifying import verify as verifying

    passed = True
    for what in asked:  # one after the other, so that what was found is printed even if the next is refused
        found = verifying.verify(results, **what)
        if found.claims is not None:
            report.write(found.claims, folder)
        print(found)
        passed &= found.passed
    if not passed:
        sys.exit(1)
