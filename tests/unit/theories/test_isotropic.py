"""Closed forms, quadrature against adaptive quadrature, and regimes by fixed points."""

import numpy as np
import pytest
from scipy.integrate import dblquad, quad

from normplace.errors import UserError
from normplace.networks.activations import ACTIVATIONS
from normplace.networks.architecture import configurations
from normplace.theories import isotropic as theory
from normplace.theories.duals import Smooth, dual


def normal(z: float) -> float:
    return float(np.exp(-z * z / 2) / np.sqrt(2 * np.pi))


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("variance", [0.25, 1.0, 2.0])
def test_moments_agree_with_adaptive_quadrature(activation: str, variance: float) -> None:
    phi, averages, v = ACTIVATIONS[activation].function, dual(ACTIVATIONS[activation]), np.array(variance)
    mean = quad(lambda z: phi(variance**0.5 * z) * normal(z), -12, 12, points=[0], epsabs=1e-12)[0]
    second = quad(lambda z: phi(variance**0.5 * z) ** 2 * normal(z), -12, 12, points=[0], epsabs=1e-12)[0]
    assert float(averages.mean(v)) == pytest.approx(mean, abs=1e-10)
    assert float(averages.second_moment(v)) == pytest.approx(second, abs=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("rho", [-0.5, 0.0, 0.3, 0.9])
def test_duals_agree_with_adaptive_quadrature(activation: str, rho: float) -> None:
    phi, row, column = ACTIVATIONS[activation].function, 0.5, 2.0

    def integrand(w: float, u: float) -> float:
        other = rho * u + (1 - rho**2) ** 0.5 * w
        return phi(row**0.5 * u) * phi(column**0.5 * other) * normal(u) * normal(w)

    expected = dblquad(integrand, -8, 8, -8, 8, epsabs=1e-6, epsrel=1e-6)[0]
    found = dual(ACTIVATIONS[activation]).product(np.array(row), np.array(column), np.array(rho))
    assert float(found) == pytest.approx(expected, abs=3e-6)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_dual_ends_and_slope(activation: str) -> None:
    averages, v = dual(ACTIVATIONS[activation]), np.array(1.3)
    assert float(averages.product(v, v, np.array(0.0))) == pytest.approx(float(averages.mean(v)) ** 2, abs=1e-12)
    assert float(averages.product(v, v, np.array(1.0))) == pytest.approx(float(averages.second_moment(v)), rel=1e-10)
    step = 1e-5
    ends = [float(averages.product(v, v, np.array(0.6 + sign * step))) for sign in (-1, 1)]
    assert averages.slope(1.3, 0.6) == pytest.approx((ends[1] - ends[0]) / (2 * step), rel=1e-6)


def test_the_hermite_series_reproduces_the_closed_form_of_relu() -> None:
    """Gauss-Hermite converges slowly for a kink: its 400 nodes are 0.08 apart there, an error of order 0.08^2 / 8."""
    series, exact = Smooth(lambda x: np.maximum(x, 0)), dual(ACTIVATIONS["relu"])
    rho = np.linspace(-0.9, 0.9, 7)
    one = np.ones(7)
    np.testing.assert_allclose(series.product(one, one, rho), exact.product(one, one, rho), atol=0.08**2 / 8)


@pytest.mark.parametrize("cell", [("none", "none"), ("layer", "before"), ("rms", "before"), ("rms", "after")])
def test_known_gammas_of_relu(cell: tuple[str, str]) -> None:
    found = theory.gammas(*cell, "relu", 20)[[0, 1, 4, 19]]
    np.testing.assert_allclose(found, [0.466942, 0.975235, 2.787109, 18.390547], atol=1e-6)


def test_batch_norm_before_gives_one_over_pi_minus_one_at_every_depth_and_after_gives_zero() -> None:
    np.testing.assert_allclose(theory.gammas("batch", "before", "relu", 30), 1 / (np.pi - 1), rtol=1e-12)
    assert not theory.gammas("batch", "after", "relu", 30).any()
    assert not theory.gammas("layer", "after", "relu", 30).any()


@pytest.mark.parametrize("cell", configurations())
def test_odd_activations_are_neutral_everywhere(cell: tuple[str, str]) -> None:
    assert theory.gammas(*cell, "tanh", 10).max() < 1e-20
    assert theory.regime(*cell, "tanh").name == "neutral"


RELU_REGIMES = {
    ("none", "none"): "deeply prejudiced",
    ("batch", "before"): "prejudiced",
    ("batch", "after"): "neutral",
    ("layer", "before"): "deeply prejudiced",
    ("layer", "after"): "neutral",
    ("rms", "before"): "deeply prejudiced",
    ("rms", "after"): "deeply prejudiced",
}


@pytest.mark.parametrize("activation", ["relu", "leaky_relu"])
def test_regimes_of_piecewise_linear_activations(activation: str) -> None:
    assert {cell: theory.regime(*cell, activation).name for cell in configurations()} == RELU_REGIMES


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("cell", configurations())
@pytest.mark.slow
def test_regimes_are_where_a_very_deep_network_goes(activation: str, cell: tuple[str, str]) -> None:
    """The fixed point found by analysis against the map applied 3000 times."""
    found = theory.regime(*cell, activation)
    deep = theory.correlations(*cell, activation, 3000)[-1]
    if found.slope == pytest.approx(1, abs=1e-9) and found.correlation == 1:
        # A marginal fixed point is approached as 1 - rho = 9 pi^2 / (2 L^2) by ReLU.
        assert 1 - deep < 10 * np.pi**2 / 3000**2
    else:
        assert deep == pytest.approx(found.correlation, abs=1e-9)
        assert found.slope <= 1


def test_without_a_norm_gelus_regime_is_decided_by_the_dying_variance() -> None:
    """With its variance kept (layer before), gelu has a fixed point of its own; without, correlations freeze."""
    frozen, kept = theory.regime("none", "none", "gelu"), theory.regime("layer", "before", "gelu")
    assert (frozen.name, frozen.variance) == ("prejudiced", 0.0)
    assert kept.name == "prejudiced"
    assert kept.variance == 1
    assert kept.slope < 1
    assert abs(frozen.correlation - kept.correlation) > 0.1


RELU_REGIMES_OF_HALVES = {
    ("batch-centring", "before"): "prejudiced",
    ("batch-centring", "after"): "neutral",
    ("batch-scaling", "before"): "deeply prejudiced",
    ("batch-scaling", "after"): "prejudiced",
    ("layer-centring", "before"): "deeply prejudiced",
    ("layer-centring", "after"): "neutral",
}


@pytest.mark.parametrize("cell", RELU_REGIMES_OF_HALVES)
def test_halves_of_a_norm_and_where_a_very_deep_network_goes(cell: tuple[str, str]) -> None:
    found = theory.regime(*cell, "relu")
    assert found.name == RELU_REGIMES_OF_HALVES[cell]
    deep = theory.correlations(*cell, "relu", 3000)[-1]
    assert deep == pytest.approx(found.correlation, abs=1e-4 if found.name == "deeply prejudiced" else 1e-9)
    with pytest.raises(UserError, match="its regime is known with relu and leaky_relu, weight variance 2"):
        theory.regime(*cell, "gelu")


def test_centring_alone_does_to_relu_what_the_whole_norm_does() -> None:
    for norm in ("batch", "layer"):
        for placement in ("before", "after"):
            half, whole = (theory.gammas(name, placement, "relu", 20) for name in (f"{norm}-centring", norm))
            np.testing.assert_allclose(half, whole, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_moments_given_a_mean_agree_with_adaptive_quadrature(activation: str) -> None:
    phi = ACTIVATIONS[activation].function
    for mu, sigma in ((-1.0, 0.5), (0.3, 1.2), (4.0, 0.1)):
        first = quad(lambda z, m=mu, s=sigma: phi(m + s * z) * normal(z), -12, 12, points=[-mu / sigma], epsabs=1e-12)[
            0
        ]
        second = quad(lambda z, m=mu, s=sigma: phi(m + s * z) ** 2 * normal(z), -12, 12, points=[-mu / sigma])[0]
        mean, variance = dual(ACTIVATIONS[activation]).moments(np.array([mu]), np.array([sigma]))
        assert mean[0] == pytest.approx(first, abs=1e-7)
        assert variance[0] == pytest.approx(second - first**2, abs=1e-7)
