"""Networks in numpy against torch's: norms, statistics with the readout averaged, the histogram of G_0."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
import torch
from scipy.stats import ks_2samp

from normplace.data.datasets import load
from normplace.networks.architecture import MLP
from normplace.networks.norms import NORMS
from normplace.sampling.mlps import InitialGuesses, sample_mlps
from normplace.theories import kernel, simulated
from tests.cells import every_cell
from tests.gammas import bootstrap_gamma, gamma

DEPTH, WIDTH, POINTS = 6, 30, 80


@pytest.fixture(scope="module")
def x() -> torch.Tensor:
    return load("patches", points=POINTS).x.flatten(1)


@pytest.fixture(scope="module")
def sampled(x: torch.Tensor) -> Callable[[str, str], InitialGuesses]:
    """3000 networks of a cell, for two tests."""
    return cache(lambda norm, placement: sample_mlps(x, [MLP(norm, placement, DEPTH, WIDTH)], 3000, seed=1)[0])


@pytest.mark.parametrize("scale", [1.0, 0.005])
@pytest.mark.parametrize("name", [name for name, norm in NORMS.items() if norm.operation])
def test_norms_in_numpy_are_torchs(name: str, scale: float) -> None:
    """Also of values so small that eps, which not all norms have alike, decides."""
    values = (np.random.default_rng(0).standard_normal((20, 7), dtype=np.float32) * 2 + 1) * np.float32(scale)
    values[:, 3] = 0.5 * scale  # a node that is dead over the points
    operation = NORMS[name].operation
    assert operation
    expected = operation(torch.from_numpy(values.copy()).unsqueeze(0))[0].numpy()
    np.testing.assert_allclose(
        simulated.normalise(values, NORMS[name]), expected, rtol=1e-4, atol=1e-4 * abs(expected).max()
    )


@pytest.mark.slow
@every_cell
def test_averaged_readouts_are_what_sampled_networks_show(
    norm: str, placement: str, x: torch.Tensor, sampled: Callable[[str, str], InitialGuesses]
) -> None:
    """gamma and the deviation of G_0 at every depth, but for the chance of both."""
    net, networks = MLP(norm, placement, DEPTH, WIDTH), sampled(norm, placement)
    measured = gamma(networks.output_mean, networks.output_var)
    errors = bootstrap_gamma(networks.output_mean, networks.output_var, 200, seed=1).std(axis=0)
    deviations = networks.guess_fraction[:, :, 0].astype(float).std(axis=1, ddof=1)
    found = simulated.statistics(x.numpy(), net, 400, 0, False)
    for depth, (of_gamma, of_deviation) in enumerate(found):
        own = (of_gamma.high - of_gamma.low) / 4
        assert of_gamma.value == pytest.approx(measured[depth], abs=4.5 * float(np.hypot(own, errors[depth])) + 1e-6)
        chance = np.hypot((of_deviation.high - of_deviation.low) / 4, deviations[depth] / 6000**0.5)
        assert of_deviation.value == pytest.approx(deviations[depth], abs=4.5 * float(chance))


@pytest.mark.slow
@every_cell
def test_the_histogram_of_narrow_deep_networks(
    norm: str, placement: str, x: torch.Tensor, sampled: Callable[[str, str], InitialGuesses]
) -> None:
    fractions = sampled(norm, placement).guess_fraction[-1, :, 0]
    drawn = simulated.draw_guess_fractions(x.numpy(), MLP(norm, placement, DEPTH, WIDTH), 1000, 5000, seed=0)[:, 0]
    assert ks_2samp(np.round(fractions * POINTS), np.round(drawn * POINTS)).pvalue > 1e-3


@pytest.mark.slow
def test_the_histogram_of_infinite_width_is_another(x: torch.Tensor) -> None:
    """The negative control of the test above, where width matters most."""
    net = MLP("layer", "after", 20, WIDTH)
    sampled = sample_mlps(x, [net], 3000, seed=1)[0].guess_fraction[-1, :, 0]
    *_, last = kernel.output_kernels(x.numpy(), "layer", "after", "relu", 20)
    drawn = kernel.draw_guess_fractions(last, 2, 5000, seed=0)[:, 0]
    assert ks_2samp(np.round(sampled * POINTS), np.round(drawn * POINTS)).pvalue < 1e-6


def test_draws_of_ten_classes(x: torch.Tensor) -> None:
    drawn = simulated.draw_guess_fractions(x.numpy(), MLP("none", depth=2, classes=10), 50, 333, seed=0)
    assert drawn.shape == (333, 10)
    np.testing.assert_allclose(drawn.sum(axis=1), 1, rtol=1e-5)


@pytest.mark.slow
def test_dead_layers_of_narrow_networks_guess_the_first_class(x: torch.Tensor) -> None:
    net = MLP("none", depth=8, width=4)
    *_, (of_gamma, of_deviation) = simulated.statistics(x.numpy(), net, 1500, 0, False)
    sampled = sample_mlps(x, [net], 3000, seed=0)[0].agreement[-1]
    expected = (sampled.mean() / 2 - 1 / 4) ** 0.5
    chance = np.hypot((of_deviation.high - of_deviation.low) / 4, sampled.std() / 3000**0.5 / 4 / expected)
    assert of_gamma.value > 0
    assert of_deviation.value == pytest.approx(expected, abs=4.5 * float(chance))


@pytest.mark.slow
def test_guesses_on_some_of_the_points_are_as_spread_as_on_all(
    x: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each network is counted on other points: those of one choice alone would lie 5 % off, together."""
    net = MLP("layer", "after", 1)
    of_all = simulated.draw_guess_fractions(x.numpy(), net, 3000, 3000, seed=0)[:, 0].std()
    monkeypatch.setattr(simulated, "POINTS", len(x) // 2)
    of_some = simulated.draw_guess_fractions(x.numpy(), net, 3000, 3000, seed=0)[:, 0].std()
    assert of_some == pytest.approx(of_all, rel=0.04)
