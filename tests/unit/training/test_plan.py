"""What is refused before training, and the learning rate by epoch."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from normplace.errors import UserError
from normplace.networks.architecture import Variances
from normplace.training import optimizers
from normplace.training.plan import OPTIMIZERS, Plan

PLAN = Plan("adam", 1e-3, batch_size=20, epochs=150, runs=2)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"optimizer": "adamw"}, "--optimizer adamw: unknown, allowed are adam, sgd"),
        ({"schedule": "cosine"}, "--schedule cosine: unknown, allowed are constant, power"),
        ({"output_bias": "zero"}, "--output-bias zero: unknown, allowed are drawn, centred, prejudiced"),
        ({"output_bias": "centred", "select": "neutral"}, "--output-bias centred: --select neutral has chosen"),
        ({"clip": -0.1}, "--clip -0.1: a finite number of at least 0 is needed"),
        ({"weight_decay": -1.0}, "--weight-decay -1.0: a finite number of at least 0 is needed"),
        ({"weight_decay": math.nan}, "--weight-decay nan: a finite number"),
        ({"learning_rate": 0.0}, "--lr 0.0: a finite number above 0 is needed"),
        ({"evaluated": 1}, "--evaluated 1: a whole number of at least 2"),
        ({"variances": Variances(weight=0.0)}, "--weight-variance 0.0: a finite number above 0"),
        ({"variances": Variances(bias=-1.0)}, "--bias-variance -1.0: a finite number of at least 0"),
        ({"batch_size": 101}, "--batch-size 101: larger than the 100 training points"),
        ({"batch_size": 33}, "--batch-size 33: leaves a batch of 1 of 100"),
    ],
)
def test_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words.replace("(", r"\(")):
        replace(PLAN, **change).check(100, normalises_batches=True)
    PLAN.check(100, normalises_batches=True)


def test_the_power_law_follows_the_first_third_of_the_cosine() -> None:
    """The exponent is that of a least-squares fit of logarithms by numpy, and the law meets the cosine in between."""
    plan = replace(PLAN, learning_rate=0.1, schedule="power")
    rates = np.array([plan.rate(epoch) for epoch in range(150)])
    epochs = np.arange(1, 51)
    cosine = 1e-6 + (0.1 - 1e-6) * (1 + np.cos(np.pi * epochs / 150)) / 2
    power, *_ = np.linalg.lstsq(np.log(1 + epochs)[:, None], np.log(cosine / 0.1))
    np.testing.assert_allclose(rates, 0.1 * np.arange(1, 151) ** power[0], rtol=1e-12)
    assert rates[0] == 0.1
    assert (np.diff(rates) < 0).all()
    ratio = rates[1:51] / cosine
    assert ratio[10] < 1 < ratio[-1]
    assert replace(PLAN, schedule="constant").rate(149) == 1e-3
    assert 0 < replace(plan, epochs=1).rate(0) == 0.1


def test_each_optimizer_of_a_plan_can_be_made() -> None:
    parameter = torch.nn.Parameter(torch.ones(2))
    for name in OPTIMIZERS:
        assert optimizers.make_optimizer(name, [parameter], 0.0).parameters == [parameter]
