"""Tables that lack rows, have too many, or are of other numbers than the configuration asks for."""

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from normplace.errors import UserError
from normplace.verifying.completeness import EXPECTED, incomplete

ROWS = pd.DataFrame({"dataset": "mnist", "norm": ["none"] * 3 + ["batch"] * 3, "depth": [1, 2, 3] * 2, "inits": 400})
ASKED = [
    {"where": {"dataset": "mnist", "norm": norm}, "each": {"depth": [1, 2, 3]}, "columns": {"inits": 400}}
    for norm in ("none", "batch")
]


def problems(tidy: Path, rows: pd.DataFrame) -> dict[str, str]:
    (tidy / "placements").mkdir(exist_ok=True)
    rows.to_csv(tidy / "placements" / "gamma.csv", index=False)
    (tidy / EXPECTED).write_text(json.dumps({"placements": {"gamma": ASKED}}))
    return incomplete(tidy)


def test_complete_tables_have_no_problem(tmp_path: Path) -> None:
    assert incomplete(tmp_path) == {}
    assert problems(tmp_path, ROWS) == {}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda rows: rows[rows["depth"] < 3], "2 rows of dataset mnist, norm none, where the .* asks for 3 by depth"),
        (lambda rows: rows[rows["norm"] == "none"], "0 rows of dataset mnist, norm batch"),
        (lambda rows: pd.concat([rows, rows.tail(1)]), "4 rows of dataset mnist, norm batch"),
        (lambda rows: rows.assign(depth=[1, 2, 2] * 2), "3 rows of dataset mnist, norm none"),
        (lambda rows: rows.assign(inits=5000), "inits 5000 of dataset mnist, norm none, where the configuration says"),
        (lambda rows: pd.concat([rows, rows.tail(1).assign(norm="rms")]), "7 rows, where the configuration asks for 6"),
    ],
)
def test_others_have(tmp_path: Path, change: Callable[[pd.DataFrame], pd.DataFrame], words: str) -> None:
    import re

    found = problems(tmp_path, change(ROWS))
    assert re.match(f"placements/gamma: {words}", found["placements"])
    assert list(found) == ["placements"]


def test_a_table_that_is_gone_is_missed(tmp_path: Path) -> None:
    assert problems(tmp_path, ROWS) == {}
    (tmp_path / "placements" / "gamma.csv").unlink()
    found = incomplete(tmp_path)
    assert found == {"placements": "placements/gamma: there is no such table"}


def test_a_table_without_a_column_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"placements/gamma\.csv: damaged, or not such a table"):
        problems(tmp_path, ROWS.drop(columns="norm"))


def test_a_damaged_file_is_one_clear_line(tmp_path: Path) -> None:
    problems(tmp_path, ROWS)
    (tmp_path / EXPECTED).write_text('{"placements": 3}')
    with pytest.raises(UserError, match=r"expected\.json: damaged \(placements"):
        incomplete(tmp_path)
