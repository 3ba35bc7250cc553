"""Whether the files of a run are those that its manifest names: altered, missing and extra ones by name."""

import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field, NonNegativeInt, ValidationError

from normplace.errors import UserError, first_problem
from normplace.files import sha256_of_file

MANIFEST = "manifest.json"
PAGE = "index.html"  # made from the manifest, so not in it
# Files and folders of which nothing is promised. An archive has a description and the code that made it.
UNLISTED = (MANIFEST, PAGE, "ro-crate-metadata.json", "README.md", "code", "logs")


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

    inputs: of each file of points what it says of its data set. code: hashes by rule. lock: its SHA-256. jobs:
    rule, command, seconds and more of each. seconds: by rule. begun, ended: when the first and the last job did.
    commit: of the project, "-dirty" where files differed. shipped: the folders that a reference ships, none in a
    run. What else a manifest says is kept as it is.
    """

    configuration: dict[str, Any]
    inputs: dict[str, dict[str, Any]] = {}
    code: dict[str, Any]
    lock: Any
    versions: dict[str, Any]
    devices: Any = None
    machine: dict[str, Any]
    seeds: dict[str, list[int]] = {}
    jobs: list[dict[str, Any]] = []
    seconds: dict[str, float] = {}
    begun: str | None = None
    ended: str | None = None
    commit: str | None = None
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
    """One line per file that is not as the manifest says, sorted by name: "altered: tidy/placements/gamma.csv".

    Then what the run says of itself in two places and differently: sums that jobs wrote beside their tables, which a
    manifest made anew over edited tables does not change, and the seeds of the configuration and of the commands.
    """
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
        if name in promised or name.split("/")[0] in UNLISTED:
            continue
        if path.is_symlink() or not path.is_dir():
            found.append((name, "extra"))
    lines = [f"{problem}: {name}" for name, problem in sorted(found)]
    return lines + _other_sums(results, {name for name, _ in found}) + _other_seeds(manifest)


def _other_sums(results: Path, known: set[str]) -> list[str]:
    found = []
    for sums in sorted((results / "tidy").glob("*/tables.sha256")):
        for line in sums.read_text(encoding="utf-8").splitlines():
            sha256, _, name = line.partition("  ")
            path = sums.with_name(name)
            listed = path.relative_to(results).as_posix()
            if listed not in known and (not path.is_file() or sha256_of_file(path) != sha256):
                found.append(f"not as its job wrote it: {listed} (by {sums.relative_to(results).as_posix()})")
    return found


def _other_seeds(manifest: Manifest) -> list[str]:
    """The configuration's seed is the first of each experiment's or, for runs of their own, one more."""
    seed = manifest.configuration.get("seed")
    stated = {one for of_experiment in manifest.seeds.values() for one in of_experiment}
    commands = " ".join(str(job.get("command", "")) for job in manifest.jobs)
    ran = {int(found) for found in re.findall(r"--seed (\d+)", commands)}
    if isinstance(seed, int) and (stated | ran) - {seed, seed + 1}:
        others = ", ".join(map(str, sorted((stated | ran) - {seed, seed + 1})))
        return [f"other seeds: the configuration's is {seed}, jobs ran with {others}"]
    return []
