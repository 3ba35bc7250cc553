"""The experiments of the study, a file each: the type of its settings, its tidy tables and the jobs they are made of.

A file that is put here is found. Its `Settings`, if it has a class of that name, become the part of the configuration
that has the file's name; `tables(study)` says what is computed.
"""

from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from pydantic import create_model

from study.jobs import Tables
from study.settings import Study

MODULES = {found.name: import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__)}
OWN_SETTINGS: dict[str, Any] = {
    name: (module.Settings, ...) for name, module in MODULES.items() if hasattr(module, "Settings")
}
STUDY: type[Study] = create_model("Study", __base__=Study, **OWN_SETTINGS)  # the type of a whole configuration


def tables(study: Study) -> dict[str, Tables]:
    """Experiment -> its tidy tables."""
    return {name: module.tables(study) for name, module in MODULES.items()}
