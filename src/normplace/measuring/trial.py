"""What a few passes on a few points find out about a model before it is measured."""

import os
import re
from dataclasses import replace
from typing import Any, cast

import torch
from torch import nn

from normplace.errors import UserError
from normplace.measuring.builders import Builder, copied, fingerprint, seeded
from normplace.measuring.look import Facts, forward, outputs_of, prepared
from normplace.measuring.modes import Modes, WithoutDropout, in_mode, modes_of, training_modes, without_noise
from normplace.measuring.outputs import Rule, are_probabilities, at_positions, tensor_of
from normplace.measuring.points import Points
from normplace.networks.modules import batch_norms, output_layer

FEW = 4  # points of a trial
NETWORKS = 5  # of which one should have finite outputs
LAYERS_AT_ONCE = 3  # of the size of the largest: what a forward pass without gradients holds in memory, about
BYTES_AT_ONCE = 2**30  # of a pass over points that do not influence each other
BINARY_NETWORKS = 20  # a logit is in 0..1 in all of them with a chance of at most 2^-20, if its sign is drawn
ULPS = 4  # of the outputs, by which roundings may differ
# Of how far outputs differ between points: fused kernels of eval() and other sizes of a batch round otherwise.
TOLERANCE = {torch.float64: 1e-9, torch.float32: 1e-4, torch.float16: 0.02, torch.bfloat16: 0.1}


def tried(build: Builder, points: Points, seed: int, rule: Rule, *, trial: bool) -> Facts:
    """Find out what `Facts` lists, on a few points, or on all where the model takes no fewer or `trial` is off.

    Raises:
        UserError: the model fails, or returns no outputs [n, classes].
    """
    if not trial or len(points) <= FEW:
        return _Trial(build, points, points, seed, rule).facts()
    try:
        few = _Trial(build, points[:FEW], points, seed, rule)
        facts = few.facts()
    except UserError as error:
        if not isinstance(error.__cause__, Exception):
            raise
        try:
            return _Trial(build, points, points, seed, rule).facts()
        except UserError:
            raise error from error.__cause__
    if few.failed_in_training is None:
        return facts
    try:
        whole = _Trial(build, points, points, seed, rule)
        of_all = whole.facts()
    except UserError:
        return facts
    return facts if whole.failed_in_training else of_all


class _Trial:
    def __init__(self, build: Builder, few: Points, points: Points, seed: int, rule: Rule) -> None:
        self.build, self.points, self.seed, self.rule = build, points, seed, rule
        self.index = 0  # of the network that is tried
        self.network = self._built(0)
        floats = (weights.dtype for weights in self.network.parameters() if weights.is_floating_point())
        self.dtype = next(floats, None)
        self.few = few.floats_to(self.dtype)
        self.gradients = self.stateful = False
        self.failure: UserError | None = None  # the first of the passes that may fail
        self.failed_in_training: UserError | None = None
        self.without_dropout = WithoutDropout()
        self.is_repeatable = fingerprint(self.network) == fingerprint(self._built(0))
        # Copied before it has seen points: what a builder with a generator of its own gives cannot be had again.
        self.pristine = None if self.is_repeatable else copied(self.network)

    def _built(self, index: int) -> nn.Module:
        with seeded(self.seed, index):
            return prepared(self.build(), self.points)

    def _take(self, index: int) -> None:
        """Go on with another network."""
        self.index, self.network = index, self._built(index)
        self.pristine = None if self.is_repeatable else copied(self.network)

    def _new(self) -> nn.Module:
        """The network again, as it was before it saw points."""
        return self._built(self.index) if self.pristine is None else copied(self.pristine)

    def _working(self) -> Any:
        """What eval() returns of the first network whose outputs are finite, or else of network 0.

        Raises:
            UserError: none of them gives outputs.
        """
        first: Any = None
        error: UserError | None = None
        for index in range(NETWORKS):
            if index:
                self._take(index)
            try:
                returned = self._first(modes_of(self.network)[1])
                if bool(tensor_of(returned)[0].isfinite().all()):
                    return returned
                first = returned if first is None else first
            except UserError as raised:
                error = error or raised
                if not isinstance(raised.__cause__, Exception):
                    break
        if first is None and error is not None:
            raise error
        self._take(0)
        return first

    def facts(self) -> Facts:
        notes = []
        if not self.is_repeatable:
            notes.append("the seed does not reach the builder: called again, it draws other networks")
        returned = self._working()
        evaluation = modes_of(self.network)[1]
        tensor, where = tensor_of(returned)
        outputs, words = at_positions(tensor, len(self.few), self.few.mask, self.rule)
        self.stateful = self._keeps_state(evaluation)
        self.failure = None
        training, evaluation, partly = training_modes(self.network, self._try, same)
        self.failed_in_training = self.failure if partly else None
        self.without_dropout.found = False  # of the modes that are looked at, not of those that were tried
        for one in {training, evaluation}:
            self._try(one)
        if training == evaluation and not bool((outputs != outputs[0]).any()) and batch_norms(self.network):
            # Outputs that are the same for all points say nothing: layers do.
            training = without_noise(self.network, *modes_of(self.network))
        given = {tensor.dtype for tensor in self.points.tensors if tensor.is_floating_point()}
        if self.dtype is not None and given - {self.dtype}:
            notes.append(f"inputs are cast to {str(self.dtype).removeprefix('torch.')}, as the model's weights are")
        if where or words:
            notes.append(f"outputs: {'; '.join(filter(None, (where, words)))}")
        if partly:
            why = "adds noise" if self.failed_in_training is None else f"fails: {self.failed_in_training}"
            notes.append(f"training mode {why}; those modules stay as eval() has them")
        if self.stateful:
            notes.append("a pass changes what the next one gives: each pass is of a network built anew")
        if len(self.few) == len(self.points) > FEW:
            notes.append("the model is given all points at once, as it needs them")
        rule = self.rule._replace(binary=self._binary(outputs, evaluation))
        if rule.binary:
            notes.append(f"the one output per point is taken for the {rule.binary} of class 1")
        modes = {"batch": training, "running": evaluation} if training != evaluation else {"batch": evaluation}
        facts = Facts(
            modes,
            self.dtype,
            rule,
            gradients=self.gradients,
            stateful=self.stateful,
            dropout=self.without_dropout.found,
            partly=partly,
            repeatable=self.is_repeatable,
            layers=True,
            last=self._last(evaluation),
            at_once=dict.fromkeys(modes, len(self.few)),
            classes=max(2, outputs.shape[1]),
            one_guess=len(outputs) == len(self.few),
            probabilities=rule.binary == "probability" or are_probabilities(outputs),
        )
        facts, largest = self._recorded(facts)
        if not facts.layers:
            notes.append("its layers cannot be recorded")
        at_once = {kind: self._at_once(mode, largest) for kind, mode in modes.items()}
        return replace(facts, at_once=at_once, notes=tuple(notes))

    def _run(self, modes: Modes, noise: int = 0, points: Points | None = None, *, fresh: bool = False) -> Any:
        return self._pass(self._new() if fresh or self.stateful else self.network, modes, noise, points)

    def _pass(self, network: nn.Module, modes: Modes, noise: int = 0, points: Points | None = None) -> Any:
        with seeded(self.seed, noise), in_mode(network, modes), self.without_dropout:
            return forward(network, (points or self.few).clone(), gradients=self.gradients)

    def _keeps_state(self, modes: Modes) -> bool:
        """Whether a network that has seen points guesses otherwise on others than one that has not."""
        half = torch.arange(len(self.few)) // 2
        others = self.few.map(lambda tensor: tensor[half.to(tensor.device)])
        return not same(self._try(modes, 0, others), self._try(modes, 0, others, fresh=True))

    def _first(self, modes: Modes) -> Any:
        try:
            return self._run(modes)
        except UserError as error:
            if not re.search(r"\b(require(s|d)?_grad|require grad|grad_fn|autograd)\b", str(error.__cause__)):
                raise
            self.gradients = True
            return self._run(modes, fresh=True)

    def _try(
        self, modes: Modes, noise: int = 0, points: Points | None = None, *, fresh: bool = False
    ) -> torch.Tensor | None:
        """Outputs, or None where the model fails."""
        points = points or self.few
        try:
            tensor, _ = tensor_of(self._run(modes, noise, points, fresh=fresh))
            return at_positions(tensor.detach(), len(points), points.mask, self.rule)[0]
        except UserError as error:
            self.failure = self.failure or error
            return None

    def _binary(self, outputs: torch.Tensor, modes: Modes) -> str | None:
        if outputs.shape[1] > 1:
            if self.rule.binary:
                raise UserError(f"--binary {self.rule.binary}: the model has {outputs.shape[1]} outputs, not one")
            return None
        if self.rule.binary:
            return self.rule.binary
        says_something = False  # as zeros from a layer that starts at zero do not
        for index in range(BINARY_NETWORKS):
            tensor, _ = tensor_of(self._pass(self._built(index), modes))
            if bool(((tensor < 0) | (tensor > 1)).any()):
                return "logit"
            says_something |= bool(tensor.any())
        return "probability" if says_something else "logit"

    def _last(self, modes: Modes) -> str | None:
        """The linear layer that gives the model's outputs, if its weights are drawn for it alone."""
        network = self._new()
        try:
            found = output_layer(network, lambda: tensor_of(self._pass(network, modes))[0], is_linear)
        except UserError:
            return None
        if found is None:
            return None
        name, layer = found
        weight = cast(torch.Tensor, layer.weight)
        parameters = (of for module in network.modules() for of in module._parameters.values() if of is not None)
        # Another module's too, or a copy of it, as of an embedding.
        used = [of for of in parameters if of is weight or (of.shape == weight.shape and torch.equal(of, weight))]
        return name if len(used) == 1 and isinstance(weight, nn.Parameter) else None

    def _recorded(self, facts: Facts) -> tuple[Facts, int]:
        """The facts, without layers or without a last one where hooks fail the model; bytes of the largest layer."""
        for layers, last in ((True, facts.last), (False, None)):
            facts = replace(facts, layers=layers, last=last)
            network = self._new()
            try:
                with seeded(self.seed, 0):
                    outputs, recorder, moments = outputs_of(network, self.few, "batch", facts)
            except UserError:
                continue
            seen = recorder.layers() if recorder else {}
            largest = max((layer.bytes for layer in seen.values()), default=0)
            is_read = bool(set(seen) - {"input"})
            last = last if moments is not None and moments.n else None
            return replace(facts, layers=is_read, last=last), max(
                largest, outputs.numel() * outputs.element_size() // len(self.few)
            )
        return facts, 0

    def _at_once(self, modes: Modes, largest: int) -> int:
        """Points in one pass: all, if they influence each other or there is memory for them."""
        n, few = len(self.points), len(self.few)
        needed = LAYERS_AT_ONCE * largest * n
        if few == n:
            return n
        pair, both = self._try(modes, 0, self.few[:2]), self._try(modes)
        apart = pair is not None and both is not None and same(pair, both[: len(pair)])
        if apart and needed > BYTES_AT_ONCE:
            return max(1, BYTES_AT_ONCE // (LAYERS_AT_ONCE * largest))
        there = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        if needed > there and self.points.first.device.type == "cpu":
            raise UserError(
                f"a forward pass of {n} points needs about {needed / 2**30:.0f} GiB, this machine has "
                f"{there / 2**30:.0f}: use at most {int(n * there / needed)} points"
            )
        return n


def same(first: torch.Tensor | None, second: torch.Tensor | None) -> bool:
    """Whether two outputs [n, classes] are the same, up to rounding: of how points differ, and of the outputs."""
    if first is None or second is None or first.shape != second.shape:
        return False
    one, other = first.detach().double(), second.detach().double()
    finite = one.nan_to_num(0, 0, 0)
    spread, size = float((finite - finite.mean(dim=0)).abs().max()), float(finite.abs().max())
    allowed = TOLERANCE.get(first.dtype, 1e-4) * spread + ULPS * torch.finfo(first.dtype).eps * size
    return torch.allclose(one, other, rtol=0, atol=allowed, equal_nan=True)


def is_linear(module: nn.Module) -> bool:
    """A linear layer, or a convolution that sees one place."""
    return isinstance(module, nn.Linear) or (isinstance(module, nn.Conv2d) and set(module.kernel_size) == {1})
