"""Sampling against the usual way and against its floor: the matrix products and normals that it cannot do without."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pandas as pd
import torch

from benchmarks import usual
from benchmarks.timing import geometric_mean, medians
from normplace.data.datasets import load
from normplace.networks.architecture import MLP, configurations
from normplace.networks.products import batched
from normplace.networks.random import network_generator
from normplace.sampling.mlps import compress, draw_weights, guess_moments, outputs_at_every_depth, sample_part

SIZES = {"gaussian": 20_000, "mnist": 1000, "cifar10": 1000}  # points
DEPTHS = (1, 20)


def points(dataset: str, data_root: Path, count: int | None = None) -> torch.Tensor:
    """The first points of a data set, flattened [n, d]. CIFAR-10 may be a stand-in of the same size."""
    return load(dataset, data_root=data_root, points=count or SIZES[dataset]).x.flatten(1)


def ours(features: torch.Tensor, fan_in: int, spec: MLP, networks: int, device: str) -> Callable[[], object]:
    """The sampler on all depths up to the spec's."""
    at_once = 1 if device == "cpu" else networks
    return partial(sample_part, features.numpy(), fan_in, [spec], range(networks), 0, device, at_once)


@torch.inference_mode()
def floor(features: torch.Tensor, spec: MLP, networks: int, device: str) -> None:
    """The normals, hidden products and output products of these networks, and nothing else."""
    at_once = 1 if device == "cpu" else networks
    features = features.to(device).unsqueeze(0)
    h = torch.ones(at_once, features.shape[1], spec.width, device=device)
    for first in range(0, networks, at_once):
        generators = [network_generator(0, first + index, device) for index in range(at_once)]
        weights = draw_weights(spec, features.shape[2], 1, generators)
        batched(features, weights.hidden[0])
        for hidden in weights.hidden[1:]:
            batched(h, hidden)
        for output in weights.output:
            output @ h.transpose(1, 2)
    if device != "cpu":
        torch.cuda.synchronize()


@torch.inference_mode()
def in_bfloat16(features: torch.Tensor, fan_in: int, spec: MLP, networks: int) -> None:
    """The sampler with weights and activations rounded to 8 bits of mantissa."""
    rounded = features.bfloat16()
    for index in range(networks):
        weights = draw_weights(spec, features.shape[1], fan_in, [network_generator(0, index)])
        weights = type(weights)(*([layer.bfloat16() for layer in layers] for layers in weights))
        guess_moments(outputs_at_every_depth(rounded, weights, [spec])[0].float())


def measure(data_root: Path, device: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tables (one depth, sweep): milliseconds a network of the usual way, of ours and of the floor."""
    one_depth, sweep = [], []
    for dataset in SIZES:
        x = points(dataset, data_root)
        features, _ = compress(x)
        on_device = x.to(device)
        for norm, placement in configurations():
            for depth in DEPTHS:
                spec = MLP(norm, placement, depth)
                networks = 2 if len(x) > 1000 else 20
                many = networks if device == "cpu" else 256
                alternatives: dict[str, Callable[[], object]] = {
                    "usual": partial(usual.guess_fractions, on_device, norm, placement, [depth], networks),
                    "ours": ours(features, x.shape[1], spec, many, device),
                    "floor": partial(floor, features, spec, many, device),
                }
                if device == "cpu":
                    alternatives["bfloat16"] = partial(in_bfloat16, features, x.shape[1], spec, networks)
                found = medians(alternatives, 3 if len(x) > 1000 else 5)
                times = {name: 1000 * found[name] / (networks if name == "usual" else many) for name in found}
                one_depth.append({"data": dataset, "norm": norm, "placement": placement, "depth": depth, **times})
            networks = 1 if len(x) > 1000 else 3
            found = medians(
                {
                    "usual": partial(usual.guess_fractions, on_device, norm, placement, range(1, 21), networks),
                    "ours": ours(features, x.shape[1], MLP(norm, placement, 20), networks, device),
                },
                2,
            )
            times = {name: 1000 * value / networks for name, value in found.items()}
            sweep.append({"data": dataset, "norm": norm, "placement": placement, **times})
    tables = pd.DataFrame(one_depth), pd.DataFrame(sweep)
    for table in tables:
        table["usual / ours"] = table["usual"] / table["ours"]
    tables[0]["ours / floor"] = tables[0]["ours"] / tables[0]["floor"]
    if device == "cpu":
        tables[0]["usual / bfloat16"] = tables[0]["usual"] / tables[0]["bfloat16"]
    return tables


def together(data_root: Path) -> pd.DataFrame:
    """Milliseconds of a network of each of the seven cells, on MNIST: one cell after the other, and all in one pass."""
    x = points("mnist", data_root)
    features, _ = compress(x)
    rows = []
    for depth, networks in ((1, 60), (20, 20)):
        specs = [MLP(*cell, depth) for cell in configurations()]
        arguments = range(networks), 0, "cpu", 1

        def one_by_one(specs: list[MLP] = specs, arguments: tuple[object, ...] = arguments) -> None:
            for spec in specs:
                sample_part(features.numpy(), x.shape[1], [spec], *arguments)  # type: ignore[arg-type]

        in_one_pass = partial(sample_part, features.numpy(), x.shape[1], specs, *arguments)
        found = medians({"one by one": one_by_one, "together": in_one_pass}, 7)
        times = {name: 1000 * seconds / networks for name, seconds in found.items()}
        rows.append({"depth": depth, **times, "ratio": found["one by one"] / found["together"]})
    return pd.DataFrame(rows)


def means(table: pd.DataFrame, column: str) -> dict[str, float]:
    """Geometric mean of a ratio over configurations and depths, by data set."""
    return {str(data): geometric_mean(list(rows[column])) for data, rows in table.groupby("data", sort=False)}
