"""The tour runs, in twelve cells and under a minute, and shows what its words say."""

import json
import time
from typing import Any

import matplotlib.pyplot as plt
import pytest

from tests.checkout import ROOT

pytestmark = pytest.mark.slow
CELLS = json.loads((ROOT / "docs" / "tour.ipynb").read_text(encoding="utf-8"))["cells"]


@pytest.fixture(scope="module")
def after() -> dict[str, Any]:
    """What its cells leave behind, and the seconds they took."""
    plt.switch_backend("agg")
    names: dict[str, Any] = {}
    began = time.monotonic()
    for cell in CELLS:
        if cell["cell_type"] == "code":
            source = "".join(line for line in cell["source"] if not line.startswith("%"))  # for notebooks alone
            exec(compile(source, "docs/tour.ipynb", "exec"), names)
    plt.close("all")
    return {**names, "seconds": time.monotonic() - began}


def test_it_is_as_short_as_it_says(after: dict[str, Any]) -> None:
    assert len(CELLS) == 12
    assert after["seconds"] < 120  # a minute alone; tests run beside others
    assert not any(cell.get("outputs") for cell in CELLS)  # the documents show those of their own build


def test_its_words_are_so(after: dict[str, Any]) -> None:
    regimes = {(norm, placement): regime for norm, placement, regime, *_ in after["rows"]}
    assert regimes["layer", "before"] == "deeply prejudiced"
    assert regimes["layer", "after"] == regimes["batch", "after"] == "neutral"
    drawn = {panel.get_title(): panel.collections[0].get_paths()[0].vertices[:, 1] for panel in after["axes"].flat}
    assert drawn["layer before"].max() > 0.99
    assert 0.5 < drawn["layer after"].max() < 0.9


def test_theory_is_beside_the_networks(after: dict[str, Any]) -> None:
    theory, gamma = after["theory"].gamma, after["gamma"]
    assert abs(theory / gamma.value - 1).max() < 0.1
