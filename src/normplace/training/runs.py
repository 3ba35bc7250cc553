"""Training many independent runs of one network, and watching how the initial guess is absorbed.

A run draws its weights and its batch order from generators of its own, seeded by (seed, run): its numbers are
the same alone, among others, in any number of processes, and after a kill and a resume.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from normplace.errors import UserError, check_number, check_one_of, check_whole
from normplace.networks.modules import initialise
from normplace.networks.random import network_generator
from normplace.parallel import completed
from normplace.progress import bar
from normplace.training import checkpoints
from normplace.training.evaluations import Points, Row, bn_statistics, diverged, evaluate, evaluation_steps, flat
from normplace.training.optimizers import OPTIMIZERS
from normplace.training.starts import SELECTIONS, Start, find_start

CHECKPOINT_SECONDS = 5.0


@dataclass(frozen=True)
class Plan:
    """How to train. select: "any" start, or redraw until it is "prejudiced" or "neutral".

    first_run: the number of the first of the runs; a run is the same in whatever part it is trained.
    """

    optimizer: str
    learning_rate: float
    batch_size: int
    epochs: int
    runs: int
    select: str = "any"
    seed: int = 0
    first_run: int = 0


def check_plan(plan: Plan, points: int, normalises_batches: bool) -> None:
    """Refuse what cannot be trained.

    Raises:
        UserError: a value that is not allowed, a batch larger than the data, or a last batch of one point that
            BatchNorm cannot normalise.
    """
    check_one_of("optimizer", plan.optimizer, OPTIMIZERS)
    check_one_of("select", plan.select, SELECTIONS)
    check_number("lr", plan.learning_rate, above=0)
    sizes = (("batch-size", plan.batch_size, 1), ("epochs", plan.epochs, 1), ("runs", plan.runs, 1))
    for option, value, least in (*sizes, ("seed", plan.seed, 0), ("first-run", plan.first_run, 0)):
        check_whole(option, value, least)
    if plan.batch_size > points:
        raise UserError(f"--batch-size {plan.batch_size}: larger than the {points} training points")
    if normalises_batches and 1 in (plan.batch_size, points % plan.batch_size):
        raise UserError(f"--batch-size {plan.batch_size}: leaves a batch of 1 of {points}, which BatchNorm cannot use")


def train_runs(
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

    unfinished: folder for checkpoints, one file a run; what is there under the same fingerprint (hexadecimal) is
    resumed.

    Raises:
        UserError: the plan does not fit the data, or no start of the kind asked for is found in 1000 draws.
        ValueError: a folder for checkpoints without a fingerprint.
    """
    if unfinished and not fingerprint:
        raise ValueError("checkpoints need a fingerprint: without one, those of another request would be resumed")
    check_plan(plan, len(train_points.y), bn_statistics(build()) != ("",))

    def of_all_runs(work: str, function: Callable[..., Any], calls: list[tuple[Any, ...]]) -> list[Any]:
        results = {}
        with bar(progress, plan.runs, "run", work) as runs:
            for index, result in completed(function, calls, processes):
                results[index] = result
                runs.update()
        return [results[index] for index in range(plan.runs)]

    numbers = range(plan.first_run, plan.first_run + plan.runs)
    starts = [(run, build, train_points.evaluated().x, plan.select, plan.seed, device) for run in numbers]
    runs = [
        (run, start, build, train_points, test_points, plan, unfinished, fingerprint, device)
        for run, start in zip(numbers, of_all_runs("starts", find_start, starts), strict=True)
    ]
    return [row for rows in of_all_runs("training", train_run, runs) for row in rows]


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
    x, y = train_points.x.to(device), train_points.y.to(device)
    splits = [Points(x, y).evaluated(), Points(test_points.x.to(device), test_points.y.to(device))]
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
        state = checkpoints.State(flat(network), start.majority, start.draws, order.get_state(), rows=[])
    if state.finished:
        return state.rows
    order.set_state(state.order_state)
    permutation = torch.randperm(len(y), generator=order)
    if state.step == 0:
        order.set_state(state.order_state)

    steps_per_epoch = math.ceil(len(y) / plan.batch_size)
    last = steps_per_epoch * plan.epochs
    evaluate_at = set(evaluation_steps(last))

    def known() -> Row:
        """Where the run is."""
        at: Row = {"run": run, "step": state.step, "epoch": state.step / steps_per_epoch}
        return at | {"majority": state.majority, "draws": state.draws}

    saved = time.monotonic()
    while True:
        position = state.step % steps_per_epoch
        if state.step in evaluate_at:
            rows = evaluate(network, splits, state.start, known())
            if not math.isfinite(float(rows[0]["loss"])):  # the training split's
                state.rows += diverged(network, known())
                break
            state.rows += rows
        if state.step == last:
            break
        if position == 0:
            state.order_state = order.get_state()
            permutation = torch.randperm(len(y), generator=order)
        batch = permutation[position * plan.batch_size : (position + 1) * plan.batch_size].to(device)
        loss = F.cross_entropy(network(x[batch]), y[batch])
        if not math.isfinite(loss.item()):
            state.rows += diverged(network, known())
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
