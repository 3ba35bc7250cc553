"""Training against a plain PyTorch loop; selection, resuming, divergence."""

import copy
import math
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from normplace.data.datasets import load
from normplace.errors import UserError
from normplace.networks.architecture import MLP
from normplace.networks.mlp import mlp
from normplace.networks.modules import evaluating, initialise
from normplace.networks.random import network_generator
from normplace.training import checkpoints, starts
from normplace.training import runs as training
from normplace.training.evaluations import Points, Row, evaluation_steps
from normplace.training.plan import Plan
from normplace.training.runs import train_runs
from normplace.training.starts import find_start
from normplace.training.train import summary
from tests.cells import every_cell

SPEC = MLP("batch", "before", depth=2, width=20)
PLAN = Plan("adam", 3e-3, batch_size=50, epochs=4, runs=2)


@pytest.fixture(scope="module")
def points() -> tuple[Points, Points]:
    data = load("digits", points=170, test_points=80)
    return Points(data.x.flatten(1), data.y), Points(data.test_x.flatten(1), data.test_y)


def build(spec: MLP) -> "partial[nn.Sequential]":
    return partial(mlp, spec, 64)


def column(rows: list[Row], name: str) -> np.ndarray:
    return np.array([row[name] for row in rows])


class PlainMLP(nn.Module):
    """The same network as anyone would write it by hand: nothing of the project is in it."""

    def __init__(self, norm: str, placement: str, depth: int, width: int) -> None:
        super().__init__()
        make = {"batch": nn.BatchNorm1d, "layer": nn.LayerNorm, "rms": nn.RMSNorm, "none": lambda _: nn.Identity()}
        sizes = [64] + [width] * depth
        self.hidden = nn.ModuleList(nn.Linear(sizes[i], sizes[i + 1]) for i in range(depth))
        self.norms = nn.ModuleList(make[norm](width) for _ in range(depth))
        self.output = nn.Linear(width, 2)
        self.placement = placement

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for linear, norm in zip(self.hidden, self.norms, strict=True):
            x = linear(x)
            x = norm(x).relu() if self.placement == "before" else norm(x.relu())
        return self.output(x)


@pytest.mark.slow
@every_cell
@pytest.mark.parametrize("optimizer", ["adam", "fused adam", "sgd"])
def test_same_losses_as_a_plain_pytorch_loop(
    norm: str, placement: str, optimizer: str, points: tuple[Points, Points]
) -> None:
    """Same weights, same batch order; a module by hand and torch.optim as anyone would use them."""
    # A bias before BatchNorm has no gradient but rounding noise, which Adam scales up to full steps. It shifts running
    # means, and with them the outputs by running statistics, and nothing else.
    bias_is_noise = (norm, placement) == ("batch", "before") and "adam" in optimizer
    spec, run = MLP(norm, placement, depth=3, width=25), 1
    plan = Plan(optimizer.split()[-1], 3e-3, batch_size=50, epochs=4, runs=2, seed=5)
    trained: list[nn.Module] = []

    def build_and_keep() -> nn.Module:
        trained.append(mlp(spec, 64))
        return trained[-1]

    ours = training.train_run(run, find_start(run, build_and_keep, points[0].x, plan), build_and_keep, *points, plan)

    network = PlainMLP(norm, placement, 3, 25)
    drawn = mlp(spec, 64)
    initialise(drawn, network_generator(5, run))
    weights = [tensor for tensor in drawn.parameters() if tensor.ndim == 2]
    for linear, weight in zip([*network.hidden, network.output], weights, strict=True):
        linear.weight.data = weight.data.clone()
        linear.bias.data.zero_()
    start = torch.cat([parameter.detach().flatten() for parameter in network.parameters()])
    stepper: torch.optim.Optimizer
    if optimizer == "sgd":
        stepper = torch.optim.SGD(network.parameters(), lr=3e-3)
    else:
        stepper = torch.optim.Adam(network.parameters(), lr=3e-3, fused=optimizer == "fused adam")
    x, y = points[0]
    order = network_generator(5, 2**31 + run)
    expected: list[float] = []
    step, at = 0, evaluation_steps(16)
    for _ in range(4):
        for batch in torch.randperm(len(y), generator=order).split(50):
            if step in at:
                expected += plain_losses(network, points)
            stepper.zero_grad()
            network.train()
            F.cross_entropy(network(x[batch]), y[batch]).backward()
            stepper.step()
            step += 1
    expected += plain_losses(network, points)
    assert step == 16
    compared = column(ours, "bn_statistics") != "running" if bias_is_noise else np.full(len(ours), True)
    last = [row for row in ours if row["step"] == 16]
    weights_at_end = torch.cat([parameter.detach().flatten() for parameter in network.parameters()])
    cosine = float(F.cosine_similarity(weights_at_end, start, dim=0))
    np.testing.assert_allclose(column(last, "weight_cosine"), cosine, rtol=1e-4)
    measured = copy.deepcopy(network).train()
    outputs = measured(x)
    gradients = torch.autograd.grad(F.cross_entropy(outputs, y), list(measured.parameters()))
    norm_of_all = float(torch.cat([gradient.flatten() for gradient in gradients]).norm())
    assert column(last, "gradient_norm")[0] == pytest.approx(norm_of_all, rel=1e-2)
    assert np.isnan(column(last, "gradient_norm")[1:]).all()
    assert column(last, "accuracy")[0] == pytest.approx(float((outputs.argmax(1) == y).float().mean()), abs=0.01)
    assert column(ours, "epoch").tolist() == (column(ours, "step") / 4).tolist()
    losses, plain_ones = column(ours, "loss")[compared], np.array(expected)[compared]
    np.testing.assert_allclose(losses, plain_ones, rtol=1e-3 if bias_is_noise else 1e-4)
    assert not np.allclose(losses, np.roll(plain_ones, 1), rtol=1e-3)
    if norm == "batch":
        found = [module for module in trained[-1].modules() if isinstance(module, nn.BatchNorm1d)]
        for mine, plain in zip(found, network.norms, strict=True):
            if not bias_is_noise:
                torch.testing.assert_close(mine.running_mean, plain.running_mean, rtol=1e-3, atol=1e-5)
            torch.testing.assert_close(mine.running_var, plain.running_var, rtol=1e-3, atol=1e-5)
            assert mine.num_batches_tracked == plain.num_batches_tracked == 16
            assert not torch.allclose(plain.running_mean, torch.zeros(25), atol=1e-2)


def plain_losses(network: nn.Module, points: tuple[Points, Points]) -> list[float]:
    """Losses on both splits; with BatchNorm first by batch statistics on a copy, then by running statistics."""
    has_batch_norm = any(isinstance(module, nn.BatchNorm1d) for module in network.modules())
    losses = []
    with torch.no_grad():
        if has_batch_norm:
            losses += [float(F.cross_entropy(copy.deepcopy(network).train()(x), y)) for x, y in points]
        losses += [float(F.cross_entropy(copy.deepcopy(network).eval()(x), y)) for x, y in points]
    return losses


def test_a_deeply_prejudiced_start_has_all_of_one_class_right(points: tuple[Points, Points]) -> None:
    plan = Plan("adam", 1e-3, 50, 1, runs=3, select="prejudiced")
    rows = train_runs(build(MLP("none", "none", 20, 50)), *points, plan)
    first = [row for row in rows if row["step"] == 0 and row["split"] == "train"]
    assert (column(first, "max_guess_fraction") > 0.95).all()
    assert (column(first, "guess_fraction_majority") == column(first, "max_guess_fraction")).all()
    assert (column(first, "accuracy_majority") > 0.9).all()
    assert (column(first, "accuracy_minority") < 0.1).all()
    np.testing.assert_allclose(column(first, "weight_cosine"), 1)
    assert (column(first, "gradient_norm") > 0).all()


def test_selection_redraws_everything_and_counts(points: tuple[Points, Points]) -> None:
    plan = Plan("adam", 1e-3, 50, 1, runs=4, select="neutral", seed=2)
    first = {"step": 0, "split": "train", "bn_statistics": "batch"}
    rows = [row for row in train_runs(build(SPEC), *points, plan) if {name: row[name] for name in first} == first]
    differences = np.abs(column(rows, "guess_fraction_0") - column(rows, "guess_fraction_1"))
    assert (differences < 0.1).all()
    draws = column(rows, "draws")
    assert draws.max() > 1
    # Draw k of a selected run is draw k of that run's generator: reproduce it, norms and all.
    run = int(draws.argmax())
    network, generator = mlp(SPEC, 64), network_generator(2, run)
    for _ in range(int(draws[run])):
        initialise(network, generator)
    x = points[0].x
    fractions = torch.bincount(network.train()(x).argmax(1), minlength=2) / len(x)
    assert float(fractions[0]) == pytest.approx(column(rows, "guess_fraction_0")[run])


def test_an_impossible_selection_says_how_near_it_came(
    points: tuple[Points, Points], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starts, "MAX_DRAWS", 20)
    plan = Plan("adam", 1e-3, 50, 1, runs=1, select="prejudiced")
    with pytest.raises(UserError, match=r"--select prejudiced: none of 20 starts .* the largest is 0\."):
        train_runs(build(MLP("batch", "after", 5, 30)), *points, plan)


def test_evaluation_leaves_running_statistics_alone(points: tuple[Points, Points]) -> None:
    network = mlp(SPEC, 64)
    initialise(network, torch.Generator())
    network(points[0].x)  # moves them once
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    for mode in ("batch", "running"):
        with evaluating(network, mode):
            outputs = network(points[0].x)
        expected = network.eval()(points[0].x) if mode == "running" else None
        network.train()
        assert expected is None or torch.equal(outputs, expected)
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    assert "1.running_mean" in before
    with evaluating(network, "batch"):
        batch = network(points[0].x)
    assert not torch.allclose(batch, outputs)


@pytest.mark.slow
def test_a_run_is_the_same_alone_among_others_and_in_processes(points: tuple[Points, Points]) -> None:
    together = train_runs(build(SPEC), *points, PLAN)
    start = find_start(1, build(SPEC), points[0].x, PLAN)
    alone = training.train_run(1, start, build(SPEC), *points, PLAN)
    apart = train_runs(build(SPEC), *points, PLAN, processes=2)
    assert str(apart) == str(together)  # as text, for what is unknown is NaN
    assert str(alone) == str(together[len(alone) :])
    other = train_runs(build(SPEC), *points, Plan("adam", 3e-3, 50, 4, 2, seed=1))
    assert str(other) != str(together)


def test_runs_in_parts_are_the_runs_of_one_call(points: tuple[Points, Points]) -> None:
    parts = [train_runs(build(SPEC), *points, replace(PLAN, runs=1, first_run=run)) for run in range(PLAN.runs)]
    assert str([row for rows in parts for row in rows]) == str(train_runs(build(SPEC), *points, PLAN))


def test_runs_are_evaluated_and_started_on_the_first_training_points(
    points: tuple[Points, Points],
) -> None:
    plan = replace(PLAN, runs=1)
    rows = train_runs(build(SPEC), *points, plan)
    of_first = train_runs(build(SPEC), *points, replace(plan, evaluated=40))
    shares = column([row for row in of_first if row["split"] == "train"], "accuracy") * 40
    np.testing.assert_allclose(shares, shares.round(), atol=1e-4)
    (train, test), (of_forty, same) = (
        [column([row for row in found if row["split"] == split], "loss") for split in ("train", "test")]
        for found in (rows, of_first)
    )
    assert not np.isin(train, of_forty).any()
    np.testing.assert_array_equal(test, same)  # all points are trained on


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_resuming_after_any_step_gives_the_same_rows(
    optimizer: str, points: tuple[Points, Points], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = Plan(optimizer, 3e-3, batch_size=50, epochs=3, runs=1, select="neutral")
    expected = str(train_runs(build(SPEC), *points, plan))
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0.0)
    real_save, stops = checkpoints.save, 0

    def save_and_stop(*arguments: object) -> None:
        nonlocal stops
        real_save(*arguments)  # type: ignore[arg-type]
        stops += 1
        raise InterruptedError

    monkeypatch.setattr(checkpoints, "save", save_and_stop)
    while True:
        try:
            rows = train_runs(build(SPEC), *points, plan, unfinished=tmp_path, fingerprint="ab" * 32)
            break
        except InterruptedError:
            pass
    assert stops == 13  # after each of 12 steps, and when finished
    assert str(rows) == expected


def test_a_checkpoint_of_another_request_or_a_damaged_one_is_ignored(
    points: tuple[Points, Points], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    plan = Plan("adam", 3e-3, 50, 1, runs=1)
    expected = train_runs(build(SPEC), *points, plan)
    train_runs(build(SPEC), *points, Plan("sgd", 1.0, 50, 1, runs=1), unfinished=tmp_path, fingerprint="aa" * 32)
    assert str(train_runs(build(SPEC), *points, plan, unfinished=tmp_path, fingerprint="bb" * 32)) == str(expected)
    assert "another request" in caplog.text
    checkpoint = tmp_path / "run-0000.pt"
    whole = checkpoint.read_bytes()
    changed = bytearray(whole)
    changed[whole.index(str(expected[0]["loss"]).encode())] ^= 1  # one bit of a loss
    for damaged in (whole[:500], bytes(changed)):
        checkpoint.write_bytes(damaged)
        assert str(train_runs(build(SPEC), *points, plan, unfinished=tmp_path, fingerprint="bb" * 32)) == str(expected)
        assert "damaged" in caplog.text
    with pytest.raises(ValueError, match="fingerprint"):
        train_runs(build(SPEC), *points, plan, unfinished=tmp_path)


def test_checkpoints_with_pickles_are_not_opened(points: tuple[Points, Points], tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "sprung"),)

    torch.save({"fingerprint": Trap()}, tmp_path / "run-0000.pt")
    train_runs(build(SPEC), *points, Plan("adam", 3e-3, 50, 1, runs=1), unfinished=tmp_path, fingerprint="bb" * 32)
    assert not (tmp_path / "sprung").exists()


def test_divergence_is_recorded_and_other_runs_go_on(points: tuple[Points, Points]) -> None:
    rows = train_runs(build(MLP("none", "none", 4, 30)), *points, Plan("sgd", 1e30, 50, 2, runs=2))
    assert set(column(rows, "run")) == {0, 1}
    for run in (0, 1):
        mine = [row for row in rows if row["run"] == run]
        assert column(mine, "diverged")[-1] == 1
        assert math.isnan(column(mine, "accuracy")[-1])
        assert column(mine, "diverged")[0] == 0
    assert "2 diverged" in summary(pd.DataFrame(rows))


def test_divergence_in_the_very_last_step_is_noticed(points: tuple[Points, Points]) -> None:
    rows = train_runs(build(MLP("none", "none", 4, 30)), *points, Plan("sgd", 1e30, 170, 1, runs=1))
    assert column(rows, "step").tolist() == [0, 0, 1, 1]
    assert column(rows, "diverged").tolist() == [0, 0, 1, 1]
    assert np.isnan(column(rows, "loss")[2:]).all()


def test_ten_classes(points: tuple[Points, Points]) -> None:
    data = load("digits", classes="all", points=170, test_points=80)
    splits = Points(data.x.flatten(1), data.y), Points(data.test_x.flatten(1), data.test_y)
    rows = train_runs(build(MLP("layer", "after", 1, 50, classes=10)), *splits, Plan("adam", 1e-2, 50, 10, runs=1))
    fractions = np.array([[row[f"guess_fraction_{label}"] for label in range(10)] for row in rows])
    np.testing.assert_allclose(fractions.sum(axis=1), 1, rtol=1e-5)
    first, last = rows[0], rows[-2]
    assert first["majority"] == fractions[0].argmax()
    assert column([last], "accuracy")[0] > 0.9
    np.testing.assert_allclose(column(rows, "max_guess_fraction"), fractions.max(axis=1))


@pytest.mark.parametrize(
    ("batch_size", "words"), [(171, "larger than the 170"), (1, "batch of 1"), (169, "batch of 1 of 170")]
)
def test_batches_that_cannot_be(batch_size: int, words: str, points: tuple[Points, Points]) -> None:
    with pytest.raises(UserError, match=words):
        train_runs(build(SPEC), *points, Plan("adam", 1e-3, batch_size, 1, 1))


@pytest.mark.slow
def test_killed_at_some_moments_and_started_again_the_file_is_the_same(tmp_path: Path) -> None:
    command = "train --dataset digits --points 300 --norm batch --placement after --depth 3 --width 30".split()
    command += "--lr 1e-3 --batch-size 50 --epochs 40 --runs 3 --output".split()
    eager = (
        "import normplace.training.runs as t, normplace.cli.main as c, sys; "
        "t.CHECKPOINT_SECONDS = 0; c.main(sys.argv[1:])"
    )

    def start(output: Path) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, "-c", eager, *command, str(output)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    assert start(tmp_path / "whole.csv").wait() == 0
    killed, unfinished = tmp_path / "killed.csv", tmp_path / ".killed.csv.unfinished"
    positions = []
    for moment in (0.05, 0.4, 0.8):  # seconds after the first checkpoint that this start writes
        before = newest(unfinished)
        process = start(killed)
        while process.poll() is None and newest(unfinished) == before:
            time.sleep(0.01)
        time.sleep(moment)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        assert not killed.exists()
        positions.append(
            [torch.load(path, weights_only=True)["numbers"].tolist() for path in sorted(unfinished.glob("*.pt"))]
        )
    assert positions[0] != positions[1] != positions[2]  # each start got further
    assert start(killed).wait() == 0
    assert killed.read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert not unfinished.exists()


def newest(folder: Path) -> float:
    """When the last checkpoint was written."""
    return max((path.stat().st_mtime for path in folder.glob("*.pt")), default=0.0)


def test_initialise_leaves_nothing_of_what_was_before(points: tuple[Points, Points]) -> None:
    used, fresh = mlp(SPEC, 64), mlp(SPEC, 64)
    initialise(used, torch.Generator())
    used(points[0].x)  # moves running statistics
    with torch.no_grad():
        for parameter in used.parameters():
            parameter.add_(1)
    for network in (used, fresh):
        initialise(network, torch.Generator().manual_seed(3))
    before, after = fresh.state_dict(), used.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert set(before) == set(after)
