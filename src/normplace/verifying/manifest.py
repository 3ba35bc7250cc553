"""Whether the files of a run are those that its manifest names: altered, missing and extra ones by name."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema

from normplace.errors import UserError
from normplace.files import sha256_of_file

MANIFEST = "manifest.json"
UNLISTED = ("logs",)  # folders of which nothing is promised
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["files", "configuration", "code", "lock", "versions", "machine"],
    "properties": {
        "files": {
            "type": "object",
            "propertyNames": {"pattern": r"^(?!/)(?!.*(^|/)\.\.(/|$))"},  # below the folder, nowhere else
            "additionalProperties": {
                "type": "object",
                "required": ["sha256", "bytes"],
                "properties": {
                    "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
                    "bytes": {"type": "integer", "minimum": 0},
                },
            },
        },
        "shipped": {"type": "array", "items": {"type": "string"}},
        **{part: {"type": "object"} for part in ("configuration", "code", "versions", "machine")},
    },
}


def read_manifest(results: Path) -> dict[str, Any]:
    """The manifest of a results folder.

    Raises:
        UserError: it is missing, damaged or not one of ours.
    """
    path = results / MANIFEST
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        jsonschema.Draft202012Validator(SCHEMA).validate(found)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; a run ends with writing it") from None
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path}: damaged ({error})") from None
    except jsonschema.ValidationError as error:
        raise UserError(f"{path}: not a manifest of normplace ({error.message[:200]})") from None
    return found


def problems(results: Path, manifest: Mapping[str, Any]) -> list[str]:
    """One line a file that is not as the manifest says, sorted by name: "altered: tidy/placements/gamma.csv"."""
    promised = files(manifest)
    found = []
    for name, record in promised.items():
        path = results / name
        if not path.is_file():
            found.append((name, "missing"))
        elif path.stat().st_size != record["bytes"] or sha256_of_file(path) != record["sha256"]:
            found.append((name, "altered"))
    for path in results.rglob("*"):
        name = path.relative_to(results).as_posix()
        if name in promised or name == MANIFEST or name.split("/")[0] in UNLISTED:
            continue
        if path.is_symlink() or not path.is_dir():
            found.append((name, "extra"))
    return [f"{problem}: {name}" for name, problem in sorted(found)]


def files(manifest: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The files that should be there: all of the run, or, in a reference, those of the folders that it ships."""
    shipped = manifest.get("shipped")
    return {
        name: record for name, record in manifest["files"].items() if shipped is None or name.split("/")[0] in shipped
    }
