"""Guess fractions of many random MLPs at every depth in one pass.

Layer l's activations get an output layer of their own, freshly drawn, so layer l of one pass is exactly a
depth-l network. Every network draws its weights from a generator of its own, seeded by (seed, index): a
network's numbers depend on neither the others, nor the depth asked for, nor the number of processes.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from tqdm import tqdm

from normplace.architecture import GAIN, MLP
from normplace.networks import ACTIVATION_MODULES
from normplace.normalisation import normalise
from normplace.parallel import completed, one_thread

Floats = npt.NDArray[np.float32]
PARTS_A_PROCESS = 32  # the steps in which work is handed out, and progress shown


class InitialGuesses(NamedTuple):
    """Each float32 [depth, inits, classes]; means and population variances are over the points."""

    guess_fraction: Floats
    output_mean: Floats
    output_var: Floats


class Weights(NamedTuple):
    """One network: hidden[0] [rank, width], hidden[l] [width, width], output[l] [width, classes]."""

    hidden: list[torch.Tensor]
    output: list[torch.Tensor]


def compress(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Features F [n, r] and an orthonormal basis V [d, r] with x = F V', r the rank of x [n, d]; (x, None) if r = d.

    For Gaussian first-layer weights W, x W = F (V'W) and V'W is Gaussian with r rows: the same law, less work.
    """
    n, d = x.shape
    x64 = x.double()
    if d <= n:
        eigenvalues, vectors = torch.linalg.eigh(x64.T @ x64)
    else:
        eigenvalues, vectors = torch.linalg.eigh(x64 @ x64.T)
    kept = eigenvalues > 1e-13 * eigenvalues[-1]  # the gap of rank-deficient image data is far wider than this
    if d <= n and bool(kept.all()):
        return x, None
    vectors = vectors[:, kept]
    basis = vectors if d <= n else x64.T @ vectors / eigenvalues[kept].sqrt()
    return (x64 @ basis).float(), basis.float()


def network_generator(seed: int, index: int) -> torch.Generator:
    """The generator of network `index` under `seed`.

    torch's CPU generator uses 32 bits of its seed only. A bijection of the index keeps all networks of one
    seed apart, where hashing (seed, index) would repeat networks by the birthday paradox.
    """
    offset = int(np.random.SeedSequence(seed).generate_state(1)[0])
    mixed = (index + offset) % 2**32
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35), (16, 1)):  # invertible mixing steps
        mixed = ((mixed ^ (mixed >> shift)) * factor) % 2**32
    return torch.Generator().manual_seed(mixed)


def draw_weights(spec: MLP, rank: int, fan_in: int, generator: torch.Generator) -> Weights:
    """He-normal weights, layer by layer (hidden, then its output layer), so that depth does not move the stream.

    rank, fan_in: rows of the first layer after `compress`, and the data's own dimension that scales it.
    """
    hidden, output = [], []
    for layer in range(spec.depth):
        rows, scale = (rank, fan_in) if layer == 0 else (spec.width, spec.width)
        hidden.append(torch.randn(rows, spec.width, generator=generator).mul_(GAIN / scale**0.5))
        output.append(torch.randn(spec.width, spec.classes, generator=generator).mul_(GAIN / spec.width**0.5))
    return Weights(hidden, output)


def forward(features: torch.Tensor, weights: Weights, spec: MLP) -> Iterator[torch.Tensor]:
    """Outputs [n, classes] of the depth-1, depth-2, ... networks that share these hidden weights."""
    activation = ACTIVATION_MODULES[spec.activation]()
    norm = normalise(spec.norm, spec.bn_statistics)
    h = features
    for hidden, output in zip(weights.hidden, weights.output, strict=True):
        h = h @ hidden
        if spec.placement == "before":
            h = norm(h)
        h = activation(h)
        if spec.placement == "after":
            h = norm(h)
        yield h @ output


@one_thread()
@torch.inference_mode()
def sample(
    x: torch.Tensor,
    spec: MLP,
    inits: int,
    seed: int,
    *,
    device: str = "cpu",
    processes: int = 1,
    progress: bool = False,
) -> InitialGuesses:
    """Sample `inits` random networks on the points x [n, ...] at depths 1..spec.depth.

    Returns arrays [depth, inits, classes]; the same bytes for the same seed whatever the number of processes.
    """
    flat = x.flatten(1)
    features, _ = compress(flat)
    edges = np.linspace(0, inits, min(inits, PARTS_A_PROCESS * processes) + 1, dtype=int)
    parts = [range(first, end) for first, end in pairwise(edges)]
    arrays = features.numpy()  # tensors of inference mode do not travel to other processes
    calls = [(arrays, flat.shape[1], spec, part, seed, device) for part in parts]
    results: dict[int, InitialGuesses] = {}
    name = f"{spec.norm} {spec.placement}"
    with tqdm(total=inits, unit="net", disable=None if progress else True, desc=name) as bar:
        for index, result in completed(_sample_part, calls, processes):
            results[index] = result
            bar.update(len(parts[index]))
    ordered = [results[index] for index in range(len(parts))]
    return InitialGuesses(*(np.concatenate(arrays, axis=1) for arrays in zip(*ordered, strict=True)))


@torch.inference_mode()
def _sample_part(arrays: Floats, fan_in: int, spec: MLP, part: range, seed: int, device: str) -> InitialGuesses:
    features = torch.from_numpy(arrays).to(device)
    statistics = torch.empty(3, spec.depth, len(part), spec.classes, device=device)
    for column, index in enumerate(part):
        weights = draw_weights(spec, features.shape[1], fan_in, network_generator(seed, index))
        if device != "cpu":
            weights = Weights(*([w.to(device) for w in layers] for layers in weights))
        for layer, outputs in enumerate(forward(features, weights, spec)):
            counts = torch.bincount(outputs.argmax(dim=1), minlength=spec.classes)
            statistics[0, layer, column] = counts / len(features)
            statistics[2, layer, column], statistics[1, layer, column] = torch.var_mean(outputs, dim=0, correction=0)
    return InitialGuesses(*statistics.cpu().numpy())
