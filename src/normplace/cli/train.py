"""`normplace train`: how the first guess is absorbed."""

import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from normplace import files
from normplace.cli import options
from normplace.cli.data_options import data_options, data_record
from normplace.cli.network_options import network_options, network_record
from normplace.data import datasets
from normplace.data.datasets import DataRequest
from normplace.errors import UserError
from normplace.networks.architecture import MLP, ImageNetwork
from normplace.networks.norms import NORMS

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn

    from normplace.training.runs import Plan


def plan(optimizer: str, lr: float, batch_size: int, epochs: int, runs: int, select: str, seed: int) -> "Plan":
    """The plan of the runs."""
    from normplace.training.runs import Plan

    return Plan(optimizer, lr, batch_size, epochs, runs, select, seed)


plan_options = options.gathered(
    "plan",
    plan,
    click.option("--optimizer", type=click.Choice(("adam", "sgd")), default="adam"),
    click.option("--lr", type=options.Number(above=0), required=True, help="learning rate"),
    click.option("--batch-size", type=options.Whole(1), default=512, help="points a step"),
    click.option("--epochs", type=options.Whole(1), required=True),
    click.option("--runs", type=options.Whole(1), default=10, help="independent runs"),
    click.option(
        "--select",
        type=click.Choice(("any", "prejudiced", "neutral")),
        default="any",
        help="redraw the start until guess fractions differ by more than .9, or less than .1",
    ),
    options.seed,
)


@options.command()
@data_options()
@click.option("--test-points", type=options.Whole(1), help="the first N test points (default: all)")
@network_options(lambda: [norm.name for norm in NORMS.values() if not norm.is_half])
@plan_options
@options.device
@options.processes
@options.output("the file to write, F.csv; its settings go beside it, to F.json")
def train(
    request: DataRequest,
    network: MLP | ImageNetwork,
    plan: "Plan",
    device: str,
    processes: int,
    output: Path,
) -> None:
    """Train many runs and record how the first guess is absorbed."""
    settings = output.with_suffix(".json")
    if output == settings:
        raise UserError(f"--output {output}: .json is for the settings beside it, name it .csv")
    files.check_writable(settings)
    device = options.resolve_device(device)
    from normplace.cli.image_builder import image_builder
    from normplace.networks.mlp import mlp
    from normplace.training import runs

    data, test = datasets.load(request), datasets.load(request, "test")
    if not len(test.y):
        raise UserError(f"--dataset {request.dataset}: has no test points; a prepared file needs --test-points")
    classes = len(data.provenance["classes"])
    train_points, test_points = (runs.Points(split.x, split.y) for split in (data, test))
    if isinstance(network, MLP):
        train_points, test_points = (points._replace(x=points.x.flatten(1)) for points in (train_points, test_points))
        build: Callable[[], nn.Module] = partial(mlp, replace(network, classes=classes), train_points.x.shape[1])
    else:
        build = image_builder(network, data)
    given = {**data_record(request), "test_points": request.test_points, **network_record(network)}
    of_test = {"test_sha256": test.provenance["sha256"], "test_class_counts": test.y.bincount().tolist()}
    config = {
        "command": "train",
        "options": {**given, **vars(plan), "device": device},
        "data": {**data.provenance, **of_test},
        "versions": files.versions(),
    }
    unfinished = output.with_name(f".{output.name}.unfinished")
    rows = runs.train(
        build,
        train_points,
        test_points,
        plan,
        unfinished=unfinished,
        fingerprint=files.sha256_of_json({**config, "code": files.sha256_of_package()}),
        device=device,
        processes=processes,
        progress=True,
    )
    text = runs.to_csv(rows, classes)
    files.write_json(settings, {**config, "rows_sha256": files.sha256_of_text(text)})
    files.write_text(output, text)
    shutil.rmtree(unfinished, ignore_errors=True)
    print(runs.summary(rows, classes))
