"""How often the intervals of gamma hold it: networks drawn again from thousands, whose gamma is then the truth."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from normplace import statistics
from normplace.data.datasets import load
from normplace.networks.architecture import MLP
from normplace.sampling.mlps import InitialGuesses, sample_mlps
from normplace.statistics import Array

POOL, REPEATS = 2000, 600
CELLS = [("none", "none"), ("layer", "before"), ("layer", "after"), ("batch", "before")]  # BatchNorm after has gamma 0


@cache
def pool(norm: str, placement: str, classes: int) -> InitialGuesses:
    x = load("digits", points=40).x.flatten(1)
    return sample_mlps(x, [MLP(norm, placement, 20, width=50, classes=classes)], POOL, seed=0)[0]


def coverage(
    of: Callable[[Array, Array], statistics.Estimate[float]],
    numerators: Array,
    denominators: Array,
    truth: float,
    networks: int,
) -> tuple[float, float]:
    """How often intervals of so many networks hold the truth, and the standard error that it has where it is 95 %."""
    random, held = np.random.default_rng(networks), []
    for _ in range(REPEATS):
        drawn = random.integers(POOL, size=networks)
        found = of(numerators[drawn], denominators[drawn])
        held.append(found.low <= truth <= found.high)
    return float(np.mean(held)), float((0.95 * 0.05 / REPEATS) ** 0.5)


@pytest.mark.slow
@pytest.mark.parametrize("networks", [12, 40, 150, 260, 400])
@pytest.mark.parametrize("cell", CELLS, ids="-".join)
def test_intervals_of_averaged_readouts_hold_gamma(cell: tuple[str, str], networks: int) -> None:
    """Nominal 95 %, also without a norm, where numbers are log-normal and few networks lack the largest."""
    of = pool(*cell, 2)
    mean, variance = of.mean_var[-1].astype(float), of.expected_var[-1].astype(float)
    share, error = coverage(statistics.interval_of_ratio, mean, variance, mean.mean() / variance.mean(), networks)
    assert 0.93 - error < share < 0.97 + 2 * error


@pytest.mark.slow
@pytest.mark.parametrize("networks", [12, 40, 150, 260, 400])
@pytest.mark.parametrize("classes", [2, 10])
@pytest.mark.parametrize("cell", CELLS, ids="-".join)
def test_intervals_of_drawn_outputs_hold_gamma(cell: tuple[str, str], classes: int, networks: int) -> None:
    of = pool(*cell, classes)
    mean, variance = of.output_mean[-1], of.output_var[-1]
    truth = statistics.gamma_of_outputs(mean, variance).value * (POOL - 1) / POOL
    share, error = coverage(statistics.gamma_of_outputs, mean, variance, truth, networks)
    assert 0.92 - error < share < 0.98 + error


def test_upper_ends_of_drawn_outputs_are_of_use() -> None:
    """Squares of normal numbers are not taken for log-normal ones, whose mean may lie far above them."""
    random, ends = np.random.default_rng(0), []
    for _ in range(200):
        found = statistics.gamma_of_outputs(random.standard_normal((20, 2)), np.ones((20, 2)))
        ends.append(found.high / found.value)
    assert np.median(ends) < 2.2
