"""The distribution of G_0 for a given gamma: normalisation, moments, limits, C classes."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import ndtr
from scipy.stats import kstest

from normplace.theories import guesses

GAMMAS = [0.1, 0.466942, 1.0, 5.0]


@pytest.mark.parametrize("gamma", GAMMAS)
def test_density_integrates_to_one_and_is_the_derivative_of_the_distribution(gamma: float) -> None:
    # In z = Phi^-1(g) / sqrt(gamma) the integrand has no spikes at 0 and 1.
    def integrand(z: float) -> float:
        y = gamma**0.5 * z
        jacobian = gamma**0.5 * np.exp(-y * y / 2) / np.sqrt(2 * np.pi)
        return float(guesses.density(np.array(ndtr(y)), gamma) * jacobian)

    assert quad(integrand, -3, 3)[0] == pytest.approx(ndtr(3) - ndtr(-3), abs=1e-9)
    g, step = np.linspace(0.05, 0.95, 19), 1e-6
    slope = (guesses.distribution(g + step, gamma) - guesses.distribution(g - step, gamma)) / (2 * step)
    np.testing.assert_allclose(guesses.density(g, gamma), slope, rtol=1e-5)


def test_shapes_of_the_density() -> None:
    g = np.linspace(0.01, 0.99, 99)
    assert np.argmax(guesses.density(g, 0.3)) == 49  # one hump at 1/2
    np.testing.assert_allclose(guesses.density(g, 1.0), 1)  # uniform
    piled = guesses.density(g, 4.0)
    assert np.argmin(piled) == 49
    with pytest.raises(ValueError, match="density exists"):
        guesses.density(g, 0.0)


@pytest.mark.slow
@pytest.mark.parametrize("gamma", GAMMAS)
def test_moments_and_distribution_match_draws(gamma: float) -> None:
    draws = ndtr(np.sqrt(gamma) * np.random.default_rng(0).standard_normal(200_000))
    # The standard error of a variance is at most sqrt(1/4 / n) / 2.
    assert guesses.standard_deviation(gamma) ** 2 == pytest.approx(draws.var(), abs=4 * 0.25 / 200_000**0.5)
    assert kstest(draws, lambda g: guesses.distribution(g, gamma)).pvalue > 1e-4
    assert kstest(draws, lambda g: guesses.distribution(g, 1.3 * gamma)).pvalue < 1e-4  # it can fail


def test_limits() -> None:
    g = np.array([-0.1, 0.0, 0.3, 0.5, 0.7, 1.0])
    assert guesses.distribution(g, 0.0).tolist() == [0, 0, 0, 1, 1, 1]
    assert guesses.distribution(g, np.inf).tolist() == [0, 0.5, 0.5, 0.5, 0.5, 1]
    assert guesses.standard_deviation(0.0) == 0
    assert guesses.standard_deviation(np.inf) == pytest.approx(0.5)
    assert guesses.standard_deviation(1.0) == pytest.approx(12**-0.5)  # uniform


def test_two_classes_of_the_general_case_are_the_binary_case() -> None:
    draws = guesses.draw_class_fractions(0.7, 2, 20_000, seed=0)
    np.testing.assert_allclose(draws.sum(axis=1), 1, atol=1e-10)
    assert kstest(draws[:, 0], lambda g: guesses.distribution(g, 0.7)).pvalue > 1e-4


def test_class_fractions_match_counted_guesses() -> None:
    means = np.array([0.5, -0.2, 0.0, 0.9])
    n = 400_000
    outputs = means + np.random.default_rng(1).standard_normal((n, 4))
    counted = np.bincount(outputs.argmax(axis=1), minlength=4) / n
    found = guesses.class_fractions(means)
    np.testing.assert_allclose(found, counted, atol=5 * (0.25 / n) ** 0.5)
    assert found.sum() == pytest.approx(1, abs=1e-10)
    np.testing.assert_allclose(guesses.class_fractions(np.zeros(5)), 0.2, atol=1e-12)


@pytest.mark.parametrize("classes", [2, 3, 10])
@pytest.mark.slow
def test_agreement_of_two_points_matches_draws(classes: int) -> None:
    for gamma in GAMMAS:
        squares = (guesses.draw_class_fractions(gamma, classes, 4000, seed=1) ** 2).sum(axis=1)
        standard_error = squares.std() / len(squares) ** 0.5
        assert guesses.agreement(gamma, classes) == pytest.approx(squares.mean(), abs=4 * standard_error)
        assert guesses.agreement(1.5 * gamma, classes) > squares.mean() + 4 * standard_error or gamma < 0.2


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_agreements_of_many_correlations_are_those_of_one_each(classes: int) -> None:
    gammas = np.array([0.0, 0.01, 0.3, 1.0, 7.0, 200.0])
    each = [guesses.agreement(gamma, classes) for gamma in gammas]
    np.testing.assert_allclose(guesses.agreements(gammas / (1 + gammas), classes), each, atol=2e-7)
    opposite, same = guesses.agreements(np.array([-1.0, 1.0]), classes)
    assert (opposite, same) == pytest.approx((0, 1), abs=1e-12)


@pytest.mark.slow
def test_agreement_is_exact_for_two_classes_and_in_its_limits() -> None:
    for gamma in GAMMAS:  # 1/2 + 2 Var G_0
        expected = 0.5 + 2 * guesses.standard_deviation(gamma) ** 2
        assert guesses.agreement(gamma, 2) == pytest.approx(expected, abs=1e-12)
    for classes in (2, 3, 1000):
        assert guesses.agreement(0.0, classes) == pytest.approx(1 / classes, rel=1e-6)
        assert guesses.agreement(np.inf, classes) == 1
        assert guesses.gamma_of_agreement(1 / classes - 0.01, classes) == 0
        assert guesses.gamma_of_agreement(1.0, classes) == np.inf
        for gamma in (0.01, *GAMMAS, 300.0):
            share = guesses.agreement(gamma, classes)
            assert guesses.gamma_of_agreement(share, classes) == pytest.approx(gamma, rel=1e-5, abs=1e-6)
