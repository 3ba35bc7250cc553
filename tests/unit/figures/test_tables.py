"""Printed tables are those that were shipped, byte for byte; numbers in words."""

import importlib
import inspect
from pathlib import Path

import pandas as pd
import pytest

from figures import HERE, TABLES, words
from figures.tables.__main__ import write
from tests.checkout import ROOT


def test_the_tables_found_are_the_public_functions() -> None:
    modules = {path.stem for path in (HERE / "tables").glob("[!_]*.py")}
    assert set(TABLES.values()) == modules
    for name, module in TABLES.items():
        function = getattr(importlib.import_module(f"figures.tables.{module}"), name)
        assert list(inspect.signature(function).parameters) == ["tidy"]


@pytest.mark.parametrize("scale", ["quick", "paper"])
def test_printed_tables_are_the_shipped_ones(scale: str, tmp_path: Path) -> None:
    reference = ROOT / "reference" / scale
    shipped = sorted(path for path in (reference / "tables").iterdir() if path.stem not in ("answer", "claims"))
    assert len(shipped) >= 21
    for name in {path.stem for path in shipped}:
        write(name, reference / "tidy", tmp_path)
    assert [path.name for path in sorted(tmp_path.iterdir())] == [path.name for path in shipped]
    for path in shipped:
        assert (tmp_path / path.name).read_bytes() == path.read_bytes(), path


@pytest.mark.parametrize(
    ("value", "written"),
    [(0.123456, "0.123"), (12345.6, "12,346"), (1e-9, "0"), (float("inf"), "never"), (float("nan"), "-"), (-2, "-2")],
)
def test_numbers_are_written_with_three_digits(value: float, written: str) -> None:
    assert words.number(value) == written


def test_spans() -> None:
    assert words.span(pd.Series([5000, 5000])) == "5,000"
    assert words.span(pd.Series([24, 200, 30])) == "24 to 200"
