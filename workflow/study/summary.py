"""What a finished run comes to, in five lines: `python -m study.summary RESULTS BEGUN`, BEGUN in seconds since 1970."""

import json
import sys
import time
from collections import Counter
from pathlib import Path

from normplace.verifying.manifest import read_manifest
from study import data
from study.one_line import or_one_line


def verdicts(results: Path) -> dict[str, int]:
    """How many claims have which verdict, without its reason; the most frequent first."""
    claims = json.loads((results / "tables" / "claims.json").read_text(encoding="utf-8"))
    return dict(Counter(claim["verdict"] for claim in claims).most_common())


def summary(results: Path, begun: float) -> str:
    """Jobs, minutes, claims, where the figures and the page are, and which data were stand-ins."""
    manifest = read_manifest(results)
    found = verdicts(results)
    lines = {
        "jobs": f"{len(manifest.jobs)}",
        "minutes": f"{(time.time() - begun) / 60:.1f}",
        "claims": f"{sum(found.values())}: " + ", ".join(f"{count} {verdict}" for verdict, count in found.items()),
        "figures": f"{results}/figures",
        "page": f"{results}/index.html",
    }
    shown = [f"{name:8} {value}" for name, value in lines.items()]
    stand_ins = data.stand_ins(manifest.configuration).rstrip()
    return "\n".join(filter(None, [*shown, stand_ins]))


if __name__ == "__main__":
    with or_one_line("python -m study.summary", Path(sys.argv[1])):
        print(summary(Path(sys.argv[1]), float(sys.argv[2])))
