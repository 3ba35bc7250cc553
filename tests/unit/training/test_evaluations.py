"""What is measured of a network in training, and when."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from normplace.training.evaluations import evaluation_steps, guess_fractions, measures


def test_measures_of_a_known_network() -> None:
    outputs = torch.tensor([[2.0, 0.0], [1.0, 0.0], [3.0, 0.0], [0.0, 1.0]])
    y = torch.tensor([0, 1, 1, 1])
    losses = F.cross_entropy(outputs, y, reduction="none")
    expected = {
        "loss": losses.mean(),
        "accuracy": 0.5,
        "accuracy_majority": 1.0,
        "accuracy_minority": 1 / 3,
        "max_guess_fraction": 0.75,
        "guess_fraction_majority": 0.75,
        "loss_majority": losses[0],
        "loss_minority": losses[1:].mean(),
    }
    assert measures(outputs, y, majority=0) == pytest.approx({name: float(value) for name, value in expected.items()})
    assert guess_fractions(outputs).tolist() == [0.75, 0.25]


def test_evaluation_times() -> None:
    assert evaluation_steps(5) == [0, 1, 2, 3, 4, 5]
    steps = evaluation_steps(9400)
    assert steps[:8] == list(range(8))
    assert {940, 9400} <= set(steps)
    gaps = np.diff(np.log10(steps[8:]))
    np.testing.assert_allclose(gaps, 0.1, atol=0.03)  # whole steps are coarse near 8
