"""`normplace verify`: which claims hold, whether files are as they were made, whether two runs agree."""

import sys
from pathlib import Path

import click

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
    """Which claims hold; are files unaltered; do runs agree. The exit code is 1 where something fails."""
    if not results.is_dir():
        raise UserError(f"--results {results}: no such folder; `make replicate` writes results/quick")
    checks = []
    if integrity:
        checks.append(_is_unaltered(results))
    if against:
        checks.append(_agrees(results, against))
    if not checks:
        checks.append(_claims_hold(results, claims, output or results / "tables"))
    if not all(checks):
        sys.exit(1)


def _claims_hold(run: Path, claims: Path, folder: Path) -> bool:
    from normplace.verifying import report as claim_report
    from normplace.verifying.checks import FAILS
    from normplace.verifying.claims import judge, read_claims

    check_writable(folder / "claims.csv")
    if not (run / "tidy").is_dir():
        raise UserError(f"--results {run}: has no folder tidy, which `make replicate` makes")
    results = judge(read_claims(claims), run / "tidy")
    claim_report.write(results, folder)
    print(claim_report.text(results))
    return all(result.verdict != FAILS for result in results)


def _is_unaltered(run: Path) -> bool:
    from normplace.verifying.manifest import problems, read_manifest

    found = problems(run, read_manifest(run))
    for problem in found:
        print(problem)
    print(f"integrity of {run}: {len(found) or 'no'} altered, missing or extra files")
    return not found


def _agrees(run: Path, other: Path) -> bool:
    from normplace.verifying.comparison import compare

    comparison = compare(run, other)
    for line in (*comparison.basis, *comparison.differences):
        print(line)
    print(f"{run} against {other}: {comparison.verdict}")
    return not comparison.differences
