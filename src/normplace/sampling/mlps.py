"""Guess fractions of many random MLPs at every depth in one pass.

Layer l's activations get an output layer of their own, freshly drawn, so layer l of one pass is exactly a
depth-l network. Every network draws its weights from a generator of its own, seeded by (seed, index): a
network's numbers depend on neither the others, nor the depth asked for, nor the number of processes.
"""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import torch

from normplace.networks.activations import ACTIVATIONS
from normplace.networks.architecture import MLP
from normplace.networks.norms import NORMS
from normplace.networks.products import batched
from normplace.networks.random import network_generator
from normplace.parallel import completed, one_thread
from normplace.progress import bar
from normplace.statistics import Floats
from normplace.theories.guesses import agreements, correlations

PARTS_A_PROCESS = 32  # the steps in which work is handed out, and progress shown
GPU_NUMBERS = 2**28  # a layer's and all weights of the networks at once on a GPU: 1 GiB, hundreds on 1000 points
CACHED = 2**20  # numbers of one layer at once on a processor
COMPARED = 24  # points of a network, over whose pairs `agreement` is a mean
ALIGNED = 16  # floats: where a layer's weights begin, and what torch draws normals in multiples of


class InitialGuesses(NamedTuple):
    """What networks guess, and what they guess on average over output layers, given their hidden layers; float32.

    guess_fraction, output_mean, output_var: [depth, inits, classes]; means and population variances are over the
    points. mean_var: the variance over output layers of an output's mean over the points; expected_var: the mean over
    output layers of its variance over the points; agreement: the chance that two points get the same guess, from some
    of their pairs; [depth, inits].
    """

    guess_fraction: Floats
    output_mean: Floats
    output_var: Floats
    mean_var: Floats
    expected_var: Floats
    agreement: Floats


class Weights(NamedTuple):
    """Networks: hidden[0] [networks, rank, width], hidden[l] [networks, width, width], output[l] [networks, classes,
    width].

    hidden_bias[l]: [networks, 1, width], output_bias[l]: [networks, classes, 1]; empty where all are 0.
    """

    hidden: list[torch.Tensor]
    output: list[torch.Tensor]
    hidden_bias: list[torch.Tensor]
    output_bias: list[torch.Tensor]


class Readout(NamedTuple):
    """An output layer: how many nodes it reads, how many outputs it has, the variances of its weights and biases."""

    width: int
    classes: int
    weight_variance: float
    bias_variance: float


class HiddenSums:
    """Of the layers h [networks, points, width] of networks of one kind, as they pass by in groups of points."""

    def __init__(self, readout: Readout, compared: torch.Tensor, points: int) -> None:
        """Take the positions of the points, [networks, at most COMPARED], whose pairs are compared."""
        self.readout, self.compared = readout, compared
        self.points = points  # of all groups together
        self.totals: list[torch.Tensor] = []  # by depth: the sum over the points [networks, width],
        self.squares: list[torch.Tensor] = []  # the sum of squares [networks],
        self.rows: list[torch.Tensor] = []  # the compared points' own [networks, COMPARED, width]

    def begin(self, start: int, count: int) -> None:
        """A group of `count` points follows, from this one on."""
        positions = self.compared - start
        self.inside = ((positions >= 0) & (positions < count)).unsqueeze(2)
        self.all_inside = bool(self.inside.all())
        self.positions = positions.clamp(0, count - 1)

    def add(self, layer: int, h: torch.Tensor) -> None:
        """Take a group's layer into account."""
        total, flat = h.sum(dim=1), h.reshape(len(h), -1)
        if len(h) == 1:  # as on a processor, where these operations are to cost next to nothing
            square = torch.dot(flat[0], flat[0]).unsqueeze(0)
            rows = h[0].index_select(0, self.positions[0]).unsqueeze(0)
        else:
            square = (flat * flat).sum(dim=1)
            rows = h.gather(1, self.positions.unsqueeze(2).expand(-1, -1, h.shape[2]))
        known = layer < len(self.totals)
        if not self.all_inside:
            rows = torch.where(self.inside, rows, self.rows[layer] if known else 0.0)
        if known:
            self.totals[layer] += total
            self.squares[layer] += square
            self.rows[layer] = rows
        else:
            self.totals.append(total)
            self.squares.append(square)
            self.rows.append(rows)

    def averages(self) -> tuple[Floats, Floats, Floats]:
        """`mean_var`, `expected_var` and `agreement` of `InitialGuesses`, [depth, networks].

        Given h of N nodes: sigma_w^2 |mean h|^2 / N + sigma_b^2, and sigma_w^2 / N times the trace of h's covariance.
        """
        n = self.points
        factor, bias = self.readout.weight_variance / self.readout.width, self.readout.bias_variance
        totals, squares, rows = (torch.stack(one).double() for one in (self.totals, self.squares, self.rows))
        mean_var = factor * (totals / n).square().sum(dim=2)
        expected_var = factor * squares / n - mean_var
        kernel = (factor * rows @ rows.transpose(2, 3) + bias).cpu().numpy()
        deviation = np.sqrt(kernel.diagonal(axis1=2, axis2=3))
        first, second = np.triu_indices(kernel.shape[2], 1)
        rho = correlations(kernel[:, :, first, second], deviation[:, :, first], deviation[:, :, second])
        chances = agreements(rho, self.readout.classes).mean(axis=2)
        arrays = (mean_var + bias).cpu().numpy(), expected_var.cpu().numpy(), 1 / n + (1 - 1 / n) * chances
        return tuple(np.asarray(array, dtype=np.float32) for array in arrays)  # type: ignore[return-value]


def draw_compared(n: int, seed: int, indices: Iterable[int]) -> torch.Tensor:
    """COMPARED of n points for each network, [networks, at most n], from generators of their own."""
    found = [np.random.default_rng([seed, index]).choice(n, min(n, COMPARED), replace=False) for index in indices]
    return torch.from_numpy(np.array(found))


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


def draw_weights(spec: MLP, rank: int, fan_in: int, generators: Sequence[torch.Generator]) -> Weights:
    """Normal weights of a network for each generator, in its order (a hidden layer, its output layer, their biases).

    One draw a network: on a processor, what is drawn for a layer does not depend on how many follow.

    rank, fan_in: rows of the first layer after `compress`, and the data's own dimension that scales it.
    """
    inputs = [rank] + [spec.width] * (spec.depth - 1)
    biases = ((1, spec.width), (spec.classes, 1)) if spec.bias_variance else ()
    shapes = [shape for rows in inputs for shape in ((rows, spec.width), (spec.classes, spec.width), *biases)]
    starts = np.cumsum([0] + [-(-rows * columns // ALIGNED) * ALIGNED for rows, columns in shapes])
    normals = torch.empty(len(generators), int(starts[-1]), device=generators[0].device)
    for row, generator in zip(normals, generators, strict=True):
        row.normal_(generator=generator)
    layers = [
        normals[:, start : start + rows * columns].view(-1, rows, columns)
        for start, (rows, columns) in zip(starts, shapes, strict=False)
    ]
    kinds = 2 + len(biases)
    hidden, output, *of_bias = (layers[kind::kinds] for kind in range(kinds))
    deviation = spec.weight_variance**0.5
    for weights in (*hidden, *output):
        weights.mul_(deviation / (fan_in if weights is hidden[0] else spec.width) ** 0.5)
    for bias in itertools.chain(*of_bias):
        bias.mul_(spec.bias_variance**0.5)
    return Weights(hidden, output, *(of_bias or ([], [])))


def forward(first: torch.Tensor, weights: Weights, spec: MLP, sums: HiddenSums | None = None) -> Iterator[torch.Tensor]:
    """Outputs [networks, classes, n] of the depth-1, depth-2, ... networks that share these hidden weights.

    first: the first layer's product [networks, n, width], which may be overwritten. sums: to be told of each layer.
    """
    activation, record = ACTIVATIONS[spec.activation].operation(), NORMS[spec.norm]
    norm = record.running if spec.bn_statistics == "running" else record.operation
    assert norm is not None  # as the specification checked
    h = first
    for layer, (hidden, output) in enumerate(zip(weights.hidden, weights.output, strict=True)):
        if layer:
            h = batched(h, hidden)
        if weights.hidden_bias:
            h += weights.hidden_bias[layer]
        if spec.placement == "before":
            h = norm(h)
        h = activation(h)
        if spec.placement == "after":
            h = norm(h)
        if sums:
            sums.add(layer, h)
        outputs = output @ h.transpose(1, 2)
        yield outputs + weights.output_bias[layer] if weights.output_bias else outputs


def outputs_at_every_depth(
    features: torch.Tensor, weights: Weights, specs: Sequence[MLP], sums: Sequence[HiddenSums] | None = None
) -> list[torch.Tensor]:
    """Outputs [depth, networks, classes, n] of each of the specs, which share these weights and the first product.

    Unless a norm looks over the points, they are taken in groups that stay in a processor's cache. sums: of each spec,
    to be told of all layers.
    """
    rows = CACHED // max(features.shape[1], specs[0].width) if features.device.type == "cpu" else len(features)
    sizes = [len(features) if NORMS[spec.norm].axis == "points" else min(rows, len(features)) for spec in specs]
    groups: list[list[torch.Tensor]] = [[] for _ in specs]
    for size in set(sizes):
        members = [at for at, own in enumerate(sizes) if own == size]
        for start in range(0, len(features), size):
            first = batched(features[start : start + size].unsqueeze(0), weights.hidden[0])
            for at in members:
                if sums:
                    sums[at].begin(start, first.shape[1])
                its_first = first if at == members[-1] else first.clone()
                outputs = forward(its_first, weights, specs[at], sums[at] if sums else None)
                groups[at].append(torch.stack(list(outputs)))
    return [of_spec[0] if len(of_spec) == 1 else torch.cat(of_spec, dim=3) for of_spec in groups]


@one_thread()
@torch.inference_mode()
def sample_mlps(
    x: torch.Tensor,
    specs: Sequence[MLP],
    inits: int,
    seed: int,
    *,
    device: str = "cpu",
    processes: int = 1,
    progress: str | None = None,
) -> list[InitialGuesses]:
    """Sample `inits` random networks of each spec on the points x [n, ...] at every depth up to its own.

    Returns arrays [depth, inits, classes] of each; the same bytes for the same seed whatever the number of processes,
    and whatever specs are sampled together: they share the weights that are drawn and the first layer's product.

    specs: of one width, depth, number of classes and variances. progress: what a progress bar is to show.
    """
    assert len({(spec.width, spec.depth, spec.classes, spec.variances) for spec in specs}) == 1
    spec = specs[0]
    flat = x.flatten(1)
    features, _ = compress(flat)
    if device == "cpu":  # one at a time stays in the cache
        networks, step = 1, math.ceil(inits / (PARTS_A_PROCESS * processes))
    else:
        numbers = len(features) * spec.width + spec.depth * spec.width * max(features.shape[1], spec.width)
        networks = step = max(1, GPU_NUMBERS // numbers)
    arrays = features.numpy()  # tensors of inference mode do not travel to other processes
    of_part = partial(sample_part, arrays, flat.shape[1], specs, seed=seed, device=device, networks=networks)
    return in_parts(of_part, inits, step, processes, progress)


def in_parts(
    of_part: Callable[[range], list[InitialGuesses]], inits: int, step: int, processes: int, progress: str | None
) -> list[InitialGuesses]:
    """What `of_part` makes of networks 0 to inits - 1, `step` of them in a call.

    progress: what the progress bar is to show, none without.
    """
    parts = [range(first, min(first + step, inits)) for first in range(0, inits, step)]
    results: dict[int, list[InitialGuesses]] = {}
    with bar(bool(progress), inits, "net", progress) as networks:
        for index, result in completed(of_part, [(part,) for part in parts], processes):
            results[index] = result
            networks.update(len(parts[index]))
    by_spec = zip(*(results[index] for index in range(len(parts))), strict=True)
    return [joined(parts) for parts in by_spec]


def joined(parts: Iterable[InitialGuesses]) -> InitialGuesses:
    """The same networks' guesses in one piece: parts follow each other in the order of the networks."""
    return InitialGuesses(*(np.concatenate(arrays, axis=1) for arrays in zip(*parts, strict=True)))


@torch.inference_mode()
def sample_part(
    arrays: Floats, fan_in: int, specs: Sequence[MLP], part: range, seed: int, device: str, networks: int
) -> list[InitialGuesses]:
    """Sample the networks of these indices on the features [n, rank], so many of them at a time."""
    features = torch.from_numpy(arrays).to(device)
    groups = []
    for first in range(part.start, part.stop, networks):
        indices = range(first, min(first + networks, part.stop))
        generators = [network_generator(seed, index, device) for index in indices]
        weights = draw_weights(specs[0], features.shape[1], fan_in, generators)
        compared = draw_compared(len(features), seed, indices).to(device)
        readouts = [Readout(spec.width, spec.classes, spec.weight_variance, spec.bias_variance) for spec in specs]
        sums = [HiddenSums(readout, compared, len(features)) for readout in readouts]
        of_specs = outputs_at_every_depth(features, weights, specs, sums)
        found = [(guess_moments(outputs), of_spec.averages()) for outputs, of_spec in zip(of_specs, sums, strict=True)]
        groups.append([InitialGuesses(*moments, *averages) for moments, averages in found])
    return [joined(of_spec) for of_spec in zip(*groups, strict=True)]


def guess_moments(outputs: torch.Tensor) -> tuple[Floats, Floats, Floats]:
    """Guess fractions, means, variances [depth, networks, classes] of outputs [depth, networks, classes, n]."""
    variance, mean = torch.var_mean(outputs, dim=3, correction=0)
    fractions = _counts(outputs) / outputs.shape[3]
    return fractions.cpu().numpy(), mean.cpu().numpy(), variance.cpu().numpy()


def _counts(outputs: torch.Tensor) -> torch.Tensor:
    """How often each class is guessed, [depth, networks, classes]; of equal outputs the first is the guess."""
    depth, networks, classes, n = outputs.shape
    if classes == 2:  # a comparison takes a fifth of argmax's time
        second = (outputs[:, :, 1] > outputs[:, :, 0]).sum(dim=2)
        return torch.stack([n - second, second], dim=2)
    guesses = outputs.transpose(2, 3).contiguous().argmax(dim=3).view(depth * networks, n)
    rows = torch.arange(depth * networks, device=outputs.device).unsqueeze(1)
    counts = (guesses + classes * rows).flatten().bincount(minlength=depth * networks * classes)
    return counts.view(depth, networks, classes)
