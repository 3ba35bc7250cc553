"""The phase diagram: known boundaries without a norm, what variances cannot change, deep sampled networks."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq

from normplace.data.datasets import load
from normplace.networks.architecture import MLP, Variances
from normplace.sampling.mlps import sample_mlps
from normplace.theories import isotropic, kernel
from normplace.theories.phase import BIAS_VARIANCES, Place, diagram
from tests.cells import CELLS, every_cell


@pytest.fixture(scope="module")
def places() -> list[Place]:
    return list(diagram())


def chosen(places: list[Place], **values: object) -> list[Place]:
    return [place for place in places if all(getattr(place, name) == value for name, value in values.items())]


@pytest.mark.slow
def test_without_a_norm_it_is_the_known_diagram(places: list[Place]) -> None:
    """arXiv 2505.12096: ReLU deeply prejudiced everywhere, ordered below 2 and chaotic above; tanh has all three."""
    relu = chosen(places, norm="none", activation="relu")
    assert {place.regime for place in relu} == {"deeply prejudiced"}
    for place in relu:
        assert place.slope_at_one == pytest.approx(place.weight_variance / 2, abs=1e-9)
    tanh = chosen(places, norm="none", activation="tanh")
    assert {place.regime for place in tanh if place.bias_variance == 0} == {"neutral"}
    assert {place.regime for place in tanh if place.bias_variance > 0} == {"prejudiced", "deeply prejudiced"}
    for place in tanh:
        if place.bias_variance > 0:
            assert (place.regime == "deeply prejudiced") == (place.slope_at_one <= 1)


def test_the_edge_of_chaos_of_tanh() -> None:
    """Its condition chi_1 = 1 at the fixed point of the variance, by adaptive quadrature."""
    bias = 0.05

    def normal(z: float) -> float:
        return float(np.exp(-z * z / 2) / np.sqrt(2 * np.pi))

    def at_edge(q: float) -> float:
        """The weight variance with chi_1 = 1 at variance q, held against the one whose fixed point is q."""
        weight = 1 / quad(lambda z: normal(z) / np.cosh(q**0.5 * z) ** 4, -12, 12)[0]
        return float(weight * quad(lambda z: normal(z) * np.tanh(q**0.5 * z) ** 2, -12, 12)[0] + bias - q)

    q = brentq(at_edge, 0.06, 5)
    weight = 1 / quad(lambda z: normal(z) / np.cosh(q**0.5 * z) ** 4, -12, 12)[0]
    for factor, name in ((0.98, "deeply prejudiced"), (1.02, "prejudiced")):
        assert isotropic.regime("none", "none", "tanh", Variances(factor * weight, bias)).name == name
    assert isotropic.regime("none", "none", "tanh", Variances(weight, bias)).slope_at_one == pytest.approx(1, abs=1e-4)


def test_what_no_variance_changes(places: list[Place]) -> None:
    """BatchNorm before removes a bias and a scale: its gamma is that of He, but for the bias of the output layer."""
    for place in chosen(places, norm="batch", placement="before", activation="relu"):
        hidden = 1 / (np.pi - 1)
        shared = place.bias_variance / (place.weight_variance / 2 * (1 - 1 / np.pi))
        assert place.gamma == pytest.approx(hidden + shared, rel=1e-9)
    for norm, placement in CELLS:
        ratios: dict[float, set[float]] = {}
        for place in chosen(places, norm=norm, placement=placement, activation="relu"):
            if norm in ("layer", "rms"):  # the ratio of the two variances alone counts
                ratios.setdefault(round(place.bias_variance / place.weight_variance, 12), set()).add(place.gamma)
        assert all(len({f"{gamma:.6g}" for gamma in same}) == 1 for same in ratios.values())


@every_cell
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_the_limit_is_where_the_map_goes(norm: str, placement: str, activation: str) -> None:
    for variances in (Variances(1.0, 0.1), Variances(3.0, 0.05)):
        found = isotropic.regime(norm, placement, activation, variances)
        deep = isotropic.correlations(norm, placement, activation, 400, variances)[-1]
        assert deep == pytest.approx(found.correlation, abs=1e-3 if found.correlation == 1 else 1e-8)


@pytest.mark.slow
@every_cell
def test_kernels_and_wide_networks_with_other_variances(norm: str, placement: str) -> None:
    """gamma of networks of width 300 by both theories: their own kernel, and isotropic data."""
    variances, depth = Variances(1.3, 0.2), 3
    data = load("gaussian", points=100).x
    net = MLP(norm, placement, depth, 300, "tanh", weight_variance=variances.weight, bias_variance=variances.bias)
    sampled = sample_mlps(data, [net], 300, seed=0)[0]
    found = sampled.mean_var.mean(axis=1) / sampled.expected_var.mean(axis=1)
    of_kernel = [
        kernel.gamma(k) for k in kernel.output_kernels(data.numpy(), norm, placement, "tanh", depth, variances)
    ]
    np.testing.assert_allclose(found, of_kernel, rtol=0.1)
    isotropic_data = isotropic.gammas(norm, placement, "tanh", depth, variances)
    np.testing.assert_allclose(of_kernel, isotropic_data, rtol=0.1)
    he = isotropic.gammas(norm, placement, "tanh", depth)
    assert not np.allclose(found, he, rtol=0.5)  # it can fail


def test_the_grid_has_the_corners(places: list[Place]) -> None:
    assert BIAS_VARIANCES[0] == 0
    assert len(places) == 7 * 2 * 29 * 13
