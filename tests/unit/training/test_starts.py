"""The output layer's bias at the start: what it does to outputs and guesses, and that it changes nothing else."""

from functools import partial

import numpy as np
import pytest
import torch

from normplace.data.datasets import load
from normplace.networks.architecture import MLP
from normplace.networks.mlp import mlp
from normplace.networks.modules import evaluating, initialise
from normplace.networks.random import network_generator
from normplace.training.evaluations import Points
from normplace.training.plan import OUTPUT_BIASES, Plan
from normplace.training.runs import train_runs
from normplace.training.starts import find_start, output_bias


def test_the_favoured_output_leads_by_so_many_deviations() -> None:
    outputs = torch.randn(4000, 3, generator=torch.Generator().manual_seed(0)) * 2 + torch.tensor([5.0, 9.0, -1.0])
    centred = outputs + output_bias(outputs, 1, 0.0)
    assert centred.mean(dim=0).abs().max() < 1e-5
    ahead = outputs + output_bias(outputs, 1, 3.0)
    leads = (ahead.mean(dim=0)[1] - ahead.mean(dim=0)).tolist()
    assert leads[0] == pytest.approx(leads[2], rel=1e-5)
    assert leads[0] == pytest.approx(3 * 8**0.5, rel=0.02)  # the difference of two outputs has variance 4 + 4
    assert output_bias(outputs, 1, None) is None


@pytest.mark.slow
@pytest.mark.parametrize(("norm", "placement"), [("none", "none"), ("layer", "after"), ("batch", "before")])
def test_runs_start_neutral_or_prejudiced_from_the_same_weights(norm: str, placement: str) -> None:
    data = load("digits", points=300, test_points=60)
    points = Points(data.x.flatten(1), data.y), Points(data.test_x.flatten(1), data.test_y)
    build = partial(mlp, MLP(norm, placement, depth=8, width=60), 64)
    rows, starts = {}, {}
    for name in OUTPUT_BIASES:
        plan = Plan("adam", 1e-4, batch_size=50, epochs=1, runs=4, seed=3, output_bias=name)
        starts[name] = [find_start(run, build, points[0].x, plan) for run in range(4)]
        found = train_runs(build, *points, plan)
        rows[name] = [row for row in found if row["step"] == 0 and row["split"] == "train"][:: 1 + (norm == "batch")]
    assert [start.majority for start in starts["centred"]] == [start.majority for start in starts["drawn"]]
    of_drawn, of_centred, of_prejudiced = (
        np.array([float(row["guess_fraction_majority"]) for row in rows[name]]) for name in OUTPUT_BIASES
    )
    assert (np.abs(of_centred - 0.5) < 0.15).all()
    assert (of_prejudiced > 0.95).all()
    assert (of_drawn >= 0.5).all()
    # Nothing else has changed: the outputs without their bias are the same.
    network = build()
    start = starts["centred"][2]
    generator = network_generator(3, 2)
    generator.set_state(start.generator_state)
    initialise(network, generator)
    with torch.no_grad(), evaluating(network, "batch"):
        outputs = network(points[0].x) + start.output_bias
    assert outputs.mean(dim=0).abs().max() < 1e-4 * outputs.std()
    share = float((outputs.argmax(dim=1) == start.majority).float().mean())
    assert share == pytest.approx(of_centred[2], abs=1e-6)
