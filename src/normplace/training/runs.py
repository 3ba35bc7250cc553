"""Training many independent runs of one network, and watching how the initial guess is absorbed.

A run draws its weights and its batch order from generators of its own, seeded by (seed, run): its numbers are
the same alone, among others, in any number of processes, and after a kill and a resume.
"""

import csv
import io
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import parameters_to_vector
from tqdm import tqdm

from normplace.errors import UserError
from normplace.networks.modules import batch_norms, evaluating, initialise
from normplace.networks.random import network_generator
from normplace.parallel import completed
from normplace.training import checkpoints
from normplace.training.optimizers import OPTIMIZERS

PREJUDICED, NEUTRAL = 0.9, 0.1  # difference of guess fractions above, below which a start is selected (authors')
MAX_DRAWS = 1000
CHECKPOINT_SECONDS = 5.0
EVALUATIONS_PER_DECADE = 10  # log-spaced back from the last step, so that a tenth of all steps is one of them

SPLITS = ("train", "test")
MODES = ("batch", "running", "")  # BatchNorm's statistics; empty without BatchNorm
MEASURES = (
    "loss",
    "accuracy",
    "accuracy_majority",
    "accuracy_minority",
    "max_guess_fraction",
    "guess_fraction_majority",
    "weight_cosine",
    "loss_majority",
    "loss_minority",
    "gradient_norm",
)
LOSS = 5  # where the loss is in a row; an evaluation's first row is the training split's
Row = list[float]  # run, step, epoch, index into SPLITS, index into MODES, MEASURES, majority, draws, diverged, G_c


class Points(NamedTuple):
    """x: float32 [n, ...]; y: int64 [n]."""

    x: torch.Tensor
    y: torch.Tensor


@dataclass(frozen=True)
class Plan:
    """How to train. select: "any" start, or redraw until it is "prejudiced" or "neutral"."""

    optimizer: str
    learning_rate: float
    batch_size: int
    epochs: int
    runs: int
    select: str = "any"
    seed: int = 0


def columns(classes: int) -> list[str]:
    """Names of a row's entries."""
    head = ["run", "step", "epoch", "split", "bn_statistics", *MEASURES, "majority", "draws", "diverged"]
    return head + [f"guess_fraction_{label}" for label in range(classes)]


def evaluation_steps(last: int) -> list[int]:
    """Steps 0 to 7, then log-spaced, and the last step."""
    late = {round(last * 10 ** (-k / EVALUATIONS_PER_DECADE)) for k in range(10 * EVALUATIONS_PER_DECADE)}
    return sorted({*range(min(last, 7) + 1), *(step for step in late if step > 7), last})


def check_plan(plan: Plan, points: int, normalises_batches: bool) -> None:
    """Refuse what cannot be trained.

    Raises:
        UserError: a batch larger than the data, or a last batch of one point that BatchNorm cannot normalise.
    """
    if plan.batch_size > points:
        raise UserError(f"--batch-size {plan.batch_size}: larger than the {points} training points")
    if normalises_batches and 1 in (plan.batch_size, points % plan.batch_size):
        raise UserError(f"--batch-size {plan.batch_size}: leaves a batch of 1 of {points}, which BatchNorm cannot use")


def train(
    build: Callable[[], nn.Module],
    train_points: Points,
    test_points: Points,
    plan: Plan,
    *,
    unfinished: Path | None = None,
    fingerprint: str = "",
    device: str = "cpu",
    processes: int = 1,
    progress: bool = False,
) -> list[Row]:
    """Train `plan.runs` networks that `build` makes; returns the rows of all evaluations, run by run.

    All starts are found before the first run is trained.

    unfinished: folder for checkpoints, one file a run; what is there under the same fingerprint (hexadecimal) is gone
    on with.

    Raises:
        UserError: the plan does not fit the data, or no start of the kind asked for is found in 1000 draws.
        ValueError: a folder for checkpoints without a fingerprint.
    """
    if unfinished and not fingerprint:
        raise ValueError("checkpoints need a fingerprint: without one, those of another request would be gone on with")
    check_plan(plan, len(train_points.y), 0 in modes(build()))

    def of_all_runs(work: str, function: Callable[..., Any], calls: list[tuple[Any, ...]]) -> list[Any]:
        done = completed(function, calls, processes)
        with tqdm(done, total=plan.runs, unit="run", desc=work, disable=None if progress else True) as bar:
            return [result for _, result in sorted(bar, key=lambda item: item[0])]

    starts = [(run, build, train_points.x, plan, device) for run in range(plan.runs)]
    runs = [
        (run, start, build, train_points, test_points, plan, unfinished, fingerprint, device)
        for run, start in enumerate(of_all_runs("starts", find_start, starts))
    ]
    return [row for rows in of_all_runs("training", train_run, runs) for row in rows]


class Start(NamedTuple):
    """Where a run starts. generator_state: of the weights' generator before the draw that was taken."""

    generator_state: torch.Tensor
    draws: int
    majority: int


@torch.no_grad()
def find_start(run: int, build: Callable[[], nn.Module], x: torch.Tensor, plan: Plan, device: str = "cpu") -> Start:
    """Initialise a run's network until its start is of the kind asked for.

    The guesses are those on all training points, with batch statistics; the majority is the class guessed most.

    Raises:
        UserError: none of 1000 draws was of that kind; the message has the nearest difference found.
    """
    x, network, generator = x.to(device), build(), network_generator(plan.seed, run)
    differences = []
    for draw in range(1, MAX_DRAWS + 1):
        state = generator.get_state()
        initialise(network.cpu(), generator)  # the generators are the CPU's, so that a GPU gets the same weights
        with evaluating(network.to(device), "batch"):
            outputs = network(x)
        fractions = torch.bincount(outputs.argmax(dim=1), minlength=outputs.shape[1]) / len(x)
        difference = float(fractions.max() - fractions.min())
        differences.append(difference)
        if (
            plan.select == "any"
            or (plan.select == "prejudiced" and difference > PREJUDICED)
            or (plan.select == "neutral" and difference < NEUTRAL)
        ):
            return Start(state, draw, int(fractions.argmax()))
    wanted, nearest = (
        (f"above {PREJUDICED}", f"the largest is {max(differences):.3f}")
        if plan.select == "prejudiced"
        else (f"below {NEUTRAL}", f"the smallest is {min(differences):.3f}")
    )
    raise UserError(
        f"--select {plan.select}: none of {MAX_DRAWS} starts has a difference of guess fractions {wanted}, {nearest}"
    )


def train_run(
    run: int,
    start: Start,
    build: Callable[[], nn.Module],
    train_points: Points,
    test_points: Points,
    plan: Plan,
    unfinished: Path | None = None,
    fingerprint: str = "",
    device: str = "cpu",
) -> list[Row]:
    """Train one run, from its checkpoint where there is one; returns its rows."""
    splits = [Points(points.x.to(device), points.y.to(device)) for points in (train_points, test_points)]
    x, y = splits[0]
    order = network_generator(plan.seed, 2**31 + run)
    network = build().to(device)
    optimizer = OPTIMIZERS[plan.optimizer](network.parameters(), plan.learning_rate)
    path = unfinished / f"run-{run:04}.pt" if unfinished else None
    state = checkpoints.load(path, fingerprint, network, optimizer) if path else None
    if state is None:
        weights = network_generator(plan.seed, run)
        weights.set_state(start.generator_state)
        initialise(network.cpu(), weights)
        network.to(device)
        state = checkpoints.State(_flat(network), start.majority, start.draws, order.get_state(), rows=[])
    if state.finished:
        return state.rows
    order.set_state(state.order_state)
    permutation = torch.randperm(len(y), generator=order)
    if state.step == 0:
        order.set_state(state.order_state)

    steps_per_epoch = math.ceil(len(y) / plan.batch_size)
    last = steps_per_epoch * plan.epochs
    evaluate_at = set(evaluation_steps(last))
    saved = time.monotonic()
    while True:
        position = state.step % steps_per_epoch
        if state.step in evaluate_at:
            evaluated = evaluate(network, splits, run, state, state.step / steps_per_epoch)
            if not math.isfinite(evaluated[0][LOSS]):
                state.rows += diverged(network, run, state, state.step / steps_per_epoch)
                break
            state.rows += evaluated
        if state.step == last:
            break
        if position == 0:
            state.order_state = order.get_state()
            permutation = torch.randperm(len(y), generator=order)
        batch = permutation[position * plan.batch_size : (position + 1) * plan.batch_size].to(device)
        loss = F.cross_entropy(network(x[batch]), y[batch])
        if not math.isfinite(loss.item()):
            state.rows += diverged(network, run, state, state.step / steps_per_epoch)
            break
        network.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        state.step += 1
        if path and time.monotonic() - saved >= CHECKPOINT_SECONDS:
            checkpoints.save(path, fingerprint, state, network, optimizer)
            saved = time.monotonic()
    state.finished = True
    if path:
        checkpoints.save(path, fingerprint, state, network, optimizer)
    return state.rows


def evaluate(network: nn.Module, splits: list[Points], run: int, state: checkpoints.State, epoch: float) -> list[Row]:
    """Rows of one evaluation: every split, and both kinds of BatchNorm statistics where there is BatchNorm."""
    now, start = _flat(network).double(), state.start.to(splits[0].x.device).double()
    cosine = float(now @ start / (now.norm() * start.norm()))
    rows = []
    for mode in modes(network):
        for split, (x, y) in enumerate(splits):
            if len(y) == 0:
                continue
            gradient_norm = math.nan
            with evaluating(network, MODES[mode] or "batch"):
                if split == 0 and MODES[mode] != "running":
                    outputs = network(x)
                    gradients = torch.autograd.grad(F.cross_entropy(outputs, y), list(network.parameters()))
                    gradient_norm = float(torch.nn.utils.get_total_norm(gradients))
                    outputs = outputs.detach()
                else:
                    with torch.inference_mode():
                        outputs = network(x)
            measures, fractions = measure(outputs, y, state.majority)
            numbers = [*measures[:6], cosine, *measures[6:], gradient_norm]
            rows.append([run, state.step, epoch, split, mode, *numbers, state.majority, state.draws, 0, *fractions])
    return rows


def measure(outputs: torch.Tensor, y: torch.Tensor, majority: int) -> tuple[list[float], list[float]]:
    """The measures of outputs [n, C] at labels y that are neither cosine nor gradient, in order, and G_c."""
    losses = F.cross_entropy(outputs, y, reduction="none")
    guesses = outputs.argmax(dim=1)
    right = (guesses == y).float()
    favoured = y == majority
    fractions = (torch.bincount(guesses, minlength=outputs.shape[1]) / len(y)).tolist()
    return [
        float(losses.mean()),
        float(right.mean()),
        float(right[favoured].mean()),
        float(right[~favoured].mean()),
        max(fractions),
        fractions[majority],
        float(losses[favoured].mean()),
        float(losses[~favoured].mean()),
    ], fractions


def diverged(network: nn.Module, run: int, state: checkpoints.State, epoch: float) -> list[Row]:
    """Rows that say a run ended here because its loss was no longer finite; nothing else is known of it then."""
    classes = int(list(network.parameters())[-1].numel())
    unknown = [math.nan] * len(MEASURES)
    return [
        [run, state.step, epoch, split, mode, *unknown, state.majority, state.draws, 1, *[math.nan] * classes]
        for mode in modes(network)
        for split in range(len(SPLITS))
    ]


def modes(network: nn.Module) -> list[int]:
    """Which of MODES a network is evaluated in."""
    return [0, 1] if batch_norms(network) else [2]


def _flat(network: nn.Module) -> torch.Tensor:
    return parameters_to_vector(network.parameters()).detach().clone()


def to_csv(rows: list[Row], classes: int) -> str:
    """The rows as CSV, one a run, evaluation, split and kind of BatchNorm statistics; unknown values are empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = columns(classes)
    writer.writerow(names)
    whole = {names.index(name) for name in ("run", "step", "majority", "draws", "diverged")}
    for row in rows:
        cells: list[object] = [
            int(value) if index in whole else "" if math.isnan(value) else f"{value:.8g}"
            for index, value in enumerate(row)
        ]
        cells[3], cells[4] = SPLITS[int(row[3])], MODES[int(row[4])]
        writer.writerow(cells)
    return text.getvalue()


def summary(rows: list[Row], classes: int) -> str:
    """One line: test accuracy at the end, and how many runs diverged."""
    names = columns(classes)
    last = {row[0]: row for row in rows if SPLITS[int(row[3])] == "test"}.values()
    accuracies = [row[names.index("accuracy")] for row in last if not row[names.index("diverged")]]
    ended = f"median test accuracy {np.median(accuracies):.3f}" if accuracies else "no run reached the end"
    by = f" by {MODES[int(rows[-1][4])]} statistics" if MODES[int(rows[-1][4])] else ""
    return f"{len(last)} runs: {ended}{by}, {len(last) - len(accuracies)} diverged"
