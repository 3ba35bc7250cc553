"""A training run against the usual loop.

The usual loop is torchvision's data set with ToTensor and Normalize, a DataLoader, a plain nn.Sequential and
torch.optim's Adam, and the same evaluations at the same steps. Both train the same configuration in turn on one thread.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pandas as pd
import torch
import torch.nn.functional as F
from torch import nn

from benchmarks import usual
from benchmarks.timing import medians
from normplace.data.datasets import load
from normplace.data.sets import DATASETS
from normplace.data.vision import import_torchvision
from normplace.networks.architecture import MLP, configurations
from normplace.networks.mlp import mlp
from normplace.networks.modules import initialise
from normplace.networks.random import network_generator
from normplace.training.evaluations import Points, evaluation_steps
from normplace.training.optimizers import Optimizer, make_optimizer
from normplace.training.plan import Plan
from normplace.training.runs import train_runs

# About the paper's proportion of training to evaluation: 80 epochs there and some 40 evaluations, 40 and 25 here.
TRAIN, TEST, EPOCHS = 5_000, 1_000, 40
BATCH, RATE = 512, 1e-3
CELLS = [("none", "none"), ("batch", "before"), ("layer", "after")]


def usual_run(norm: str, placement: str, depth: int, mnist: Path) -> None:
    """A run as most code does it."""
    torchvision = import_torchvision()
    constants = DATASETS["mnist"].constants
    assert constants is not None
    (mean,), (std,) = constants
    transform = torchvision.transforms.Compose(
        [torchvision.transforms.ToTensor(), torchvision.transforms.Normalize((mean,), (std,))]
    )
    train_split, test_split = (
        torch.utils.data.Subset(
            torchvision.datasets.MNIST(
                mnist, train=is_train, transform=transform, target_transform=lambda digit: digit % 2
            ),
            range(count),
        )
        for is_train, count in ((True, TRAIN), (False, TEST))
    )
    loader = torch.utils.data.DataLoader(train_split, BATCH, shuffle=True)
    network = usual.network(norm, placement, depth, 784)
    optimizer = torch.optim.Adam(network.parameters(), lr=RATE)
    at, step = evaluation_steps(EPOCHS * len(loader)), 0
    usual_evaluation(network, train_split, test_split)
    for _ in range(EPOCHS):
        for x, y in loader:
            optimizer.zero_grad()
            F.cross_entropy(network(x.flatten(1)), y).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            step += 1
            if step in at:
                usual_evaluation(network, train_split, test_split)


def usual_evaluation(network: nn.Sequential, *splits: "torch.utils.data.Subset[object]") -> None:
    """Loss on both splits by batches of 1000, by batch and by running statistics, and the gradient on the first."""
    norms = [module for module in network if isinstance(module, nn.BatchNorm1d)]
    for running in (False, True) if norms else (False,):
        network.train(not running)
        for norm in norms:
            norm.track_running_stats = running
        for split, batches in enumerate(_batches(splits)):
            for x, y in batches:
                with torch.set_grad_enabled(split == 0 and not running):
                    loss = F.cross_entropy(network(x.flatten(1)), y)
                if loss.requires_grad:
                    torch.autograd.grad(loss, list(network.parameters()))
                loss.item()
    network.train()
    for norm in norms:
        norm.track_running_stats = True


def _batches(splits: "tuple[torch.utils.data.Subset[object], ...]") -> "Iterator[torch.utils.data.DataLoader[object]]":
    for split in splits:
        yield torch.utils.data.DataLoader(split, 1000)


def steps(mnist: Path) -> pd.DataFrame:
    """Milliseconds of a training step at depth 20 and the authors' batch: the usual loop's, ours, and its products."""
    data = load("mnist", points=BATCH, data_root=mnist, stand_in_allowed=False)
    x, y = data.x.flatten(1), data.y
    rows = []
    for norm, placement in configurations():
        plain, network = usual.network(norm, placement, 20, 784), mlp(MLP(norm, placement, 20), 784)
        initialise(network, network_generator(0, 0))
        optimizer = make_optimizer("adam", network.parameters(), weight_decay=0.0)
        optimizer.learning_rate = RATE
        alternatives = {
            "usual": partial(_step, plain, torch.optim.Adam(plain.parameters(), lr=RATE), x, y),
            "ours": partial(_step, network, optimizer, x, y),
            "floor": partial(_products_of_a_step, x),
        }
        found = {name: 1000 * seconds for name, seconds in medians(alternatives, 15).items()}
        ratios = {"usual / ours": found["usual"] / found["ours"], "ours / floor": found["ours"] / found["floor"]}
        rows.append({"norm": norm, "placement": placement, **found, **ratios})
    return pd.DataFrame(rows)


def _step(network: nn.Module, optimizer: "torch.optim.Optimizer | Optimizer", x: torch.Tensor, y: torch.Tensor) -> None:
    loss = F.cross_entropy(network(x), y)
    loss.item()
    network.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()


@torch.inference_mode()
def _products_of_a_step(x: torch.Tensor) -> None:
    """Of 20 layers of 100 nodes, forwards and backwards; the first layer has no gradient to pass on."""
    h, first, hidden = torch.ones(len(x), 100), torch.ones(784, 100), torch.ones(100, 100)
    x @ first
    x.T @ h
    for _ in range(19):
        h @ hidden
        h @ hidden.T
        h.T @ h


def measure(mnist: Path, repeats: int = 1) -> pd.DataFrame:
    """Seconds of a run of both, by configuration and depth. mnist: the folder that torchvision reads MNIST from."""
    data = load("mnist", points=TRAIN, test_points=TEST, data_root=mnist, stand_in_allowed=False)
    points = [Points(data.x.flatten(1), data.y), Points(data.test_x.flatten(1), data.test_y)]
    plan = Plan("adam", RATE, BATCH, epochs=EPOCHS, runs=1)
    rows = []
    for depth in (1, 20):
        for norm, placement in CELLS:
            ours = partial(train_runs, partial(mlp, MLP(norm, placement, depth), 784), points[0], points[1], plan)
            found = medians(
                {"usual": partial(usual_run, norm, placement, depth, mnist), "ours": ours}, repeats, warm_up=False
            )
            ratio = found["usual"] / found["ours"]
            rows.append({"norm": norm, "placement": placement, "depth": depth, **found, "usual / ours": ratio})
    return pd.DataFrame(rows)
