"""Sampling networks for images: against a plain loop, and averages over output layers against drawn outputs."""

import pickle
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from normplace import statistics
from normplace.networks.architecture import HE
from normplace.networks.images import IMAGE_NETWORKS, image_network
from normplace.networks.modules import batch_norms, evaluating, initialise
from normplace.networks.random import network_generator
from normplace.sampling import images as image_sampling
from normplace.sampling.images import sample_images, sample_part
from tests.images import CELLS, drawn

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


SAMPLED = [cell for cell in CELLS if cell[0] == "cnn"] + [("resnet9", "batch", "after"), ("vit", "layer", "after")]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "norm", "placement"), SAMPLED)
def test_the_sampler_against_a_plain_loop(
    name: str, norm: str, placement: str, images: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_sampling, "CPU_PIXELS", 32 * 64)  # without BatchNorm 32, 32 and 6 points
    build = partial(image_network, name, norm, placement, (1, 8, 8), 3)
    found = sample_images(build, images, 3, seed=5)
    for index in range(3):
        network = build()
        initialise(network, network_generator(5, index))
        with torch.no_grad():
            outputs = network.train()(images).double()  # all points at once
        mean, variance = outputs.mean(0), outputs.var(0, correction=0)
        np.testing.assert_allclose(found.output_mean[0, index], mean, rtol=1e-4, atol=1e-4 * float(outputs.std()))
        np.testing.assert_allclose(found.output_var[0, index], variance, rtol=1e-4)
        counts = torch.bincount(outputs.argmax(1), minlength=3) / len(images)
        near = np.diff(np.sort(outputs, axis=1)[:, 1:]).min() < 1e-4 * float(outputs.std())
        np.testing.assert_allclose(found.guess_fraction[0, index], counts, atol=1.01 / len(images) if near else 1e-7)
    for array in found:
        assert array.shape[:2] == (1, 3)
        assert array.dtype == np.float32


def test_same_seed_same_bytes_wherever_a_network_is_computed(images: torch.Tensor) -> None:
    build = partial(image_network, "cnn", "batch", "before", (1, 8, 8), 2)
    whole = sample_images(build, images, 40, seed=3)
    there = pickle.loads(pickle.dumps(partial(sample_part, build, images.numpy(), 3, HE, "cpu")))  # as processes get it
    for array, part in zip(whole, *there(range(7, 9)), strict=True):
        assert array[:, 7:9].tobytes() == part.tobytes()
    assert not np.isin(whole.output_mean, sample_images(build, images, 40, seed=4).output_mean).any()


@pytest.mark.parametrize("placement", ["before", "after"])
def test_batch_norm_uses_all_points_and_keeps_its_running_statistics(placement: str, images: torch.Tensor) -> None:
    network = drawn("cnn", "batch", placement, (1, 8, 8))
    network(images)  # moves them once
    before = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    sample_images(lambda: network, images, 1, seed=0)
    norms = batch_norms(network)
    assert len(norms) == 3
    assert all(norm.num_batches_tracked == 0 for norm in norms)  # drawn afresh, and not moved by the evaluation
    network.load_state_dict(before)
    with evaluating(network, "batch"):
        batch = network(images)
    assert all(torch.equal(before[key], tensor) for key, tensor in network.state_dict().items())
    with evaluating(network, "running"):
        running = network(images)
    assert torch.equal(running, network.eval()(images))
    assert not torch.allclose(batch, running, rtol=0.1)
    seen: list[torch.Tensor] = []
    norms[0].register_forward_hook(lambda module, inputs, outputs: seen.append(outputs.clone()))
    sample_images(lambda: network, images, 1, seed=0)
    assert [len(points) for points in seen] == [2, len(images)]  # to find the output layer, and all at once
    variance, mean = torch.var_mean(seen[1], dim=(0, 2, 3), correction=0)
    torch.testing.assert_close(mean, torch.zeros(32), rtol=0, atol=1e-5)
    torch.testing.assert_close(variance, torch.ones(32), rtol=1e-3, atol=0)
