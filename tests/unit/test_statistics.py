"""Estimates on synthetic outputs whose gamma is known."""

import numpy as np
import pytest
from scipy.special import ndtr

from normplace import statistics
from normplace.theories import guesses
from normplace.theories import isotropic as theory
from tests.gammas import gamma

TRUE = 0.8


def outputs(gamma: float, inits: int, classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Means and variances over the data of networks with this gamma, [inits, classes]."""
    random = np.random.default_rng(seed)
    return random.normal(0, gamma**0.5, (inits, classes)), random.gamma(50, 1 / 50, (inits, classes))


def test_gamma_is_pooled_over_nodes() -> None:
    mean = np.array([[1.0, 0.0], [-1.0, 4.0]])
    var = np.array([[1.0, 2.0], [3.0, 2.0]])
    # variances over networks are 2 and 8, their mean 5; the mean variance over the data is 2.
    assert statistics.gamma_of_outputs(mean, var).value == gamma(mean, var) == pytest.approx(2.5)
    mean, var = outputs(TRUE, 100_000, 2, seed=0)
    assert statistics.gamma_of_outputs(mean, var).value == pytest.approx(TRUE, rel=4 * (1 / 100_000) ** 0.5)


@pytest.mark.slow
@pytest.mark.parametrize("n", [12, 40, 150, 400])
def test_intervals_of_ratios_cover_the_truth(n: int) -> None:
    """Of ratios as deep networks show them: the numerator log-normal, with a tail, and the denominator with it."""
    random = np.random.default_rng(n)
    scale = np.exp(random.normal(0, 0.5, (2000, n)))
    numerators = scale * random.gamma(2, 1 / 2, (2000, n)) * TRUE
    denominators = scale * random.gamma(20, 1 / 20, (2000, n))
    found = [statistics.interval_of_ratio(*rows) for rows in zip(numerators, denominators, strict=True)]
    covered = np.mean([one.low <= TRUE <= one.high for one in found])
    assert 0.93 < covered < 0.98  # 2000 intervals tell it to 1 %
    at_all = statistics.gamma_of_readouts(numerators[:2], denominators[:2])
    assert at_all.low.tolist() == [one.low for one in found[:2]]


def test_intervals_of_means_and_of_ratios_of_nothing() -> None:
    found = statistics.interval_of_mean(np.array([1.0, 2.0, 3.0]))
    assert found.value == 2
    assert found.high - 2 == pytest.approx(4.302653 / 3**0.5)  # Student's t of 2 degrees of freedom
    assert statistics.interval_of_ratio(np.zeros(3), np.ones(3)) == (0, 0, 0)


def guesses_with(gammas: np.ndarray, inits: int, seed: int) -> np.ndarray:
    """G_0 [depth, inits] of networks with these gammas by depth, correlated over depth as one network's are."""
    z = np.random.default_rng(seed).standard_normal(inits)
    return ndtr(np.sqrt(gammas)[:, None] * z)


def test_gamma_of_guesses_inverts_the_variance_of_guesses() -> None:
    for true in (0.05, 0.466942, 1.0, 20.0):
        assert statistics.gamma_of_guesses(np.array(guesses.standard_deviation(true) ** 2)) == pytest.approx(true)
    assert statistics.gamma_of_guesses(np.array(0.25)) == np.inf


DEPTH = np.arange(1.0, 21.0)


@pytest.mark.parametrize(
    ("gammas", "name"),
    [
        (0.02 * DEPTH**0, "neutral"),
        (1.5 * 0.7**DEPTH, "neutral"),
        (0.47 * DEPTH**0, "prejudiced"),
        (3.0 - 2 / DEPTH, "prejudiced"),
        (0.05 * DEPTH**1.5, "deeply prejudiced"),
        (theory.gammas("none", "none", "relu", 20), "deeply prejudiced"),
        (0.6 * DEPTH**0.5, "undecided"),
        (0.2 * (20 / DEPTH) ** 1.2, "neutral"),
        (0.78 * (20 / DEPTH) ** 1.2, "undecided"),  # it falls, but is not small
    ],
)
def test_regimes_by_growth_of_known_paths(gammas: np.ndarray, name: str) -> None:
    found = statistics.regime_by_growth((guesses_with(gammas, 500, seed=0) - 0.5) ** 2, 500, seed=1)
    assert found.name == name
    assert found.gamma.low < gammas[-1] < found.gamma.high


def test_regimes_by_value() -> None:
    """The other vocabulary: BatchNorm before ReLU is neutral there, a finite limit above 1 prejudiced."""

    def around(value: float, half: float) -> statistics.Estimate[float]:
        return statistics.Estimate(value, value - half, value + half)

    flat, steep = around(0.0, 0.2), around(1.5, 0.2)
    assert statistics.by_value(around(0.467, 0.02), flat) == "neutral"
    assert statistics.by_value(around(2.0, 0.1), flat) == "prejudiced"
    assert statistics.by_value(around(8.0, 0.5), steep) == "deeply prejudiced"
    assert statistics.by_value(around(1.0, 0.1), flat) == "undecided"
    assert statistics.by_value(around(0.5, 0.1), steep) == "undecided"
    assert statistics.by_value(around(5.0, 0.5), around(0.5, 0.2)) == "undecided"


def test_guesses_of_exactly_one_half_are_neutral() -> None:
    assert statistics.regime_by_growth(np.zeros((4, 50)), 100, seed=0).name == "neutral"


def test_proportion_and_distances() -> None:
    share, low, high = statistics.proportion(0, 100)
    assert (share, low) == (0, 0)
    assert 0.02 < high < 0.05
    values = np.random.default_rng(0).integers(0, 501, size=1000) / 500  # uniform on the grid of 500 points
    assert statistics.distance_to_distribution(values, lambda g: g, 500) < statistics.ks_critical(1000)
    assert statistics.distance_to_distribution(values, lambda g: g**2, 500) > 0.2
    assert statistics.distance_between_samples(values, values) == 0
    assert statistics.distance_between_samples(values, values + 0.5) == pytest.approx(0.5, abs=0.05)


def test_the_mass_at_zero_and_one_of_deep_networks_is_no_distance() -> None:
    """Counts over 100 points of networks with gamma 20: many are exactly 0 or 1, as the theory expects of counts."""
    random = np.random.default_rng(0)
    fractions = random.binomial(100_000, guesses_with(np.array([20.0]), 2000, seed=3)[0]) / 100_000
    counted = np.rint(fractions * 100) / 100
    assert np.mean((counted == 0) | (counted == 1)) > 0.5
    distance = statistics.distance_to_distribution(counted, lambda g: guesses.distribution(g, 20.0), 100)
    assert distance < statistics.ks_critical(2000)


def test_an_interval_among_infinities() -> None:
    """Where half of the samples are infinite the upper end is, without a warning; what is unknown stays unknown."""
    low, high = statistics.interval(np.array([[0.0, np.inf], [1.0, np.inf], [2.0, np.inf], [np.inf, np.inf]]))
    np.testing.assert_allclose(low, [0.075, np.inf])
    np.testing.assert_array_equal(high, [np.inf, np.inf])
    assert np.isnan(statistics.interval(np.array([np.nan, 1.0, 2.0]))).all()
