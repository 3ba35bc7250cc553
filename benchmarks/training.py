"""How much faster a training run is than the usual loop: `python benchmarks/training.py [--data-root DIR]`.

The usual loop is torchvision's data set with ToTensor and Normalize, a DataLoader, the same nn.Module and
optimiser, and the same evaluations at the same steps. Both sides train the same configuration in this one
process, in turn, on one thread: 40 epochs of MNIST's first 10,000 images, 16 evaluations on them and on 2,000
test images, which is about the paper's proportion of training to evaluation. Medians are compared.
"""

import argparse
import statistics
import time
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F

from normplace.architecture import MLP
from normplace.datasets import DataRequest, load
from normplace.networks import evaluating, initialise, mlp
from normplace.sampling import network_generator
from normplace.sources import PAPER_MEAN_STD, default_data_roots, import_torchvision
from normplace.training import Plan, Points, evaluation_steps, train

TRAIN, TEST, EPOCHS = 10_000, 2_000, 40
BATCH, RATE = 512, 1e-3
CELLS = [("none", "none"), ("batch", "before"), ("layer", "after")]


def usual(spec: MLP, data_root: Path) -> None:
    """A run as most code does it."""
    torchvision = import_torchvision()
    (mean,), (std,) = PAPER_MEAN_STD["mnist"]
    transform = torchvision.transforms.Compose(
        [torchvision.transforms.ToTensor(), torchvision.transforms.Normalize((mean,), (std,))]
    )
    splits = [
        torch.utils.data.Subset(
            torchvision.datasets.MNIST(
                data_root, train=is_train, transform=transform, target_transform=lambda digit: digit % 2
            ),
            range(count),
        )
        for is_train, count in ((True, TRAIN), (False, TEST))
    ]
    order = network_generator(0, 2**31)
    loader = torch.utils.data.DataLoader(splits[0], BATCH, shuffle=True, generator=order)
    network = mlp(spec, 784)
    initialise(network, network_generator(0, 0))
    optimizer = torch.optim.Adam(network.parameters(), lr=RATE)
    at, step = evaluation_steps(EPOCHS * len(loader)), 0
    usual_evaluation(network, splits)
    for _ in range(EPOCHS):
        for x, y in loader:
            optimizer.zero_grad()
            F.cross_entropy(network(x.flatten(1)), y).backward()
            optimizer.step()
            step += 1
            if step in at:
                usual_evaluation(network, splits)


def usual_evaluation(network: torch.nn.Module, splits: list[torch.utils.data.Subset[object]]) -> None:
    """Outputs on both splits through a DataLoader, and the gradient's norm, by batches of 1000."""
    modes = ("batch", "running") if any("BatchNorm" in str(type(m)) for m in network.modules()) else ("batch",)
    for mode in modes:
        for split in splits:
            total = 0.0
            with evaluating(network, mode):
                for x, y in torch.utils.data.DataLoader(split, 1000):
                    loss = F.cross_entropy(network(x.flatten(1)), y)
                    if split is splits[0] and mode == "batch":
                        torch.autograd.grad(loss, list(network.parameters()))
                    total += loss.item()


def main() -> None:
    """Print a row a configuration and depth: seconds of both, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-root", type=Path, default=default_data_roots()[0])
    parser.add_argument("--repeats", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(1)
    request = DataRequest("mnist", args.data_root, points=TRAIN, test_points=TEST, stand_in_allowed=False)
    points = [Points(data.x.flatten(1), data.y) for data in (load(request), load(request, "test"))]
    plan = Plan("adam", RATE, BATCH, epochs=EPOCHS, runs=1)
    print(f"torch {torch.__version__}, one thread, MNIST {TRAIN:,} + {TEST:,}, batch {BATCH}, {EPOCHS} epochs")
    print("| configuration | depth | usual loop, s | ours, s | ratio |\n|---|---|---|---|---|")
    for depth in (1, 20):
        for norm, placement in CELLS:
            spec = MLP(norm, placement, depth)
            theirs, ours = [], []
            for _ in range(args.repeats):
                for times, run in (
                    (theirs, partial(usual, spec, args.data_root)),
                    (ours, partial(train, partial(mlp, spec, 784), points[0], points[1], plan)),
                ):
                    start = time.perf_counter()
                    run()
                    times.append(time.perf_counter() - start)
            a, b = statistics.median(theirs), statistics.median(ours)
            print(f"| {norm} {placement} | {depth} | {a:.2f} | {b:.2f} | {a / b:.1f} |", flush=True)


if __name__ == "__main__":
    main()
