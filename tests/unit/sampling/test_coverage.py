"""How often the intervals of gamma hold it: networks drawn again from thousands, whose gamma is then the truth."""

from functools import cache

import numpy as np
import pytest

from normplace import statistics
from normplace.data.datasets import load
from normplace.networks.architecture import MLP
from normplace.sampling.mlps import InitialGuesses, sample_mlps

POOL, REPEATS = 2000, 600
CELLS = [("none", "none"), ("layer", "before"), ("layer", "after"), ("batch", "before")]  # BatchNorm after has gamma 0


@cache
def pool(norm: str, placement: str, classes: int) -> InitialGuesses:
    x = load("digits", points=40).x.flatten(1)
    return sample_mlps(x, [MLP(norm, placement, 20, width=50, classes=classes)], POOL, seed=0)[0]


def coverage(held: list[bool]) -> tuple[float, float]:
    """The share, and the standard error that it has where it is 95 %."""
    return float(np.mean(held)), float((0.95 * 0.05 / len(held)) ** 0.5)


@pytest.mark.slow
@pytest.mark.parametrize("networks", [12, 40, 150, 400])
@pytest.mark.parametrize("cell", CELLS, ids="-".join)
def test_intervals_of_averaged_readouts_hold_gamma(cell: tuple[str, str], networks: int) -> None:
    """Nominal 95 %. Without a norm sums of log-normal numbers need more networks: docs/theory.md says how many."""
    of, random = pool(*cell, 2), np.random.default_rng(networks)
    mean, variance = of.mean_var[-1].astype(float), of.expected_var[-1].astype(float)
    truth, held = mean.mean() / variance.mean(), []
    for _ in range(REPEATS):
        drawn = random.integers(POOL, size=networks)
        found = statistics.interval_of_ratio(mean[drawn], variance[drawn])
        held.append(found.low <= truth <= found.high)
    share, error = coverage(held)
    least = {12: 0.76, 40: 0.84, 150: 0.9, 400: 0.92}[networks] if cell == ("none", "none") else 0.93
    assert least - 2 * error < share < 0.97 + 2 * error


@pytest.mark.slow
@pytest.mark.parametrize("networks", [12, 40, 150, 400])
@pytest.mark.parametrize("classes", [2, 10])
@pytest.mark.parametrize("cell", [("layer", "before"), ("layer", "after"), ("batch", "before")], ids="-".join)
def test_intervals_of_drawn_outputs_hold_gamma(cell: tuple[str, str], classes: int, networks: int) -> None:
    of, random = pool(*cell, classes), np.random.default_rng(networks)
    mean, variance = of.output_mean[-1], of.output_var[-1]
    truth, held = statistics.gamma_of_outputs(mean, variance).value * (POOL - 1) / POOL, []
    for _ in range(REPEATS):
        drawn = random.integers(POOL, size=networks)
        found = statistics.gamma_of_outputs(mean[drawn], variance[drawn])
        held.append(found.low <= truth <= found.high)
    share, error = coverage(held)
    assert 0.91 - 2 * error < share < 0.98 + 2 * error
