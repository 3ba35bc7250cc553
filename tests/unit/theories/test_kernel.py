"""Kernels on real digits against wide random networks, and what they say about guesses."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from normplace.data.datasets import load
from normplace.networks.activations import ACTIVATIONS
from normplace.networks.architecture import MLP, PLACEMENTS
from normplace.networks.norms import NORMS, halves
from normplace.networks.random import network_generator
from normplace.sampling.mlps import sample_mlps
from normplace.statistics import Array, interval
from normplace.theories import isotropic as theory
from normplace.theories import kernel
from normplace.theories.duals import dual
from tests.cells import CELLS, every_cell
from tests.gammas import bootstrap_gamma, gamma

POINTS, WIDTH, DEPTH = 40, 1000, 2
BATCH_ERROR = {
    "before": 0.1,
    "after": 0.3,
}  # relative, of the approximate kernel; measured, and stated in `kernel`


@pytest.fixture(scope="module")
def x() -> np.ndarray:
    return load("digits", points=POINTS).x.flatten(1).numpy()


def sampled_kernels(x: np.ndarray, spec: MLP, draws: int) -> Iterator[Array]:
    """2 h h'/width of random networks' last hidden layer, the outputs' covariance, as nn.Modules would compute it."""
    norm, activation = NORMS[spec.norm].operation, ACTIVATIONS[spec.activation].module()
    assert norm is not None
    for index in range(draws):
        generator = network_generator(11, index)
        h = torch.from_numpy(x).unsqueeze(0)
        for _ in range(spec.depth):
            h = h @ torch.randn(h.shape[2], spec.width, generator=generator) * (2 / h.shape[2]) ** 0.5
            h = norm(h) if spec.placement == "before" else h
            h = activation(h)
            h = norm(h) if spec.placement == "after" else h
        yield (2 * h[0] @ h[0].T / spec.width).double().numpy()


def error(found: Array, expected: Array) -> float:
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


@pytest.mark.slow
@every_cell
def test_kernels_match_wide_networks_and_the_error_shrinks_with_draws(norm: str, placement: str, x: np.ndarray) -> None:
    spec = MLP(norm, placement, DEPTH, WIDTH)
    *_, expected = kernel.output_kernels(x, norm, placement, "relu", DEPTH)
    draws = np.array(list(sampled_kernels(x, spec, 64)))
    few = np.mean([error(chunk.mean(axis=0), expected) for chunk in draws.reshape(16, 4, POINTS, POINTS)])
    many = error(draws.mean(axis=0), expected)
    # Sixteen times the draws divide the statistical error by four. What remains is of order 1/width, and for
    # batch norm the error of the average over its nodes, about sqrt(2 / 4096) an entry and layer.
    floor = 0.05 if norm == "batch" else 0.005
    assert many < few / 4 * 1.6 + floor
    assert many < few
    # A wrong placement is far outside the tolerance.
    if norm in ("batch", "layer"):
        other = "after" if placement == "before" else "before"
        *_, wrong = kernel.output_kernels(x, norm, other, "relu", DEPTH)
        assert error(draws.mean(axis=0), wrong) > 5 * (many + floor)


def one_deviation_for_all_nodes(x: np.ndarray, placement: str, depth: int) -> Array:
    """The simple kernel of batch norm: P K P / (tr(PKP)/n) after or before the arc-cosine map."""

    def normalised(k: Array) -> Array:
        centred = k - k.mean(axis=0) - k.mean(axis=1)[:, None] + k.mean()
        return centred / (np.trace(centred) / len(centred))

    k = x.astype(np.float64) @ x.T.astype(np.float64)
    for _ in range(depth):
        k = normalised(k) if placement == "before" else k
        v = np.diag(k)
        rho = np.clip(k / np.sqrt(np.outer(v, v)), -1, 1)
        k = dual(ACTIVATIONS["relu"]).product(v[:, None], v[None, :], rho)
        k = normalised(k) if placement == "after" else k
    return k


def test_batch_norm_where_many_directions_share_the_variance_needs_one_deviation_only() -> None:
    x = load("gaussian", points=200).x.numpy()
    for placement in ("before", "after"):
        *_, found = kernel.output_kernels(x, "batch", placement, "relu", DEPTH)
        simple = one_deviation_for_all_nodes(x, placement, DEPTH)
        assert kernel.gamma(found) == pytest.approx(kernel.gamma(simple), rel=0.03, abs=1e-6)
        assert kernel.guess_fraction_std(found) == pytest.approx(kernel.guess_fraction_std(simple), rel=0.03)


@pytest.mark.slow
def test_batch_norm_on_images_when_deep() -> None:
    """Wide networks agree with the average over nodes at depth 60; the simple kernel has long gone wrong there."""
    depth, x = 60, load("patches", points=100, classes="all").x.flatten(1)
    sampled = sample_mlps(x, [MLP("batch", "before", depth, width=400, classes=10)], 24, seed=0)[0]
    measured = gamma(sampled.output_mean, sampled.output_var)[-1]
    low, high = interval(bootstrap_gamma(sampled.output_mean, sampled.output_var, 500, seed=0))
    *_, last = kernel.output_kernels(x.numpy(), "batch", "before", "relu", depth)
    tolerance = high[-1] - low[-1]
    assert abs(kernel.gamma(last) - measured) < tolerance
    assert abs(kernel.gamma(one_deviation_for_all_nodes(x.numpy(), "before", depth)) - measured) > tolerance


@pytest.mark.slow
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_kernels_of_every_activation(activation: str, x: np.ndarray) -> None:
    spec = MLP("layer", "after", DEPTH, WIDTH, activation)
    *_, expected = kernel.output_kernels(x, "layer", "after", activation, DEPTH)
    found = np.mean(list(sampled_kernels(x, spec, 64)), axis=0)
    # 64 networks of width 1000: relative error of each entry about sqrt(2 / 64,000), more in the mean's direction.
    assert error(found, expected) < 0.02


def test_isotropic_points_reproduce_the_scalar_theory() -> None:
    """Orthogonal points of equal norm have correlation 0; a kernel's gamma differs by the 1/n of its diagonal."""
    n = 400
    x = np.eye(n, dtype=np.float32) * n**0.5
    for norm, placement in CELLS:
        *_, last = kernel.output_kernels(x, norm, placement, "relu", 5)
        rho = theory.correlations(norm, placement, "relu", 5)[-1]
        off_diagonal = last[0, 1] / last[0, 0]
        if norm == "batch" and placement == "after":
            assert kernel.gamma(last) < 1e-9  # float32 sums of nodes
            continue
        if norm == "batch":
            assert kernel.gamma(last) == pytest.approx(rho / (1 - rho), rel=0.03)
            continue
        assert off_diagonal == pytest.approx(rho, abs=3 / n)
        mean = rho + (1 - rho) / n
        assert kernel.gamma(last) == pytest.approx(mean / (1 - mean), rel=5 / n, abs=5 / n)


def test_gamma_of_simple_kernels() -> None:
    assert kernel.gamma(np.eye(50)) == pytest.approx(1 / 49)
    assert kernel.gamma(0.5 + 0.5 * np.eye(2)) == pytest.approx(3.0)
    centred = np.eye(50) - 1 / 50
    assert kernel.gamma(centred) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_drawn_guess_fractions_have_the_exact_standard_deviation(classes: int, x: np.ndarray) -> None:
    for norm, placement in CELLS:
        *_, last = kernel.output_kernels(x, norm, placement, "relu", 3)
        drawn = kernel.draw_guess_fractions(last, classes, 4000, seed=0)
        assert drawn.shape == (4000, classes)
        np.testing.assert_allclose(drawn.sum(axis=1), 1, rtol=1e-6)
        expected = kernel.guess_fraction_std(last, classes)
        # A variance of n values has a standard error of sqrt((kurtosis - 1) / n), a deviation half of that.
        error = ((((drawn[:, 0] - drawn[:, 0].mean()) / drawn[:, 0].std()) ** 4).mean() - 1) ** 0.5 / 2 / 4000**0.5
        assert float(drawn[:, 0].std()) == pytest.approx(expected, rel=4 * float(error))
        assert drawn[:, 0].mean() == pytest.approx(1 / classes, abs=4 * expected / 4000**0.5)


def test_drawn_guess_fractions_for_more_classes(x: np.ndarray) -> None:
    (first,) = kernel.output_kernels(x, "none", "none", "relu", 1)
    drawn = kernel.draw_guess_fractions(first, 5, 2500, seed=1)
    np.testing.assert_allclose(drawn.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(drawn.mean(axis=0), 0.2, atol=4 * 0.4 / 2500**0.5)
    assert np.array_equal(drawn, kernel.draw_guess_fractions(first, 5, 2500, seed=1))
    assert not np.array_equal(drawn, kernel.draw_guess_fractions(first, 5, 2500, seed=2))


@pytest.mark.slow
@pytest.mark.parametrize("placement", PLACEMENTS)
@pytest.mark.parametrize("half", halves())
def test_kernels_of_halves_match_wide_networks(half: str, placement: str, x: np.ndarray) -> None:
    spec = MLP(half, placement, DEPTH, WIDTH)
    *_, expected = kernel.output_kernels(x, half, placement, "relu", DEPTH)
    found = np.mean(list(sampled_kernels(x, spec, 64)), axis=0)
    assert error(found, expected) < (0.06 if half == "batch-scaling" else 0.03)
    other = "after" if placement == "before" else "before"
    *_, wrong = kernel.output_kernels(x, half, other, "relu", DEPTH)
    assert error(found, wrong) > 0.1
