"""From the files of a configuration to one object whose types are known, or to one line that says what is wrong."""

import reprlib
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from snakemake.utils import update_config

from study.code import ROOT
from study.experiments import STUDY
from study.settings import Study


def files_of(scale: str) -> list[Path]:
    """The files of a scale: the whole configuration, and the overlay that names what differs."""
    return [ROOT / "config" / f"{name}.yaml" for name in dict.fromkeys(("quick", scale))]


def read(paths: Iterable[Path], entries: Iterable[str] = ()) -> dict[str, Any]:
    """A default and overlays on top of it, as Snakemake merges the files of --configfile, and resolved.

    entries: KEY=VALUE of --config; each is merged like a file that says `KEY: VALUE`. Snakemake's own reading makes
    words of all numbers inside a VALUE.
    """
    merged: dict[str, Any] = {}
    sources: list[Path | str] = [*paths, *entries]
    for given in sources:
        try:
            update_config(merged, _parsed(given))
        except (OSError, ValueError, AttributeError, yaml.YAMLError) as error:
            name = given if isinstance(given, Path) else f"--config {given}"
            sys.exit(f"configuration: {name}: cannot be read ({' '.join(str(error).split())})")
    return resolve(merged)


def _parsed(given: Path | str) -> Any:
    """What a file, or a KEY=VALUE, says."""
    if isinstance(given, Path):
        return yaml.safe_load(given.read_text(encoding="utf-8")) or {}
    key, _, value = given.partition("=")
    return {key: yaml.safe_load(value)}


def resolve(merged: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration without those keys that an overlay has set to null, which drops what stood there."""
    given = {key: value for key, value in merged.items() if value is not None}
    return {key: resolve(value) if isinstance(value, Mapping) else value for key, value in given.items()}


def check(config: Mapping[str, Any]) -> Study:
    """The configuration as an object; a mistake ends the process with one line: key, value and what is allowed."""
    try:
        return STUDY.model_validate(config)
    except ValidationError as error:
        sys.exit(f"configuration: {_in_words(error)}")


def _in_words(found: ValidationError) -> str:
    """The first of its errors."""
    error = found.errors()[0]
    key = ".".join(str(part) for part in error["loc"] if part != "[key]")
    what = f"{reprlib.repr(error['input'])}: {error['msg']}"
    if error["type"] == "missing":
        what = "is missing; an overlay comes after the default, --configfile config/quick.yaml config/mine.yaml"
    elif error["type"] == "value_error":
        what = str(error["ctx"]["error"])
    return f"{key}: {what}" if key else what
