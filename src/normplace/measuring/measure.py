"""How prejudiced is my network? Any PyTorch model that guesses, drawn many times by its own initialisation."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from normplace.errors import UserError, check_one_of, check_whole
from normplace.measuring.builders import Builder, copied, fingerprint, own_initialisation, seeded
from normplace.measuring.look import Change, Facts, Look, look_at, outputs_of, prepared
from normplace.measuring.modes import NAMES, step_by_step
from normplace.measuring.outputs import BINARY, Rule, check_positions
from normplace.measuring.points import Given, Points
from normplace.measuring.prejudice import Prejudice, together
from normplace.measuring.trial import tried
from normplace.measuring.variants import centred, contrasts, remedies
from normplace.networks.language.modules import STD, Decoder
from normplace.parallel import resolve_device
from normplace.progress import bar
from normplace.statistics import Estimate
from normplace.theories.decoder import gamma_of_decoder

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BOTH = "training and eval()"
FAILING = 3  # networks in a row at the start that fail: then all do
LAYERED = 30  # networks of which layers are recorded: their gammas vary little, and take longer than small models
Pass = tuple[str, Points, str, Facts]  # what it is called, on which points, in which mode


@dataclass(frozen=True, eq=False, repr=False)
class Measurement:
    """What `measure` found.

    batch: in training mode with dropout off, so BatchNorm with the statistics of all points. running: as eval() shows
    it, BatchNorm with fresh running statistics; None where both guess the same. contrast: on shuffled and on random
    inputs; remedies: after each of them; both in the mode of `batch`. inits: how many networks were drawn, of the
    `asked`; fewer after Ctrl-C. diverged: how many of them had outputs that are not finite, and are left out.
    initialisation: how, in words. shape: of one point. points: how many. shown: which mode `batch` is of, in words, or
    both where they guess the same. fingerprint: of the first network. notes: what a reader should know. name:
    what the model is called. print gives the report that `normplace measure` prints.
    """

    batch: Prejudice
    running: Prejudice | None
    contrast: dict[str, Prejudice]
    remedies: dict[str, Prejudice]
    inits: int
    asked: int
    diverged: int
    initialisation: str
    points: int
    shape: str
    labelled: bool
    shown: str
    fingerprint: str
    notes: tuple[str, ...]
    name: str

    @property
    def classes(self) -> int:
        """How many outputs the model has."""
        return int(self.batch.guess_fraction.shape[1])

    @property
    def by_statistics(self) -> dict[str, Prejudice]:
        """What was found by kind of BatchNorm statistics; where they guess the same, "batch" alone."""
        return {"batch": self.batch} | ({} if self.running is None else {"running": self.running})

    def gamma(self) -> Estimate[float]:
        """gamma of the outputs in training mode, with its 95 % interval over networks."""
        return self.batch.gamma

    def regime(self) -> str:
        """The regime at this depth in training mode, or "undecided", or "no guess"."""
        return self.batch.regime

    def plot(self) -> "Figure":
        """The guesses of the networks, and gamma layer by layer."""
        from normplace.measuring.picture import draw
        from normplace.pictures import in_look

        return in_look(lambda: draw(self, self.name))

    def __repr__(self) -> str:
        from normplace.measuring.report import report

        return report(self, self.name)


def measure(
    model: Builder | nn.Module,
    x: Given,
    inits: int = 200,
    seed: int = 0,
    *,
    labels: torch.Tensor | None = None,
    classes: int | None = None,
    positions: str | int | None = None,
    binary: str | None = None,
    contrast: bool = False,
    remedy: bool = False,
    trial: bool = True,
    device: str = "cpu",
    progress: bool = False,
) -> Measurement:
    """Draw `inits` networks and see what they guess on the points x.

    model: a function (or class) that returns a new nn.Module, called for every network, its own way of drawing weights
    being the initialisation; or an nn.Module, of which copies are redrawn by reset_parameters. x: floats or tokens
    [n, ...], several such tensors, or named ones, as the model's forward takes them. Outputs are floats [n, classes],
    [n, positions, classes], [n, classes, h, w] or one per point, alone or in a dictionary or a tuple. It is evaluated
    without dropout and without gradients, in training mode and as eval() has it if the two differ. The global
    generators of torch, numpy and Python are seeded for every network from (seed, index), and afterwards are as they
    were. Ctrl-C ends the drawing, and what was measured is returned, if it is 2 networks or more.

    labels: int64 [n], for the loss; without any, all classes are as likely. classes: of the data, where the labels may
    lack some (default: up to the largest label). positions: "last", "mean", "all" or an
    index, where outputs have positions (default: the last of [n, positions, classes], all of [n, classes, h, w]).
    binary: whether one output is a "logit" or a "probability" (default: found out). contrast: also on shuffled and on
    random inputs. remedy: also with centred inputs, a centred output, a smaller last layer. trial: try a few points
    first. progress: show a bar. device: where networks run.

    Raises:
        UserError: the model fails, its outputs are none of these or mostly not finite, its weights are the same in
            every network, or a forward pass would not fit into memory.

    >>> from torch import nn
    >>> from normplace import load
    >>> def build():
    ...     return nn.Sequential(nn.Flatten(), nn.Linear(64, 100), nn.ReLU(), nn.Linear(100, 2))
    >>> measure(build, load("digits", points=200).x, inits=40).regime()
    'deeply prejudiced'
    """
    check_whole("inits", inits, 2)
    check_whole("seed", seed, 0)
    rule = Rule(check_positions(positions), binary)
    if binary is not None:
        check_one_of("binary", binary, BINARY)
    device, points = resolve_device(device), Points.of(x)
    labels = None if labels is None else _checked(labels, len(points))
    build, initialisation = own_initialisation(model)
    points = points.map(lambda tensor: tensor.to(device))
    with step_by_step():
        facts = tried(build, points, seed, rule, trial=trial)
        labels, notes = _fitting(labels, classes, facts)
        if remedy and facts.last is None:
            notes += ("no last layer of its own gives the outputs, so that neither its bias nor its scale is tried",)
        looking = _Looking(build, facts, points, labels, seed, contrast=contrast, remedy=remedy)
        try:
            with bar(progress, inits, "net") as networks:
                for index in range(inits):
                    looking.at_network(index)
                    networks.update()
        except KeyboardInterrupt:
            if looking.drawn < 2:
                raise
    found, lost = looking.found()
    return Measurement(
        batch=found["batch"],
        running=found.get("running"),
        contrast={name: found[name] for name in looking.contrasts if name in found},
        remedies={name: of for name, of in found.items() if name not in ("batch", "running", *looking.contrasts)},
        inits=looking.drawn,
        asked=inits,
        diverged=looking.drawn - len(looking.failures) - len(looking.seen["batch"]),
        initialisation=initialisation,
        points=len(points),
        shape=points.shape,
        labelled=labels is not None,
        shown=NAMES["batch"] if "running" in facts.modes else NAMES["running"] if facts.partly else BOTH,
        fingerprint=looking.first,
        notes=facts.notes + notes + lost,
        name=getattr(getattr(model, "func", model), "__name__", type(model).__name__),
    )


def _checked(labels: torch.Tensor, n: int) -> torch.Tensor:
    """The labels as a tensor.

    Raises:
        UserError: they are not n whole numbers from 0.
    """
    try:
        labels = torch.as_tensor(labels)
    except (TypeError, ValueError, RuntimeError):
        raise UserError(f"labels of type {type(labels).__name__}: {n} whole numbers from 0 are needed") from None
    is_whole = not labels.is_floating_point() and not labels.is_complex()
    if labels.shape != (n,) or not is_whole or int(labels.min()) < 0:
        raise UserError(f"labels of shape {list(labels.shape)}, {labels.dtype}: {n} whole numbers from 0 are needed")
    return labels.long()


def _fitting(
    labels: torch.Tensor | None, classes: int | None, facts: Facts
) -> tuple[torch.Tensor | None, tuple[str, ...]]:
    """The labels if they fit the outputs, and what a reader should know if they do not."""
    if labels is None:
        return None, ()
    classes = classes or int(labels.max()) + 1
    notes = (f"the model has {facts.classes} outputs, the data {classes} classes",) if facts.classes != classes else ()
    return (labels if facts.one_guess and facts.classes >= classes else None), notes


class _Looking:
    """All that is looked at of every network."""

    def __init__(
        self,
        build: Builder,
        facts: Facts,
        points: Points,
        labels: torch.Tensor | None,
        seed: int,
        *,
        contrast: bool,
        remedy: bool,
    ) -> None:
        self.build, self.facts, self.points, self.labels, self.seed = build, facts, points, labels, seed
        self.contrasts = contrasts(points, seed) if contrast else {}
        others = dict(self.contrasts)
        self.changes: dict[str, Change] = {}
        if remedy:
            self.changes = dict(remedies(is_linear=facts.last is not None))
            without_mean = centred(points)
            others |= {} if without_mean is None else {"inputs centred": without_mean}
        # eval() first: training mode may leave traces that putting back buffers does not remove.
        passes: list[Pass] = [(kind, points, kind, facts) for kind in sorted(facts.modes, reverse=True)]
        passes += [(name, of, "batch", replace(facts, layers=False)) for name, of in others.items()]
        # Of each network one after the other, or each of a network of its own.
        self.groups = [[one] for one in passes] if facts.stateful else [passes]
        self.seen: dict[str, dict[int, Look]] = {}  # by kind of look, and number of the network
        self.drawn = 0
        self.failures: list[str] = []
        self.first = ""
        self._decoder: Decoder | None = None

    def at_network(self, index: int) -> None:
        """Look at one network; what is not finite, or fails where others do not, is left out and counted.

        Raises:
            UserError: the first few all fail, or two are the same.
        """
        try:
            self._look(index)
        except UserError as error:
            if len(self.failures) == index == FAILING - 1 or not isinstance(error.__cause__, Exception):
                raise
            self.failures.append(str(error))
        self.drawn += 1

    def _look(self, index: int) -> None:
        looks: dict[str, Look] = {}
        original: nn.Module | None = None
        for group in self.groups:
            with seeded(self.seed, index):
                if original is None or self.facts.repeatable:
                    network = prepared(self.build(), self.points)
                    original = network if self.facts.repeatable or len(self.groups) == 1 else copied(network)
                else:
                    network = copied(original)
                self._meet(network, index)
                for name, points, kind, facts in group:
                    facts = replace(facts, layers=False) if index >= LAYERED else facts
                    changes = self.changes if name == "batch" else {}
                    seen = look_at(network, points, kind, facts, self.labels, changes)
                    looks |= {change or name: look for change, look in (seen or {}).items()}
        for name, look in looks.items():
            self.seen.setdefault(name, {})[index] = look

    def found(self) -> tuple[dict[str, Prejudice], tuple[str, ...]]:
        """What the networks say together by kind of look, and what a reader should know of those that are missing.

        Raises:
            UserError: in training mode, or in the one mode there is, most failed or had outputs that are not finite.
        """
        found: dict[str, Prejudice] = {}
        failed = f"{len(self.failures)} of {self.drawn} networks failed: {'; '.join(self.failures[:1])}"
        notes = [failed] if self.failures else []
        for kind in dict.fromkeys(("batch", *self.facts.modes, *self.contrasts, *self.seen)):
            seen = self.seen.get(kind, {})
            lost = self.drawn - len(self.failures) - len(seen)
            where = "" if len(self.facts.modes) == 1 and kind == "batch" else f"{NAMES.get(kind, kind)}: "
            said = f"{where}the outputs of {lost} of {self.drawn} networks are not finite"
            if len(seen) >= max(2, self.drawn / 2):
                found[kind] = replace(together(list(seen.values())), networks=tuple(seen))
            elif kind == "batch":
                raise UserError(said if lost else failed)
            if lost:
                notes.append(f"{said}, and left out" if kind in found else said)
        one, other = list(self.seen["batch"].values())[:2]
        if np.array_equal(one.output_var, other.output_var) and one.output_var.any():
            notes.append("two networks give the same outputs: no weight that is drawn reaches them")
        for kind, of in self.theory().items():
            found[kind] = replace(found[kind], theory=of)
        return found, tuple(notes)

    def theory(self) -> dict[str, float]:
        """gamma of the outputs at infinite width by kind of look, for our own decoders at their last position."""
        network = self._decoder
        if network is None or self.facts.rule.positions not in (None, "last"):
            return {}
        spec = network.style, network.norm, network.placement, network.depth, network.output.in_features, STD
        inputs = {"batch": self.points, **self.contrasts}
        return {kind: gamma_of_decoder(points.first.cpu().numpy(), *spec) for kind, points in inputs.items()}

    def _meet(self, network: nn.Module, index: int) -> None:
        """Refuse a second network that is the first one again; keep the first one of our decoders for its theory."""
        if index == 0:
            self.first = fingerprint(network)
            self._decoder = network if isinstance(network, Decoder) else None
        elif index == 1 and self.first == fingerprint(network) and self._is_the_first_again():
            if not any(weights.numel() for weights in network.parameters()):
                raise UserError("the model has no weights to draw, and two of its networks give the same outputs")
            raise UserError(
                "two networks have exactly the same weights: the model is not drawn anew (does it set a seed, load "
                "weights, start from constants, or return the same module again?)"
            )

    def _is_the_first_again(self) -> bool:
        """Whether the first two networks guess the same under one seed of noise; weights need not be parameters."""
        outputs = []
        for index in range(2):
            with seeded(self.seed, index):
                network = prepared(self.build(), self.points)
            with seeded(self.seed, 0):
                outputs.append(outputs_of(network, self.points, "batch", replace(self.facts, layers=False))[0])
        return torch.equal(*outputs)
