"""Averages over output layers of networks for images, against outputs that are drawn."""

from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from normplace import statistics
from normplace.networks.images import IMAGE_NETWORKS, image_network
from normplace.sampling.images import sample_images

INITS = 200


@pytest.mark.slow
@pytest.mark.parametrize(("name", "norm", "placement"), [("cnn", "none", "none"), ("vit", "layer", "after")])
def test_averages_are_those_of_outputs_drawn(name: str, norm: str, placement: str) -> None:
    x = torch.randn(40, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    width = 8 * IMAGE_NETWORKS[name].multiple
    guesses = sample_images(partial(image_network, name, norm, placement, (3, 8, 8), 10, width), x, INITS, 0)
    drawn = statistics.gamma_of_outputs(guesses.output_mean[0], guesses.output_var[0])
    averaged = statistics.interval_of_ratio(guesses.mean_var[0].astype(float), guesses.expected_var[0].astype(float))
    assert averaged.high / averaged.low < drawn.high / drawn.low
    error = np.log(drawn.high / drawn.low) / 4
    assert abs(np.log(averaged.value / drawn.value)) < 4 * error
    assert abs(np.log(1.5 * averaged.value / drawn.value)) > 4 * error  # it can fail
    # How often two points get the same guess, over all pairs of a network and by the angle between some.
    counts = guesses.guess_fraction[0].astype(float) * len(x)
    agreement = (counts**2).sum(axis=1) / len(x) ** 2
    difference = agreement - guesses.agreement[0]
    assert abs(difference.mean()) < 4 * difference.std() / INITS**0.5


def test_a_network_without_a_linear_output_is_refused() -> None:
    x = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    with pytest.raises(ValueError, match="not those of a linear layer"):
        sample_images(lambda: nn.Sequential(nn.Flatten(), nn.Linear(192, 4), nn.Softmax(1)), x, 2, 0)
