"""What a run's page and report begin with: true of any tables, and of any source of data."""

from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from study import page
from study.answer import Answer, in_words, listed, moved

CELLS = pd.DataFrame(
    [
        ("none", "none", "deeply prejudiced", 0.7),
        ("layer", "before", "deeply prejudiced", 0.75),
        ("rms", "before", "deeply prejudiced", 0.7),
        ("rms", "after", "deeply prejudiced", 0.71),
        ("layer", "after", "neutral", 0.0),
    ],
    columns=["norm", "placement", "regime_seen", "share_extreme"],
)


def test_configurations_are_told_with_their_share() -> None:
    deep = CELLS[CELLS["regime_seen"] == "deeply prejudiced"]
    assert in_words(deep) == (
        "with LayerNorm or RMSNorm before the activation, with RMSNorm after the activation and without a norm "
        "(70 to 75 % of the networks put over 95 % of the data into one class)"
    )
    assert in_words(CELLS.tail(1)).startswith("with LayerNorm after the activation (0 % of")


def test_a_norm_is_moved_where_its_regime_depends_on_its_place() -> None:
    assert moved(CELLS) == {"LayerNorm": "deeply prejudiced before the activation, neutral after it"}
    nowhere = Answer("MNIST", "400", 20, {"neutral": "x"}, {}, [], {"not testable at this scale": 2, "holds": 1})
    assert "for none of the norms" in nowhere.sentences()[1]
    assert nowhere.sentences()[2] == "Of 3 claims, 2 cannot be tested at this scale and 1 hold."


def test_lists() -> None:
    assert [listed(list(parts)) for parts in ("", "a", "ab", "abc")] == ["", "a", "a and b", "a, b and c"]


@pytest.mark.parametrize(
    ("source", "stand_in", "kind", "verified"),
    [
        ("torchvision files", False, "Original files", True),
        ("image folder", False, "Copy", False),
        ("generated", False, "Generated", False),
        ("scikit-learn digits", False, "Built in", False),
        ("stand-in", True, "Stand-in", False),
    ],
)
def test_only_files_that_were_verified_are_called_so(source: str, stand_in: bool, kind: str, verified: bool) -> None:
    points = {"a": {"label": "Some data", "source": source, "stand_in": stand_in}}
    manifest: Any = SimpleNamespace(inputs=points)
    (found,) = page.data_sets(manifest)
    assert found["kind"] == kind
    assert ("verified" in found["what"]) == verified


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("gamma 0.47 [0.46, 0.48]", "0.47"), ("below 1e-06", "1e-06"), ("difference of gaps -0.0528", "-0.0528"),
        ("-", ""), ("deviation of G_0 0.029", "0.029"), ("1,200 steps", "1200"), ("neutral", ""),
    ],
)  # fmt: skip
def test_the_first_number_of_words(text: str, number: str) -> None:
    assert page.first_number(text) == number
