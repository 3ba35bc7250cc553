"""The exact kernel of BatchNorm before a homogeneous activation: quadrature, averages over nodes, wide networks."""

import numpy as np
import pytest
from scipy.integrate import dblquad

from normplace.data.datasets import load
from normplace.networks.activations import ACTIVATIONS
from normplace.networks.architecture import MLP
from normplace.networks.norms import EPS, NORMS
from normplace.statistics import Array
from normplace.theories import kernel, simulated
from normplace.theories.duals import dual
from normplace.theories.theory import theory

PIECEWISE_LINEAR = [name for name, phi in ACTIVATIONS.items() if phi.negative_slope is not None]


def gammas(x: np.ndarray, depth: int) -> Array:
    return np.array([kernel.gamma(k) for k in kernel.output_kernels(x, "batch", "before", "relu", depth)])


@pytest.mark.slow
@pytest.mark.parametrize("activation", PIECEWISE_LINEAR)
@pytest.mark.parametrize("scale", [1.0, 0.01])  # with the second one eps is a tenth of the variance
def test_three_points_by_brute_force(activation: str, scale: float) -> None:
    """Three centred points have two directions: a node is a point of the plane, and its average an integral over it."""
    x = scale * np.array([[1.0, 0.2], [-0.3, 1.1], [0.4, -0.7]])
    centred = (x - x.mean(axis=0)) @ (x - x.mean(axis=0)).T
    values, vectors = np.linalg.eigh(centred)
    factor = vectors[:, 1:] * np.sqrt(values[1:])
    phi = ACTIVATIONS[activation].function

    def integrand(turn: float, radius: float, i: int, j: int) -> float:
        z = factor @ (radius * np.array([np.cos(turn), np.sin(turn)]))
        normalised = phi(z / np.sqrt(z @ z / 3 + EPS))
        return float(normalised[i] * normalised[j] * radius * np.exp(-(radius**2) / 2) / (2 * np.pi))

    found = kernel._batch_kernel(centred, dual(ACTIVATIONS[activation]))
    for i, j in ((0, 0), (0, 1), (1, 2)):
        expected = dblquad(integrand, 0, 9, 0, 2 * np.pi, args=(i, j), epsabs=1e-5, epsrel=1e-5)[0]
        assert found[i, j] == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize("name", ["patches", "gaussian", "line"])
def test_twice_the_nodes_of_the_integral_change_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also for points on a line, whose nodes' deviations differ most."""
    x = np.random.default_rng(0).standard_normal((60, 1)) if name == "line" else load(name, points=60).x.numpy()
    few = gammas(x, 20)
    monkeypatch.setattr(kernel, "LAGUERRE", 2 * kernel.LAGUERRE)
    assert np.abs(gammas(x, 20) - few).max() < 2e-5
    monkeypatch.setattr(kernel, "LAGUERRE", 1)
    if name == "line":  # it can fail
        assert np.abs(gammas(x, 20) - few).max() > 1e-3


@pytest.mark.slow
def test_the_average_over_nodes_tends_to_the_integral_as_one_over_nodes() -> None:
    x = load("patches", points=30).x.numpy()
    exact, kind, relu = gammas(x, 4)[-1], NORMS["batch"], ACTIVATIONS["relu"]

    def bias(nodes: int, repeats: int) -> tuple[float, float]:
        found = []
        for repeat in range(repeats):
            k, generator = kernel.input_kernel(x), np.random.default_rng(repeat)
            for _ in range(4):
                k = kernel._averaged_kernel(2 * k, kind, "before", relu, nodes, generator)
            found.append(kernel.gamma(k))
        return nodes * (np.mean(found) - exact), nodes * np.std(found) / repeats**0.5

    (coarse, error), (fine, finer_error) = bias(50, 3000), bias(200, 1500)
    assert abs(coarse) > 5 * error  # there is a bias to speak of
    assert fine == pytest.approx(coarse, abs=4 * np.hypot(error, finer_error) + 0.1 * abs(coarse))


def test_isotropic_points_have_the_closed_form() -> None:
    """In the limit of many points, to which finite numbers of them come as 1 / n."""
    few, many = (gammas(np.eye(n, dtype=np.float32) * n**0.5, 6) for n in (100, 200))
    np.testing.assert_allclose(2 * many - few, 1 / (np.pi - 1), rtol=1e-4)
    assert (np.abs(many * (np.pi - 1) - 1) > 2e-3).all()  # which is more than what is allowed above


def test_a_variance_far_below_eps_leaves_the_activation_alone() -> None:
    x = 1e-6 * load("patches", points=20).x.flatten(1).double().numpy()
    centred = kernel._centred(kernel.input_kernel(x))
    variance = np.diag(centred)
    rho = centred / np.sqrt(np.outer(variance, variance))
    expected = dual(ACTIVATIONS["relu"]).product(variance[:, None], variance[None, :], rho) / EPS
    np.testing.assert_allclose(kernel._batch_kernel(centred, dual(ACTIVATIONS["relu"])), expected, rtol=1e-4)


@pytest.mark.slow
def test_networks_extrapolated_to_infinite_width() -> None:
    """Of three widths, each twice the one before, 8/3 - 2 + 1/3 has lost the errors of order 1 and 2 in 1 / width."""
    x, depth = load("gaussian", points=60).x.numpy(), 8
    exact = gammas(x, depth)[-1]
    widths = {400: 60, 800: 40, 1600: 16}  # wider ones vary less
    found = [simulated.statistics(x, MLP("batch", "before", depth, w), n, w, False)[-1][0] for w, n in widths.items()]
    values, halves = (np.array([getattr(one, name) for one in found]) for name in ("value", "high"))
    weights = np.array([1 / 3, -2, 8 / 3])
    error = float(np.hypot.reduce(weights * (halves - values)))
    assert error < 0.02 * exact
    assert weights @ values == pytest.approx(exact, abs=1.5 * error)
    assert (np.diff(values) > 0).all()
    assert halves[-1] < exact  # a network of finite width is not there yet


@pytest.mark.slow
def test_the_mean_of_averages_is_that_of_many_more_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no formula: before GELU. The intervals are of four averages, and hold 95 in 100."""
    data = load("patches", points=30)
    monkeypatch.setattr(kernel, "BATCH_NODES", 400_000)
    many = [kernel.gamma(k) for k in kernel.output_kernels(data.x.numpy(), "batch", "before", "gelu", 4)]
    monkeypatch.undo()
    found = theory(MLP("batch", "before", 4, activation="gelu"), data, width=None)
    assert (found.gamma_error > 0).all()
    assert (found.gamma_error < 0.1 * found.gamma).all()
    assert (np.abs(found.gamma - many) < 2 * found.gamma_error).all()
