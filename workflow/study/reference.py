"""Ship a finished run: tidy tables and manifest to reference, figures to the gallery, tables to docs/results.md.

`python -m study.reference SCALE` (default: quick) after the run: the repository then shows what the workflow computed.
`python -m study.reference SCALE EXPERIMENT ...` ships these experiments of an unfinished run in place of those that are
shipped: at the paper's scale they take days. Tables are drawn and claims are judged anew, of all that is shipped then.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from figures import FIGURES
from normplace.files import sha256_of_file, write_text
from normplace.verifying.completeness import EXPECTED
from normplace.verifying.manifest import MANIFEST, read_manifest
from study import configuration, manifest
from study.archive import finished
from study.expected import expected
from study.plan import Plan

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "results.md"
# What is shown, and the scale of the run that it is of.
IN_RESULTS = {"headline": "paper", "at_width": "paper", "learning": "paper", "claims": "quick"}
SHIPPED = ("tables", "tidy")
AT_QUICK_SCALE = (  # experiments
    "start_matters", "learning_rates", "output_bias", "architectures", "resnet_dynamics",
    "language", "zoo",
)  # fmt: skip
IN_GALLERY = {figure: "quick" if experiment in AT_QUICK_SCALE else "paper" for figure, experiment in FIGURES.items()}


def block(table: str) -> re.Pattern[str]:
    """Where docs/results.md shows a table."""
    opening = f"<!-- table {table} of results/{IN_RESULTS[table]} -->"
    return re.compile(rf"({opening}\n).*?(<!-- end -->)", flags=re.DOTALL)


def main(scale: str) -> None:
    """Copy what is shipped of results/<scale>."""
    results = finished(scale, "shipped")  # before anything that is shipped now is deleted
    reference = ROOT / "reference" / scale
    shutil.rmtree(reference, ignore_errors=True)
    for part in SHIPPED:
        shutil.copytree(results / part, reference / part)
    # The manifest says what all files of the run were, and which of them are here.
    _write_manifest(reference, read_manifest(results).model_dump(exclude_unset=True))
    _show(scale, results / "figures")


def add(scale: str, experiments: list[str]) -> None:
    """Put experiments of results/<scale>, which need not be finished, in the place of those that are shipped."""
    results, reference = Path("results") / scale, ROOT / "reference" / scale
    read = configuration.read(configuration.files_of(scale))
    for experiment in experiments:
        if not (results / "tidy" / experiment / "tables.sha256").is_file():
            sys.exit(f"{results}/tidy/{experiment} is not finished")
    for experiment in experiments:
        shutil.rmtree(reference / "tidy" / experiment, ignore_errors=True)
        shutil.copytree(results / "tidy" / experiment, reference / "tidy" / experiment)
    tidy, tables, figures = reference / "tidy", reference / "tables", results / "figures"
    shutil.rmtree(figures, ignore_errors=True)
    known, now = json.loads((tidy / EXPECTED).read_text(encoding="utf-8")), expected(Plan(read))
    rows = {name: now[name] if name in experiments else known[name] for name in now if name in {*known, *experiments}}
    write_text(tidy / EXPECTED, json.dumps(rows, indent=1) + "\n")  # other tables may be of an earlier configuration
    _run("figures", "--tidy", tidy, "--output", figures)
    _run("figures.tables", "--tidy", tidy, "--output", tables)
    _run("normplace.cli", "verify", "--results", reference, "--output", tables, fine=(0, 1))  # 1: a claim fails
    before = read_manifest(reference).model_dump(exclude_unset=True)
    merged = _merged(before, manifest.manifest(results, read), set(experiments))
    merged["files"] |= {
        path.relative_to(folder).as_posix(): {"sha256": sha256_of_file(path), "bytes": path.stat().st_size}
        for folder, part in ((reference, "tidy"), (reference, "tables"), (results, "figures"))
        for path in sorted((folder / part).rglob("*"))
        if path.is_file()
    }
    _write_manifest(reference, merged)
    _show(scale, figures)


def _merged(before: dict[str, Any], now: dict[str, Any], experiments: set[str]) -> dict[str, Any]:
    """The manifest of what was shipped, with the jobs and files of these experiments from another run."""

    def of_them(name: str) -> bool:
        return not experiments.isdisjoint(name.split("/")[:2])

    def target(job: dict[str, Any]) -> str:
        found = re.search(r"--output (?:\$\(dirname )?results/[^/]+/(\S+)", job["command"])
        return found.group(1) if found else ""

    jobs = [job for job in before["jobs"] if not of_them(target(job))]
    jobs += [job for job in now["jobs"] if of_them(target(job))]
    jobs.sort(key=lambda job: (job["rule"], job["command"]))
    others = {name for name in before["configuration"] if any(of.startswith(f"tidy/{name}/") for of in before["files"])}
    of_others = {name: before["configuration"][name] for name in others - experiments}
    kept = {name: file for name, file in before["files"].items() if not (of_them(name) or name.startswith("figures/"))}
    files = kept | {name: file for name, file in now["files"].items() if of_them(name)}
    processors = [*before["machine"]["processor"].split("; "), now["machine"]["processor"]]
    return {
        **now,
        "configuration": now["configuration"] | of_others,
        "inputs": {**before["inputs"], **now["inputs"]},
        "code": {**manifest.code_used(jobs), "figures": now["code"]["figures"]},
        "devices": sorted({*before["devices"], *now["devices"]}),
        "machine": {**now["machine"], "processor": "; ".join(dict.fromkeys(processors))},
        "seconds": manifest.seconds(jobs),
        "jobs": jobs,
        "begun": None,  # of many days
        "ended": None,
        "files": dict(sorted(files.items())),
    }


def _run(module: str, *arguments: str | Path, fine: tuple[int, ...] = (0,)) -> None:
    code = subprocess.run([sys.executable, "-m", module, *map(str, arguments)], check=False).returncode
    if code not in fine:
        sys.exit(code)


def _write_manifest(reference: Path, content: dict[str, Any]) -> None:
    write_text(reference / MANIFEST, json.dumps({**content, "shipped": SHIPPED}, indent=1) + "\n")


def _show(scale: str, figures: Path) -> None:
    """Put the scale's figures into the gallery and its tables into docs/results.md."""
    reference, gallery = ROOT / "reference" / scale, ROOT / "figures" / "gallery"
    gallery.mkdir(exist_ok=True)
    for figure, of_scale in IN_GALLERY.items():
        if of_scale == scale:
            shutil.copy2(figures / f"{figure}.png", gallery)
    text = PAGE.read_text(encoding="utf-8")
    for table, of_scale in IN_RESULTS.items():
        if of_scale == scale:
            shown = (reference / "tables" / f"{table}.md").read_text(encoding="utf-8")
            text = block(table).sub(lambda found, shown=shown: found.group(1) + shown + found.group(2), text)  # type: ignore[misc]
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m study.reference", description=__doc__)
    parser.add_argument("scale", nargs="?", default="quick", help="such as paper")
    parser.add_argument("experiments", nargs="*", metavar="EXPERIMENT", help="of an unfinished run; otherwise all")
    args = parser.parse_args()
    if args.experiments:
        add(args.scale, args.experiments)
    else:
        main(args.scale)
