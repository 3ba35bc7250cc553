"""Networks for images in training: the two kinds of batch statistics, a plain PyTorch loop, gradients by class."""

from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from normplace.data.datasets import load
from normplace.data.vision import import_torchvision
from normplace.networks.images import image_network
from normplace.networks.modules import evaluating, initialise
from normplace.networks.random import network_generator
from normplace.training.evaluations import Points, gradient_norms
from normplace.training.plan import Plan
from normplace.training.runs import train_runs
from tests.images import drawn


def test_training_knows_the_two_kinds_of_batch_statistics_of_images(images: torch.Tensor) -> None:
    points = Points(images, (images.mean(dim=(1, 2, 3)) > 0).long())
    build = partial(image_network, "cnn", "batch", "before", (1, 8, 8), 2)
    rows = train_runs(build, points, points, Plan("adam", 1e-3, 35, epochs=2, runs=1))
    batch, running = ([row["loss"] for row in rows if row["bn_statistics"] == kind] for kind in ("batch", "running"))
    assert len(batch) == len(running) > 2
    assert batch[-1] < batch[0]
    assert not np.allclose(batch, running)


CLIP, DECAY, RATE, EPOCHS, BATCH, IMAGES = 0.002, 0.05, 3e-3, 6, 20, 70


@pytest.mark.slow
@pytest.mark.parametrize("placement", ["before", "after"])
def test_resnet9_is_trained_as_by_a_plain_pytorch_loop(placement: str, images: torch.Tensor) -> None:
    """Adam with weight decay, clipping, crops, flips and the schedule, by torch's and torchvision's own functions."""
    labels = load("digits", points=IMAGES).y
    images = images.double()  # in float32, rounding grows by a hundredth in 24 steps

    def build() -> nn.Module:
        return image_network("resnet9", "batch", placement, (1, 8, 8), 2, 4).double()

    plan = Plan(
        "adam", RATE, BATCH, EPOCHS, runs=1, seed=5, schedule="power", weight_decay=DECAY, clip=CLIP, augment=True,
        evaluated=50,
    )  # fmt: skip
    rows = train_runs(build, Points(images, labels), Points(images[:30], labels[:30]), plan)
    transforms = import_torchvision().transforms.functional
    network = build()
    initialise(network, network_generator(5, 0))
    adam = torch.optim.Adam(network.parameters(), lr=RATE, weight_decay=DECAY)
    order = network_generator(5, 2**31)
    expected, step, clipped = {}, 0, 0

    def loss_of_batch_statistics() -> float:
        with torch.no_grad(), evaluating(network, "batch"):
            return float(F.cross_entropy(network(images[:50]), labels[:50]))

    for epoch in range(EPOCHS):
        permutation = torch.randperm(IMAGES, generator=order)
        down, right = torch.randint(9, (2, IMAGES), generator=order).tolist()
        flipped = (torch.rand(IMAGES, generator=order) < 0.5).tolist()
        adam.param_groups[0]["lr"] = plan.rate(epoch)
        for batch in permutation.split(BATCH):
            expected[step] = loss_of_batch_statistics()
            cut = []
            for at in batch.tolist():
                image = transforms.crop(
                    transforms.pad(images[at], 4, padding_mode="reflect"), down[at], right[at], 8, 8
                )
                cut.append(transforms.hflip(image) if flipped[at] else image)
            adam.zero_grad()
            F.cross_entropy(network(torch.stack(cut)), labels[batch]).backward()
            clipped += max(float(p.grad.abs().max()) for p in network.parameters() if p.grad is not None) > CLIP
            nn.utils.clip_grad_value_(network.parameters(), CLIP)
            adam.step()
            step += 1
    expected[step] = loss_of_batch_statistics()
    assert clipped > 0
    chosen = [row for row in rows if row["split"] == "train" and row["bn_statistics"] == "batch"]
    assert len(chosen) > 10
    # In the second epoch a gradient that is nothing but rounding may turn its sign, which Adam makes a whole step of.
    for row in chosen:
        tolerance = 1e-9 if row["epoch"] < 1.5 else 0.05
        assert row["loss"] == pytest.approx(expected[int(row["step"])], rel=tolerance)
    assert abs(float(chosen[-1]["loss"]) - float(chosen[0]["loss"])) > 0.02


def test_gradients_of_the_favoured_class_and_the_others_by_layer(images: torch.Tensor) -> None:
    labels = load("digits", points=70).y
    network = drawn("vit", "layer", "before", (1, 8, 8)).double()
    x = images.double()
    norms = gradient_norms(network, network(x), labels, majority=1)
    weights = [module.weight for module in network.modules() if isinstance(module, nn.Linear)]
    assert len(norms) == 2 * len(weights)
    for side, chosen in (("majority", labels == 1), ("minority", labels == 0)):
        network.zero_grad()
        F.cross_entropy(network(x)[chosen], labels[chosen]).backward()
        for layer, weight in enumerate(weights, start=1):
            assert norms[f"gradient_norm_{side}_{layer}"] == pytest.approx(float(weight.grad.norm()), rel=1e-9)
