"""How guesses are spread over classes, on made-up networks whose spread is known."""

import numpy as np
import pandas as pd
import pytest

from normplace.tables.classes import class_rows, entropy, ranked
from normplace.tables.records import Cell, KernelTheory, Sample
from normplace.theories import guesses

CLASSES = 4
CELL = Cell("digits", "digits", False, "mlp", "none", "none", "batch", "relu", 100, 2.0, 0.0, CLASSES, 0.0, 1000, "")


NOTHING = [np.zeros(1)] * 3  # deviation of G_0 and the two errors


def table(gamma: float, theory_gamma: float, networks: int = 4000) -> pd.DataFrame:
    """Rows of networks with one gamma beside draws and a formula of another."""
    drawn = guesses.draw_class_fractions(gamma, CLASSES, networks, seed=1)
    sample = Sample(CELL, *(drawn[None].astype(np.float32),) * 3, *(drawn[None, :, 0],) * 3)
    theory = guesses.draw_class_fractions(theory_gamma, CLASSES, networks, seed=2)[None].astype(np.float32)
    kernel = KernelTheory(CELL, np.array([theory_gamma]), *NOTHING, np.array([1]), theory)
    return pd.DataFrame(class_rows(sample, {"kernel": kernel, "finite": kernel}))


def test_ranks_and_entropy_of_known_fractions() -> None:
    fractions = np.array([[0.0, 0.0, 1.0, 0.0], [0.25, 0.25, 0.25, 0.25], [0.5, 0.0, 0.0, 0.5]])
    assert ranked(fractions).tolist() == [[1, 0, 0, 0], [0.25] * 4, [0.5, 0.5, 0, 0]]
    assert entropy(fractions) == pytest.approx([0, 1, 0.5])


def test_networks_drawn_from_the_theory_agree_with_it() -> None:
    rows = table(gamma=1.5, theory_gamma=1.5)
    assert rows["rank"].tolist() == [1, 2, 3, 4]
    assert rows["fraction"].sum() == pytest.approx(1)
    assert (rows["fraction"].diff()[1:] < 0).all()
    assert (rows["fraction_low"] <= rows["fraction_high"]).all()
    # A fraction's standard deviation over networks is below 1/2, so that of a difference of means is below this.
    standard_error = 0.5 * np.sqrt(1 / 4000 + 1 / 2000)
    for theory in ("fraction_kernel", "fraction_finite"):
        assert (rows["fraction"] - rows[theory]).abs().max() < 4 * standard_error
    assert rows["entropy_low"][0] < rows["entropy"][0] < rows["entropy_high"][0]
    assert abs(rows["entropy"][0] - rows["entropy_kernel"][0]) < 4 * standard_error
    assert abs(rows["entropy"][0] - rows["entropy_finite"][0]) < 4 * standard_error


def test_networks_of_another_gamma_do_not_agree() -> None:
    rows = table(gamma=1.5, theory_gamma=0.3)
    assert rows["fraction"][0] - rows["fraction_kernel"][0] > 0.1
    assert rows["entropy_kernel"][0] - rows["entropy_high"][0] > 0.1


def test_only_depths_that_the_theory_was_drawn_at_have_rows() -> None:
    fractions = np.full((3, 10, CLASSES), 0.25, np.float32)
    drawn = np.full((2, 5, CLASSES), 0.25, np.float32)
    kernel = KernelTheory(CELL, np.ones(3), *[np.zeros(3)] * 3, np.array([1, 3]), drawn)
    rows = class_rows(Sample(CELL, *(fractions,) * 3, *(fractions[..., 0],) * 3), {"kernel": kernel})
    assert {row["depth"] for row in rows} == {1, 3}
    assert "entropy_finite" not in rows[0]
    assert class_rows(Sample(CELL, *(fractions,) * 3, *(fractions[..., 0],) * 3), {}) == []
