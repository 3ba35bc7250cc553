"""What a finished run comes to, in five lines: `python -m study.summary RESULTS BEGUN`, BEGUN in seconds since 1970."""

import json
import sys
import time
from collections import Counter
from pathlib import Path

from normplace.verifying.manifest import read_manifest


def summary(results: Path, begun: float) -> str:
    """Jobs, minutes, claims, and where the figures and the report are."""
    jobs = len(read_manifest(results).jobs)
    claims = json.loads((results / "tables" / "claims.json").read_text(encoding="utf-8"))
    verdicts = Counter(claim["verdict"].split(" (")[0] for claim in claims)
    lines = {
        "jobs": f"{jobs}",
        "minutes": f"{(time.time() - begun) / 60:.1f}",
        "claims": f"{len(claims)}: " + ", ".join(f"{count} {verdict}" for verdict, count in verdicts.most_common()),
        "figures": f"{results}/figures",
        "report": f"{results}/report.html",
    }
    return "\n".join(f"{name:8} {value}" for name, value in lines.items())


if __name__ == "__main__":
    print(summary(Path(sys.argv[1]), float(sys.argv[2])))
