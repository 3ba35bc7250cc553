"""Train a network many times on a data set: the curves of all runs as one table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch

from normplace.data.datasets import Data
from normplace.errors import UserError, check_whole
from normplace.files import sha256_of_arrays, sha256_of_json, sha256_of_package, versions
from normplace.networks.architecture import MLP, ImageNetwork, check_classes
from normplace.networks.modules import builder
from normplace.parallel import resolve_device
from normplace.training.evaluations import Points
from normplace.training.plan import EVALUATED, Plan
from normplace.training.runs import train_runs

if TYPE_CHECKING:
    import pandas as pd


def train(
    net: MLP | ImageNetwork,
    data: Data,
    runs: int = 5,
    seed: int = 0,
    *,
    lr: float,
    optimizer: str = "adam",
    batch_size: int = 512,
    epochs: int = 10,
    select: str = "any",
    output_bias: str = "drawn",
    schedule: str = "constant",
    weight_decay: float = 0.0,
    clip: float = 0.0,
    augment: bool = False,
    evaluated: int = EVALUATED,
    first_run: int = 0,
    device: str = "cpu",
    processes: int = 1,
    unfinished: Path | str | None = None,
    progress: bool = False,
) -> pd.DataFrame:
    """Train `runs` independent networks with cross-entropy, from starts of the kind `select` names.

    A row per run, evaluation, split and kind of BatchNorm statistics, with the columns of the file of `normplace train`
    (`evaluations.Row`). Evaluations are at steps 0 to 7, then log-spaced (the authors' setting), on all test
    points and on the first `evaluated` training points, by which starts are chosen too. The same call gives the same
    rows, whatever the number of processes.

    data: with test points. lr: the learning rate. batch_size: points per step. select: "any" start, or redraw until the
    guess fractions differ by more than .9 ("prejudiced") or by less than .1 ("neutral"), the authors' selection.
    output_bias: of the output layer at the start, "drawn", or such that the mean outputs are equal ("centred") or the
    favoured class leads by 3 standard deviations ("prejudiced"). schedule: "constant", or "power", which falls with the
    epochs. weight_decay: adds so much of a weight to its gradient. clip: the largest component of a gradient, 0 for
    none. augment: reflect 4 pixels at each side of an image, crop and flip it at random (the authors' ResNet-9).
    first_run: the number of the first run, to add runs to those that there are: a run is the same in every call.
    unfinished: a folder for checkpoints, from which the same call resumes after a kill. progress: show bars.

    Raises:
        UserError: no test points, a class without points, another number of classes than the network has, a network
            that cannot take such points, settings that are not allowed, or no start of the kind asked for in 1000
            draws.

    >>> from normplace import MLP, load
    >>> data = load("digits", points=200, test_points=50)
    >>> curves = train(MLP("layer", "after", depth=2), data, runs=2, batch_size=50, lr=1e-3)
    >>> curves["run"].unique().tolist()
    [0, 1]
    """
    import pandas as pd

    if not len(data.test_y):
        raise UserError("--test-points 0: training needs test points; load the data with some")
    check_whole("processes", processes, 1)
    device = resolve_device(device)
    check_classes(net, len(data.classes))
    plan = Plan(
        optimizer=optimizer, learning_rate=lr, batch_size=batch_size, epochs=epochs, runs=runs, select=select,
        seed=seed, first_run=first_run, output_bias=output_bias, schedule=schedule, weight_decay=weight_decay,
        clip=clip, augment=augment, evaluated=evaluated, variances=net.variances,
    )  # fmt: skip
    _check_classes_have_points(data, evaluated)
    shape = tuple(data.x.shape[1:])
    build = builder(net, shape, len(data.classes))
    of_each_run = {name: value for name, value in vars(plan).items() if name not in ("runs", "first_run")}
    tested = sha256_of_arrays([data.test_x.numpy(), data.test_y.numpy()])
    request = {"network": vars(net), "plan": of_each_run, "data": data.provenance, "test": tested, "device": device}
    made_by = {"versions": versions(), "code": sha256_of_package()}
    rows = train_runs(
        build,
        Points(_points(net, data.x), data.y),
        Points(_points(net, data.test_x), data.test_y),
        plan,
        unfinished=Path(unfinished) if unfinished else None,
        fingerprint=sha256_of_json(request | made_by) if unfinished else "",
        device=device,
        processes=processes,
        progress=progress,
    )
    return pd.DataFrame(rows)


def _check_classes_have_points(data: Data, evaluated: int) -> None:
    for split, y in (("first evaluated training", data.y[:evaluated]), ("test", data.test_y)):
        for name, count in zip(data.classes, y.bincount(minlength=len(data.classes)).tolist(), strict=True):
            if not count:
                raise UserError(f"--classes: {name} has none of the {len(y)} {split} points; take more of them")


def _points(net: MLP | ImageNetwork, x: torch.Tensor) -> torch.Tensor:
    return x.flatten(1) if isinstance(net, MLP) else x


def summary(curves: pd.DataFrame) -> str:
    """One line: test accuracy at the end, and how many runs diverged."""
    last = curves[curves["split"] == "test"].groupby("run").tail(1)
    ended = last[last["diverged"] == 0]
    accuracy = f"median test accuracy {ended['accuracy'].median():.3f}" if len(ended) else "no run reached the end"
    statistics = last["bn_statistics"].iloc[-1]
    by = f" by {statistics} statistics" if statistics else ""
    return f"{len(last)} runs: {accuracy}{by}, {len(last) - len(ended)} diverged"
