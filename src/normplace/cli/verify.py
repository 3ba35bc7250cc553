"""`normplace verify`: which claims hold, whether files are as they were made, whether two runs agree."""

import argparse
import sys
from pathlib import Path
from typing import Any

from normplace.files import check_writable


def run_verify(args: argparse.Namespace) -> None:
    """Judge the claims, or, where asked for, check files or compare; exit with 1 where something fails."""
    asked: list[dict[str, Any]] = [{"integrity": True}] if args.integrity else []
    asked += [{"against": args.against}] if args.against else []
    folder: Path = args.output or args.results / "tables"
    if not asked:
        asked = [{"claims": args.claims}]
        check_writable(folder / "claims.csv")
    from normplace.verifying import report
    from normplace.verifying.verify import verify

    passed = True
    for what in asked:  # one after the other, so that what was found is printed even if the next is refused
        found = verify(args.results, **what)
        if found.claims is not None:
            report.write(found.claims, folder)
        print(found)
        passed &= found.passed
    if not passed:
        sys.exit(1)
