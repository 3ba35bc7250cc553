"""Registries that are folders: a package whose modules each hold one record, found without a list to keep."""

import importlib
import pkgutil
from typing import Any


def records(package: str, paths: list[str], attribute: str) -> dict[str, Any]:
    """The record `attribute` of each module of a package that has one, by its name, in the order of the modules."""
    modules = [importlib.import_module(f"{package}.{module.name}") for module in pkgutil.iter_modules(paths)]
    found = [getattr(module, attribute) for module in modules if hasattr(module, attribute)]
    return {record.name: record for record in found}
