"""Residual blocks, before and after which a norm may stand, beside their infinite-width theory."""

from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from normplace.data.datasets import load
from normplace.networks.activations import ACTIVATIONS
from normplace.networks.blocks import feed_forward, residual
from normplace.networks.images import image_network
from normplace.networks.products import Linear
from normplace.sampling.images import sample_images
from normplace.statistics import interval
from normplace.theories.duals import dual
from tests.gammas import bootstrap_gamma, gamma

# Residual blocks of MLPs at infinite width. Points have the kernel K; a branch of He-normal weights and GELU adds
# 2 k(2 K), with k GELU's dual; either norm scales K to a diagonal of 1 (LayerNorm centres nodes that have mean 0).


def scaled(kernel: np.ndarray) -> np.ndarray:
    return kernel / np.sqrt(np.outer(np.diag(kernel), np.diag(kernel)))


def gamma_of_blocks(kernel: np.ndarray, placement: str, depth: int) -> float:
    def branch(of: np.ndarray) -> np.ndarray:
        variance = np.broadcast_to(2 * np.diag(of), of.shape)
        return 2 * dual(ACTIVATIONS["gelu"]).product(variance, variance.T, np.clip(scaled(of), -1, 1))

    for _ in range(depth):
        kernel = kernel + branch(scaled(kernel) if placement == "before" else kernel)
        kernel = scaled(kernel) if placement == "after" else kernel
    m = kernel.mean()
    return float(m / (np.trace(kernel) / len(kernel) - m))


def blocks(norm: str, placement: str, depth: int) -> nn.Module:
    halves = [residual(feed_forward(100, 200), 100, norm=norm, placement=placement) for _ in range(depth)]
    return nn.Sequential(*halves, Linear(100, 4))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("norm", "placement"), [("none", "none"), *((norm, at) for norm in ("layer", "rms") for at in ("before", "after"))]
)
def test_gamma_of_residual_blocks_is_the_theorys(norm: str, placement: str) -> None:
    depth = 6
    x = torch.randn(30, 100, generator=torch.Generator().manual_seed(0))
    found = sample_images(partial(blocks, norm, placement, depth), x, 120, seed=0)
    expected = {at: gamma_of_blocks((x @ x.T / 100).numpy(), at, depth) for at in ("none", "before", "after")}
    error = bootstrap_gamma(found.output_mean, found.output_var, 500, seed=0).std()
    deviations = {
        at: abs(gamma(found.output_mean, found.output_var)[0] - value) / error for at, value in expected.items()
    }
    assert deviations.pop(placement) < 4
    assert min(deviations.values()) > 4  # and no other placement's


@pytest.mark.parametrize("norm", ["layer", "rms"])
@pytest.mark.slow
def test_a_post_norm_vit_is_more_prejudiced_than_a_pre_norm_one(norm: str) -> None:
    """As in the theory of blocks: the input's share of a pre-norm stream falls slowly, of a post-norm one by a factor
    a block.
    """
    x = load("digits", points=64).x
    intervals = []
    for placement in ("before", "after"):
        found = sample_images(partial(image_network, "vit", norm, placement, (1, 8, 8), 10), x, 120, seed=0)
        intervals.append(interval(bootstrap_gamma(found.output_mean, found.output_var, 500, seed=0)))
    assert intervals[0][1] < intervals[1][0]
