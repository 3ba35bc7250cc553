"""gamma of decoders at infinite width: against a loop over pairs of positions, wide networks, and closed forms."""

import math
from functools import cache

import numpy as np
import pytest
import torch
from scipy.special import ndtr

from normplace.measuring.measure import measure
from normplace.networks.language import CELLS, decoder
from normplace.networks.language.modules import STD
from normplace.statistics import Array
from normplace.theories.decoder import gamma_of_decoder

TOKENS = np.array([[3, 1, 2], [1, 1, 3], [2, 3, 1]])


@cache
def gelu_dual(first: float, second: float, covariance: float) -> float:
    """E gelu(x) gelu(y) for variances of x and y, by a product rule of its own."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    rho = min(covariance / math.sqrt(first * second), 1.0)
    x = math.sqrt(first) * nodes[:, None]
    y = math.sqrt(second) * (rho * nodes[:, None] + math.sqrt(1 - rho**2) * nodes)
    return float((weights[:, None] * weights * x * ndtr(x) * y * ndtr(y)).sum() / (2 * math.pi))


def by_loops(tokens: Array, width: int, depth: int) -> float:
    """LayerNorm before, GPT-2's kind, one number after the other."""
    n, positions = tokens.shape
    places = [(i, p) for i in range(n) for p in range(positions)]
    k = {(a, b): STD**2 * (float(tokens[a] == tokens[b]) + (a[1] == b[1])) for a in places for b in places}

    def normalised(k: dict) -> dict:
        return {(a, b): of / math.sqrt((k[a, a] + 1e-5) * (k[b, b] + 1e-5)) for (a, b), of in k.items()}

    for _ in range(depth):
        c = normalised(k)
        for (i, p), (j, q) in k:
            seen = [c[(i, s), (j, t)] for s in range(p + 1) for t in range(q + 1)]
            k[(i, p), (j, q)] += STD**4 * width**2 / (2 * depth) * float(np.mean(seen))
        c = normalised(k)
        for a, b in k:
            first, second, both = (STD**2 * width * of for of in (c[a, a], c[b, b], c[a, b]))
            k[a, b] += 4 * width * STD**2 / (2 * depth) * gelu_dual(first, second, both)
    k = normalised(k)
    last = [[k[(i, positions - 1), (j, positions - 1)] for j in range(n)] for i in range(n)]
    mean = float(np.mean(last))
    return mean / (float(np.trace(last)) / n - mean)


def test_it_is_a_loop_over_pairs_of_positions() -> None:
    assert gamma_of_decoder(TOKENS, "gpt", "layer", "before", 2, 64, STD) == pytest.approx(
        by_loops(TOKENS, 64, 2), rel=1e-6
    )


def test_without_blocks_it_is_that_of_tokens_and_positions() -> None:
    """Weights so small that blocks add nothing: m = s^2 ([same token] + 1), tr = 2 s^2, whatever the norm."""
    same = np.mean(TOKENS[:, -1][:, None] == TOKENS[:, -1])
    for cell in CELLS:
        norm, _, placement = cell.partition("-")
        for style, position in (("gpt", 1), ("llama", 0)):
            found = gamma_of_decoder(TOKENS, style, norm, placement or "none", 2, 4, 1e-4)
            expected = (same + position) / (1 + position - same - position)
            # LayerNorm's eps is larger than these variances, but the same for all of them.
            assert found == pytest.approx(expected, rel=1e-3), (cell, style)


@pytest.mark.slow
@pytest.mark.parametrize("style", ["gpt", "llama"])
@pytest.mark.parametrize("cell", ["none", "layer-before", "rms-after"])
def test_wide_networks_tend_to_it(style: str, cell: str) -> None:
    tokens = torch.randint(20, (30, 6), generator=torch.Generator().manual_seed(0))
    found = measure(lambda: decoder(cell, 2, 256, 20, style=style, length=8), tokens, 60)
    assert found.batch.theory is not None
    assert found.batch.gamma.value == pytest.approx(found.batch.theory, rel=0.06)
    twisted = gamma_of_decoder(
        tokens.flip(1).numpy() // 4, style, *spec(cell), 2, 256, STD
    )  # other tokens: it can fail
    assert found.batch.gamma.value != pytest.approx(twisted, rel=0.06)


def spec(cell: str) -> tuple[str, str]:
    norm, _, placement = cell.partition("-")
    return norm, placement or "none"


def test_other_models_have_no_theory() -> None:
    x = torch.randn(20, 8, generator=torch.Generator().manual_seed(0))
    assert measure(lambda: torch.nn.Linear(8, 3), x, 4).batch.theory is None
