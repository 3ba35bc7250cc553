"""Theory beside samples of two classes and of more."""

import numpy as np
import pytest

from normplace.tables import samples
from normplace.tables.records import Cell, Sample
from normplace.theories import guesses

NETWORKS, GAMMA = 4000, 1.5


@pytest.mark.parametrize("classes", [2, 4])
def test_theory_of_isotropic_data_is_of_as_many_classes(classes: int) -> None:
    cell = Cell("x", "x", False, "mlp", "none", "none", "batch", "relu", 100, 2.0, 0.0, classes, 0.0, 1000, "")
    drawn = guesses.draw_class_fractions(GAMMA, classes, NETWORKS, seed=1)[None].astype(np.float32)
    sample = Sample(cell, drawn, *(drawn + 1,) * 2, *(drawn[..., 0] + 1,) * 3)
    (row,) = samples._gamma_rows(sample, {}, np.array([GAMMA]))
    # The relative standard error of a deviation over n networks is about 1 / sqrt(2 n), less for bounded numbers.
    assert row["guess_fraction_std"] == pytest.approx(
        row["guess_fraction_std_isotropic"], rel=4 / (2 * NETWORKS) ** 0.5
    )
    shares = [bin_["share_isotropic"] for bin_ in samples._histogram_rows(sample, {}, np.array([GAMMA]))]
    if classes == 2:
        assert row["ks_isotropic"] < row["ks_critical_isotropic"]
        assert sum(shares) == pytest.approx(1)
    else:  # the distribution of G_0 is known for two classes only
        assert np.isnan([row["ks_isotropic"], *shares]).all()
