"""Whether the files of a run are those that its manifest names: altered, missing and extra ones by name."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field, NonNegativeInt, ValidationError

from normplace.errors import UserError, first_problem
from normplace.files import sha256_of_file

MANIFEST = "manifest.json"
UNLISTED = ("logs",)  # folders of which nothing is promised


def _below(name: str) -> str:
    if name.startswith("/") or ".." in name.split("/"):
        raise ValueError("is not below the folder")
    return name


class File(BaseModel, strict=True, frozen=True):
    """A file as it was made."""

    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    bytes: NonNegativeInt


class Manifest(BaseModel, strict=True, frozen=True, extra="allow"):
    """What a run was made of and the files it made, by their names below its folder.

    code: hashes by rule. lock: its SHA-256. jobs: rule, command, seconds and more of each. shipped: the folders that a
    reference ships, none in a run. What else a manifest says is kept as it is.
    """

    configuration: dict[str, Any]
    code: dict[str, Any]
    lock: Any
    versions: dict[str, Any]
    devices: Any = None
    machine: dict[str, Any]
    jobs: list[dict[str, Any]] = []
    files: dict[Annotated[str, AfterValidator(_below)], File]
    shipped: list[str] | None = None

    def promised(self) -> dict[str, File]:
        """The files that should be there: all of the run, or, in a reference, those of the folders that it ships."""
        ships = self.shipped
        return {name: file for name, file in self.files.items() if ships is None or name.split("/")[0] in ships}


def read_manifest(results: Path) -> Manifest:
    """The manifest of a results folder.

    Raises:
        UserError: it is missing, damaged or not one of ours.
    """
    path = results / MANIFEST
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; a run ends with writing it") from None
    except ValidationError as error:
        what = "damaged" if error.errors()[0]["type"] == "json_invalid" else "not a manifest of normplace"
        raise UserError(f"{path}: {what} ({first_problem(error)})") from None
    except OSError as error:
        raise UserError(f"{path}: damaged ({error})") from None


def problems(results: Path, manifest: Manifest) -> list[str]:
    """One line a file that is not as the manifest says, sorted by name: "altered: tidy/placements/gamma.csv"."""
    promised = manifest.promised()
    found = []
    for name, file in promised.items():
        path = results / name
        if not path.is_file():
            found.append((name, "missing"))
        elif path.stat().st_size != file.bytes or sha256_of_file(path) != file.sha256:
            found.append((name, "altered"))
    for path in results.rglob("*"):
        name = path.relative_to(results).as_posix()
        if name in promised or name == MANIFEST or name.split("/")[0] in UNLISTED:
            continue
        if path.is_symlink() or not path.is_dir():
            found.append((name, "extra"))
    return [f"{problem}: {name}" for name, problem in sorted(found)]
