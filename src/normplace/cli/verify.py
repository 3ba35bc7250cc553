"""`normplace verify`: which claims hold, whether files are as they were made, whether two runs agree."""

import argparse
import sys
from pathlib import Path

from normplace.errors import UserError
from normplace.files import check_writable


def run_verify(args: argparse.Namespace) -> None:
    """Judge the claims, or, where asked for, check files or compare; exit with 1 where something fails."""
    if not args.results.is_dir():
        raise UserError(f"--results {args.results}: no such folder; `make replicate` writes results/quick")
    checks = [check(args) for asked, check in ((args.integrity, _integrity), (args.against, _against)) if asked]
    if not checks:
        checks = [_claims(args)]
    if not all(checks):
        sys.exit(1)


def _claims(args: argparse.Namespace) -> bool:
    from normplace.verifying import report as claim_report
    from normplace.verifying.checks import FAILS
    from normplace.verifying.claims import judge, read_claims

    folder: Path = args.output or args.results / "tables"
    check_writable(folder / "claims.csv")
    if not (args.results / "tidy").is_dir():
        raise UserError(f"--results {args.results}: has no folder tidy, which `make replicate` makes")
    results = judge(read_claims(args.claims), args.results / "tidy")
    claim_report.write(results, folder)
    print(claim_report.text(results))
    return all(result.verdict != FAILS for result in results)


def _integrity(args: argparse.Namespace) -> bool:
    from normplace.verifying.manifest import problems, read_manifest

    manifest = read_manifest(args.results)
    found = problems(args.results, manifest)
    for problem in found:
        print(problem)
    print(f"integrity of {args.results}: {len(found) or 'no'} altered, missing or extra files")
    return not found


def _against(args: argparse.Namespace) -> bool:
    from normplace.verifying.comparison import compare

    comparison = compare(args.results, args.against)
    for line in (*comparison.basis, *comparison.differences):
        print(line)
    print(f"{args.results} against {args.against}: {comparison.verdict}")
    return not comparison.differences
