"""One network seen: its outputs on all points in each mode, its layers, its last layer."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, cast

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from normplace.errors import UserError
from normplace.measuring.blame import blamed
from normplace.measuring.builders import refuse_meta
from normplace.measuring.layers import Layer, Moments, Recorder, recorded
from normplace.measuring.modes import Modes, WithoutDropout, in_mode
from normplace.measuring.outputs import Rule, at_positions, tensor_of, two_classes
from normplace.measuring.points import Points
from normplace.statistics import Array

ROWS = 2**22  # outputs at a time
LEAST_LOG = -100.0  # of a probability, as torch's binary_cross_entropy has it: rounding makes 0 of what is only small


class Change(NamedTuple):
    """What is done to outputs [guesses, classes], and whether it leaves their gamma as it is."""

    outputs: Callable[[torch.Tensor], torch.Tensor]
    keeps_gamma: bool


@dataclass(frozen=True)
class Facts:
    """What a trial found out about a model, so that nothing need be asked.

    modes: of the network by kind, "batch" (training mode, dropout off) and "running" (eval()), or "batch" alone where
    both give the same. dtype: of its weights, to which inputs are cast. rule: how outputs are read. gradients: whether
    forward takes derivatives. stateful: whether a pass changes the next one, so that each needs a new network.
    dropout: whether functions drop out. partly: whether "batch" leaves modules that do more than drop out as eval() has
    them. repeatable: whether the builder gives a network again under its seed. layers: whether they can be recorded.
    last: the name of the last linear layer, if its outputs are the model's and its weights are its own. at_once: points
    in one pass, by kind. classes: outputs a guess. one_guess: whether a point is one guess. probabilities: whether
    outputs sum to 1. notes: what a reader should know, in sentences.
    """

    modes: dict[str, Modes]
    dtype: torch.dtype | None
    rule: Rule
    gradients: bool
    stateful: bool
    dropout: bool
    partly: bool
    repeatable: bool
    layers: bool
    last: str | None
    at_once: dict[str, int]
    classes: int
    one_guess: bool
    probabilities: bool
    notes: tuple[str, ...] = ()


class Readout(NamedTuple):
    """Of the points h that a last linear layer W h + b reads: sums over units, and moments of W and b.

    squared_mean, variance: |E_x h|^2 and the trace of h's covariance. weight_mean, weight_square: means of W and W^2
    over their entries. bias: b [C], or 0.
    """

    squared_mean: float
    variance: float
    weight_mean: float
    weight_square: float
    bias: Array | float


class Look(NamedTuple):
    """What is seen of one network with C outputs, on n guesses.

    guess_fraction, output_mean, output_var: [C]; points whose largest outputs tie are shared between the classes.
    agreement: the share of pairs of points that get the same guess. tied: the share of points with such a tie.
    loss: the mean cross-entropy, in nats. readout: of the last layer, or None. layers: by name. left_out: how many
    layers could not be read.
    """

    n: int
    guess_fraction: Array
    output_mean: Array
    output_var: Array
    agreement: float
    tied: float
    loss: float
    readout: Readout | None
    layers: dict[str, Layer]
    left_out: int


def prepared(network: nn.Module, points: Points) -> nn.Module:
    """The network on the points' device; lazy modules have seen two points and know their shapes.

    Raises:
        UserError: it has no weights yet, or cannot be moved.
    """
    network = _uncompiled(network)
    tensors, device = [*network.parameters(), *network.buffers()], points.first.device
    if any(tensor.device != device for tensor in tensors):
        refuse_meta(network)
        with blamed(f"moving the model to {device}"):
            network.to(device)
    if any(map(is_lazy, tensors)):
        with in_mode(network, frozenset()), torch.no_grad(), forward_blamed(points):
            points[:2].clone().call(network)
    return network


def _uncompiled(network: nn.Module) -> nn.Module:
    """The network as it is without torch.compile, which gains nothing in one pass and hides layers."""
    if "torch._dynamo" not in sys.modules:  # nothing has been compiled
        return network
    compiled = torch._dynamo.OptimizedModule
    for module in list(network.modules()):
        module._compiled_call_impl = None
        for name, child in module.named_children():
            if isinstance(child, compiled):
                setattr(module, name, child._orig_mod)
    return network._orig_mod if isinstance(network, compiled) else network


@contextmanager
def forward_blamed(points: Points) -> Iterator[None]:
    """Errors of a forward pass on these points, as one line."""
    shapes = " and ".join(str(list(tensor.shape)) for tensor in points.tensors)
    with blamed("the model's forward", f", given inputs of shape {shapes}"):
        yield


def forward(network: nn.Module, points: Points, *, gradients: bool) -> Any:
    """What the network returns for the points, which it may change."""
    with torch.enable_grad() if gradients else torch.no_grad(), forward_blamed(points):
        return points.call(network)


def look_at(
    network: nn.Module,
    points: Points,
    kind: str,
    facts: Facts,
    labels: torch.Tensor | None = None,
    changes: Mapping[str, Change] | None = None,
) -> dict[str, Look] | None:
    """What is seen of one network in one mode, under ""; None if its outputs are not finite.

    labels: int64 [guesses], for the loss; without any, all classes are as likely. changes: of the outputs, for each of
    which there is a look of its own.

    Raises:
        UserError: the model fails, or its outputs are not what they were in the trial.
    """
    outputs, recorder, moments = outputs_of(network, points, kind, facts)
    if not bool(outputs.isfinite().all()):
        return None
    if facts.rule.binary == "probability" and bool(((outputs < 0) | (outputs > 1)).any()):
        raise UserError("an output is outside 0..1, so it is no probability: say --binary logit")
    if facts.rule.binary:
        outputs = two_classes(outputs, facts.rule.binary)
    readout = None if moments is None else _readout(network.get_submodule(str(facts.last)), moments)
    layers = recorder.layers() if recorder else {}
    left_out = len(recorder.left_out) if recorder else 0
    looks = {"": _seen(outputs, facts.probabilities, labels, readout, layers, left_out)}
    for name, change in (changes or {}).items():
        same = readout if change.keeps_gamma else None
        looks[name] = _seen(change.outputs(outputs), False, labels, same, {}, 0)
    return looks


def outputs_of(
    network: nn.Module, points: Points, kind: str, facts: Facts
) -> tuple[torch.Tensor, Recorder | None, Moments | None]:
    """Outputs [guesses, classes] on all points, what was recorded of layers, and of what the last layer reads."""
    parts, at_once = [], facts.at_once[kind]
    with ExitStack() as stack:
        stack.enter_context(in_mode(network, facts.modes[kind]))
        stack.enter_context(WithoutDropout() if facts.dropout else nullcontext())
        recorder = stack.enter_context(recorded(network)) if facts.layers else None
        held: list[torch.Tensor] = []
        if facts.last is not None:
            hook = network.get_submodule(facts.last).register_forward_pre_hook(
                lambda module, given, named: held.append(next(iter((*given, *named.values())))), with_kwargs=True
            )
            stack.callback(hook.remove)
        moments = None if facts.last is None else Moments()
        for start in range(0, len(points), at_once):
            part = points[start : start + at_once].floats_to(facts.dtype).clone()
            if recorder is not None:
                recorder.start(part.first, len(part))
            tensor, _ = tensor_of(forward(network, part, gradients=facts.gradients))
            read = partial(at_positions, n=len(part), mask=part.mask, rule=facts.rule)
            parts.append(read(tensor.detach())[0])
            if moments is not None and held:
                moments.add(read(held.pop().detach())[0])
    return (parts[0] if len(parts) == 1 else torch.cat(parts)), recorder, moments


def _readout(layer: nn.Module, moments: Moments) -> Readout | None:
    if not moments.n:
        return None
    weight, bias = cast(torch.Tensor, layer.weight).detach().double(), cast(torch.Tensor | None, layer.bias)
    biases = 0.0 if bias is None else bias.detach().double().cpu().numpy()
    squared_mean, variance = map(float, moments.sums())
    return Readout(squared_mean, variance, float(weight.mean()), float(weight.square().mean()), biases)


def _seen(
    outputs: torch.Tensor,
    probabilities: bool,
    labels: torch.Tensor | None,
    readout: Readout | None,
    layers: dict[str, Layer],
    left_out: int,
) -> Look:
    n, classes = outputs.shape
    about = outputs[0].double()
    counts = torch.zeros(classes, dtype=torch.float64, device=outputs.device)
    sums, squares = torch.zeros_like(counts), torch.zeros_like(counts)
    alone, ties_of, loss = 0.0, 0, 0.0
    for start in range(0, n, max(1, ROWS // classes)):
        part = outputs[start : start + max(1, ROWS // classes)].double()
        largest = part == part.max(dim=1, keepdim=True).values
        ties = largest.sum(dim=1, keepdim=True).double()
        counts += (largest / ties).sum(dim=0)
        alone += float((1 / ties).sum())
        ties_of += int((ties > 1).sum())
        logits = part.log().clamp_min(LEAST_LOG) if probabilities else part
        if not probabilities:  # less those of the labels: a third of log_softmax's time for a few classes
            loss += float(part.logsumexp(dim=1).sum())
        if labels is None:
            loss -= float(logits.mean(dim=1).sum())
        else:
            loss -= float(logits.gather(1, labels[start : start + len(part), None]).sum())
        centred = part - about
        sums += centred.sum(dim=0)
        squares += centred.square().sum(dim=0)
    agreement = float((counts.square().sum() - alone) / (n * (n - 1)))  # a point is no pair
    mean = sums / n
    fraction, output_mean, variance = (
        array.cpu().numpy() for array in (counts / n, about + mean, (squares / n - mean.square()).clamp_min(0))
    )
    return Look(
        n=n,
        guess_fraction=fraction,
        output_mean=output_mean,
        output_var=variance,
        agreement=agreement,
        tied=ties_of / n,
        loss=loss / n,
        readout=readout,
        layers=layers,
        left_out=left_out,
    )
