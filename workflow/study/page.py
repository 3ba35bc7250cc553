"""The page of a run: `python -m study.page --results DIR --output DIR/index.html`.

One file for readers of a run: the answer, its claims, figures and tables, and what all of it was made of. Pictures,
styles and script are in it; PDFs and CSVs are linked, beside it in the folder of results.
"""

import ast
import base64
import json
import re
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup
from PIL import Image

from figures import FIGURES, TABLES, message
from normplace.files import sha256_of_file
from normplace.verifying.manifest import MANIFEST, Manifest, read_manifest
from study.answer import QUESTION, answer
from study.code import ROOT
from study.one_line import write_from_results

TEMPLATE = ROOT / "workflow" / "report" / "page"
FIRST = "regimes"  # the figure that stands beside the answer


def page(results: Path) -> str:
    """The page's HTML.

    Raises:
        UserError: the folder's manifest or a table is missing or damaged.
    """
    manifest = read_manifest(results)
    data = data_sets(manifest)
    first, *others = sorted((figure(results, name) for name in FIGURES), key=lambda one: one["name"] != FIRST)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATE), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    return environment.get_template("index.html.j2").render(
        style=Markup((TEMPLATE / "page.css").read_text(encoding="utf-8")),
        script=Markup((TEMPLATE / "page.js").read_text(encoding="utf-8")),
        scale=manifest.configuration["scale"],
        question=QUESTION,
        answer=answer(results),
        data=data,
        stand_ins=any(one["kind"] == STAND_IN for one in data),
        claims=claims(results),
        first=first,
        figures=others,
        tables=[table(results, name) for name in TABLES],
        manifest_sha256=sha256_of_file(results / MANIFEST),
        configuration=json.dumps(manifest.configuration, indent=1),
        **provenance(manifest),
    )


STAND_IN = "Stand-in"
# source, as prepared points name it -> what a reader should know of data from there
SOURCES = {
    "image folder": ("Copy", ", read from an image folder, for which there is no published checksum"),
    "torchvision files": ("Original files", ", verified by their published checksums"),
    "generated": ("Generated", ", drawn from their definition"),
}


def data_sets(manifest: Manifest) -> list[dict[str, str]]:
    """Of each data set: whether it is a stand-in, a copy, original or generated, and where it was found."""
    found = {}
    for points in manifest.inputs.values():
        kind, what = SOURCES.get(points["source"], ("Built in", f", from {points['source']}"))
        if points["stand_in"]:
            kind, what = STAND_IN, ": its numbers and figures say nothing about the real data set"
        found[points["label"]] = {"label": points["label"], "kind": kind, "what": what}
    order = [STAND_IN, *(kind for kind, _ in SOURCES.values())]
    return sorted(found.values(), key=lambda one: order.index(one["kind"]) if one["kind"] in order else len(order))


def claims(results: Path) -> list[dict[str, Any]]:
    """Each claim with its rule and verdict, and its check that is nearest to failing; those that fail come first."""
    rules = json.loads((results / "tables" / "claims.json").read_text(encoding="utf-8"))
    decisive = {row["claim"]: row for row in rows_of(results, "claims")}
    found = [
        {
            **{name: claim[name] for name in ("id", "sentence", "rule", "reason", "source", "why")},
            "verdict": claim["verdict"],
            "claimed by": claim["by"],
            "measured": decisive[claim["id"]]["measured [95 %]"],
            **{name: decisive[claim["id"]][name] for name in ("expected", "where", "n", "checks")},
            **{f"{name} number": first_number(decisive[claim["id"]][column]) for name, column in NUMBERS.items()},
        }
        for claim in rules
    ]
    return sorted(found, key=lambda claim: bool(claim["verdict"] != "fails"))


# columns of claims that are sorted by a number in them
NUMBERS = {"measured": "measured [95 %]", "expected": "expected"}


def first_number(text: str) -> str:
    """The first number in words such as "gamma 0.47 [0.46, 0.48]"; empty where there is none."""
    found = re.search(r"(?<![\w.])-?\d[\d,]*\.?\d*(?:e[-+]?\d+)?", text)
    return found.group().replace(",", "") if found else ""


def figure(results: Path, name: str) -> dict[str, Any]:
    """A figure with the words that its module begins with, and the tidy tables of its experiment."""
    png = results / "figures" / f"{name}.png"
    with Image.open(png) as image:
        (width, height), description = image.size, image.info.get("Description", "")
    title, _, caption = (" ".join(part.split()) for part in message(name).partition("\n\n"))
    folder = results / "tidy" / FIGURES[name]
    return {
        "name": name,
        "title": title,
        "caption": caption,
        "alt": f"{title} {description}".strip(),
        "image": f"data:image/png;base64,{base64.b64encode(png.read_bytes()).decode()}",
        "width": width,
        "height": height,
        "data": [f"{FIGURES[name]}/{path.stem}" for path in sorted(folder.glob("*.csv"))],
    }


def table(results: Path, name: str) -> dict[str, Any]:
    """A printed table with the words of the function that makes it."""
    module = ast.parse((ROOT / "figures" / "tables" / f"{TABLES[name]}.py").read_text(encoding="utf-8"))
    functions = [node for node in module.body if isinstance(node, ast.FunctionDef)]
    words = next(ast.get_docstring(function) or name for function in functions if function.name == name)
    title, _, more = (" ".join(part.split()) for part in words.partition("\n\n"))
    return {"name": name, "title": title, "more": more, "rows": rows_of(results, name)}


def rows_of(results: Path, name: str) -> list[dict[str, str]]:
    """The rows of a printed table, as it prints them."""
    rows = pd.read_csv(results / "tables" / f"{name}.csv", dtype=str, keep_default_na=False).to_dict("records")
    return [{str(column): str(value) for column, value in row.items()} for row in rows]


def provenance(manifest: Manifest) -> dict[str, Any]:
    """Code, lock, machine, seeds and hashes."""
    machine = manifest.machine
    seconds = manifest.seconds
    made_by = {
        "Versions": ", ".join(f"{name} {version}" for name, version in manifest.versions.items()),
        "Commit": manifest.commit or "none: the run was not in a checkout of git",
        "Lock": f"SHA-256 {manifest.lock}",
        "Machine": ", ".join(f"{name} {value}" for name, value in machine.items()),
        "Devices": ", ".join(manifest.devices or []),
        "Seeds": ", ".join(f"{name} {', '.join(map(str, of_one))}" for name, of_one in manifest.seeds.items()),
        "Time of all jobs": f"{sum(seconds.values()) / 60:.1f} minutes, if done one after the other",
        "Files": f"{len(manifest.files):,}, {sum(file.bytes for file in manifest.files.values()) / 2**20:.0f} MiB",
    }
    inputs = [
        {
            "file": name,
            "data set": points["label"],
            "found as": points["source"],
            "points": f"{points['points']:,}",
            "classes": ", ".join(points["classes"]),
            "SHA-256 of what was read": points["raw_sha256"],
        }
        for name, points in manifest.inputs.items()
    ]
    return {
        "made_by": made_by,
        "inputs": inputs,
        "times": [{"rule": rule, "seconds": str(value)} for rule, value in seconds.items()],
        "code": [
            {"rule": rule, "SHA-256 of its modules, first digits": str(code)} for rule, code in manifest.code.items()
        ],
        "files": [
            {"file": name, "bytes": f"{file.bytes:,}", "SHA-256": file.sha256} for name, file in manifest.files.items()
        ],
    }


if __name__ == "__main__":
    write_from_results("python -m study.page", __doc__, page)
