"""`normplace train`: how the first guess is absorbed."""

import shutil
from pathlib import Path
from typing import Any

import click

from normplace import files
from normplace.cli import options
from normplace.cli.data_options import data_options, data_record
from normplace.cli.network_options import network_options, network_record, with_classes
from normplace.data import datasets
from normplace.data.datasets import DataRequest
from normplace.errors import UserError
from normplace.networks.architecture import MLP, ImageNetwork
from normplace.networks.norms import NORMS
from normplace.tables.records import write_training
from normplace.training.plan import EVALUATED, OPTIMIZERS, OUTPUT_BIASES, SCHEDULES, SELECTIONS


@options.command()
@data_options()
@click.option("--test-points", type=options.Whole(1), help="the first N test points (default: all)")
@network_options(
    lambda: [norm.name for norm in NORMS.values() if not norm.is_half],
    suffix=".csv",
)
@click.option("--optimizer", type=click.Choice(OPTIMIZERS), default="adam")
@click.option("--lr", type=options.Number(above=0), required=True, help="learning rate")
@click.option("--batch-size", type=options.Whole(1), default=512, help="points per step")
@click.option("--epochs", type=options.Whole(1), required=True)
@click.option("--runs", type=options.Whole(1), default=5, help="independent runs")
@click.option("--first-run", type=options.Whole(0), default=0, help="number of the first, to add runs to others")
@click.option(
    "--select",
    type=click.Choice(tuple(SELECTIONS)),
    default="any",
    help="redraw the start until guess fractions differ by more than .9, or less than .1",
)
@click.option(
    "--output-bias",
    type=click.Choice(tuple(OUTPUT_BIASES)),
    default="drawn",
    help="of the output layer at the start: mean outputs equal, or the favoured one 3 standard deviations ahead",
)
@click.option("--schedule", type=click.Choice(tuple(SCHEDULES)), default="constant", help="of the learning rate")
@click.option(
    "--weight-decay", type=options.Number(least=0), default=0.0, help="adds so much of a weight to its gradient"
)
@click.option("--clip", type=options.Number(least=0), default=0.0, help="largest component of a gradient (0: any)")
@click.option("--augment", is_flag=True, help="crop and flip images at random")
@click.option("--evaluated", type=options.Whole(2), default=EVALUATED, help="the first N training points are evaluated")
@options.seed
@options.device
@options.processes
def train(
    request: DataRequest,
    networks: list[tuple[MLP | ImageNetwork, Path]],
    device: str,
    processes: int,
    **plan: Any,
) -> None:
    """Train many runs and record how the first guess is absorbed. Settings go beside each F.csv, to F.json."""
    for _, output in networks:
        files.check_writable(output.with_suffix(".json"))
    from normplace.parallel import resolve_device
    from normplace.training import train as training

    device = resolve_device(device)
    data = datasets.read(request)
    if not len(data.test_y):
        raise UserError(
            f"--dataset {request.dataset}: has no test points; prepare the file with `normplace data --test-points N`"
        )
    of_test = {
        "test_sha256": files.sha256_of_arrays([data.test_x.numpy(), data.test_y.numpy()]),
        "test_class_counts": data.test_y.bincount().tolist(),
    }
    unfinished = [output.with_name(f".{output.name}.unfinished") for _, output in networks]
    how: dict[str, Any] = {"device": device, "processes": processes, "progress": True}
    lr = plan.pop("lr")
    for (network, output), folder in zip(networks, unfinished, strict=True):
        net = with_classes(network, len(data.classes))
        rows = training.train(net, data, **plan, lr=lr, unfinished=folder, **how)
        given = {**data_record(request), "test_points": request.test_points, **network_record(net), **plan}
        given |= {"learning_rate": lr, "device": device}
        write_training(output, given, {**data.provenance, **of_test}, rows.to_csv(index=False, float_format="%.8g"))
        print(f"{net}: {training.summary(rows)}")
    for folder in unfinished:  # not sooner: a run that is killed and begun again may have lost the first cells' files
        shutil.rmtree(folder, ignore_errors=True)
