"""Training many independent runs of one network, and watching how the initial guess is absorbed.

A run draws its weights and its batch order from generators of its own, seeded by (seed, run): its numbers are
the same alone, among others, in any number of processes, and after a kill and a resume.
"""

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from normplace.errors import UserError
from normplace.networks.modules import initialise
from normplace.networks.random import network_generator
from normplace.parallel import completed
from normplace.progress import bar
from normplace.training import checkpoints
from normplace.training.augmentation import MARGIN, Moves, draw_moves, moved
from normplace.training.evaluations import Points, Row, bn_statistics, diverged, evaluate, evaluation_steps, flat
from normplace.training.optimizers import make_optimizer
from normplace.training.plan import Plan
from normplace.training.starts import Start, find_start

CHECKPOINT_SECONDS = 5.0


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
        UserError: the plan does not fit the data or the network, or no start of the kind asked for is found in 1000
            draws.
        ValueError: a folder for checkpoints without a fingerprint.
    """
    if unfinished and not fingerprint:
        raise ValueError("checkpoints need a fingerprint: without one, those of another request would be resumed")
    plan.check(len(train_points.y), bn_statistics(build()) != ("",))
    if plan.augment and (train_points.x.ndim != 4 or min(train_points.x.shape[2:]) <= MARGIN):
        shape = list(train_points.x.shape[1:])
        raise UserError(f"--augment: needs a network for images of more than {MARGIN} pixels a side, not of {shape}")

    def of_all_runs(work: str, function: Callable[..., Any], calls: list[tuple[Any, ...]]) -> list[Any]:
        results = {}
        with bar(progress, plan.runs, "run", work) as runs:
            for index, result in completed(function, calls, processes):
                results[index] = result
                runs.update()
        return [results[index] for index in range(plan.runs)]

    numbers = range(plan.first_run, plan.first_run + plan.runs)
    starts = [(run, build, train_points.x, plan, device) for run in numbers]
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
    x, y = points = train_points.on(device)
    splits = [points.first(plan.evaluated), test_points.on(device)]
    order = network_generator(plan.seed, 2**31 + run)
    network, start_state = _network(run, start, build, plan, device), order.get_state()
    optimizer = make_optimizer(plan.optimizer, network.parameters(), plan.weight_decay)
    begun = checkpoints.State(flat(network), start.majority, start.draws, start_state, rows=[])
    path = unfinished / f"run-{run:04}.pt" if unfinished else None
    state = checkpoints.load(path, fingerprint, network, optimizer) if path else None
    state = state or begun
    if state.finished:
        return state.rows
    order.set_state(state.order_state)
    permutation, moves = _epoch(len(y), plan.augment, order)
    if state.step == 0:
        order.set_state(state.order_state)

    steps_per_epoch = math.ceil(len(y) / plan.batch_size)
    last = steps_per_epoch * plan.epochs
    evaluate_at, rates = set(evaluation_steps(last)), [plan.rate(epoch) for epoch in range(plan.epochs)]

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
            permutation, moves = _epoch(len(y), plan.augment, order)
        batch = permutation[position * plan.batch_size : (position + 1) * plan.batch_size].to(device)
        inputs = x[batch] if moves is None else moved(x[batch], Moves(*(part[batch] for part in moves)))
        loss = F.cross_entropy(network(inputs), y[batch])
        if not math.isfinite(loss.item()):
            state.rows += diverged(network, known())
            break
        network.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        if plan.clip:
            nn.utils.clip_grad_value_(network.parameters(), plan.clip)
        optimizer.learning_rate = rates[state.step // steps_per_epoch]
        optimizer.step()
        state.step += 1
        if path and time.monotonic() - saved >= CHECKPOINT_SECONDS:
            checkpoints.save(path, fingerprint, state, network, optimizer)
            saved = time.monotonic()
    state.finished = True
    if path:
        checkpoints.save(path, fingerprint, state, network, optimizer)
    return state.rows


def _network(run: int, start: Start, build: Callable[[], nn.Module], plan: Plan, device: str) -> nn.Module:
    """The network of a run as it starts."""
    network, weights = build(), network_generator(plan.seed, run)
    weights.set_state(start.generator_state)
    initialise(network, weights, plan.variances)
    if start.output_bias is not None:
        with torch.no_grad():
            list(network.parameters())[-1].copy_(start.output_bias)
    network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network


def _epoch(points: int, augment: bool, order: torch.Generator) -> tuple[torch.Tensor, Moves | None]:
    """All that is drawn for an epoch: the order of the points, and the moves of images."""
    permutation = torch.randperm(points, generator=order)
    return permutation, draw_moves(points, order) if augment else None
