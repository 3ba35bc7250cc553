"""Training against a loop that shares nothing with it, not even seeds: the same law of loss and accuracy by step."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.stats import mannwhitneyu
from torch import nn

from normplace import MLP, load, train
from normplace.data.datasets import Data

STEPS = (1, 10, 100)
RUNS, WIDTH, RATE, BATCH, EPOCHS = 24, 30, 2e-3, 50, 20
LEVEL = 1e-4  # of each of 6 tests: a right loop fails one of them in 1700 runs of this file


@pytest.fixture(scope="module")
def data() -> Data:
    return load("digits", points=250, test_points=60)  # 5 steps an epoch, so that the last is step 100


def plain_run(data: Data, seed: int, rate: float) -> dict[int, tuple[float, float]]:
    """Training loss and accuracy at some steps of three layers, LayerNorm after ReLU, as anyone would write them."""
    torch.manual_seed(seed)
    layers: list[nn.Module] = []
    for inputs in (64, WIDTH, WIDTH):
        layers += [nn.Linear(inputs, WIDTH), nn.ReLU(), nn.LayerNorm(WIDTH)]
    network = nn.Sequential(nn.Flatten(), *layers, nn.Linear(WIDTH, 2))
    for layer in network:
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=(2 / layer.in_features) ** 0.5)
            nn.init.zeros_(layer.bias)
    adam = torch.optim.Adam(network.parameters(), lr=rate)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(data.x, data.y), BATCH, shuffle=True)
    seen, step = {}, 0
    for _ in range(EPOCHS):
        for x, y in loader:
            adam.zero_grad()
            F.cross_entropy(network(x), y).backward()
            adam.step()
            step += 1
            if step in STEPS:
                with torch.no_grad():
                    outputs = network(data.x)
                    right = (outputs.argmax(dim=1) == data.y).float().mean()
                    seen[step] = float(F.cross_entropy(outputs, data.y)), float(right)
    return seen


def smallest_p(ours: dict[int, np.ndarray], theirs: dict[int, np.ndarray]) -> float:
    """Of two-sided rank tests of loss and accuracy at each step."""
    pairs = ((ours[step][:, side], theirs[step][:, side]) for step in STEPS for side in (0, 1))
    return min(float(mannwhitneyu(*pair).pvalue) for pair in pairs)


@pytest.mark.slow
def test_the_medians_are_those_of_an_independent_loop(data: Data) -> None:
    net = MLP("layer", "after", depth=3, width=WIDTH)
    rows = train(net, data, runs=RUNS, seed=1, lr=RATE, batch_size=BATCH, epochs=EPOCHS)
    rows = rows[rows["split"] == "train"].set_index("step")
    ours = {step: rows.loc[step, ["loss", "accuracy"]].to_numpy(dtype=float) for step in STEPS}
    assert all(len(of_step) == RUNS for of_step in ours.values())

    def plain(rate: float, first: int) -> dict[int, np.ndarray]:
        runs = [plain_run(data, seed, rate) for seed in range(first, first + RUNS)]
        return {step: np.array([run[step] for run in runs]) for step in STEPS}

    theirs = plain(RATE, 100)
    assert smallest_p(ours, theirs) > LEVEL
    for step in STEPS:  # and so in numbers: medians differ by less than the spread of either
        spread = np.subtract(*np.quantile(theirs[step], [0.9, 0.1], axis=0))
        assert (np.abs(np.median(ours[step], axis=0) - np.median(theirs[step], axis=0)) < spread).all()
    assert smallest_p(ours, plain(3 * RATE, 200)) < LEVEL
