"""The options that say which points to load, and the `DataRequest` that they make."""

from pathlib import Path
from typing import Any

import click

from normplace.cli.options import Decorator, Number, Whole, gathered, path
from normplace.data.datasets import DataRequest
from normplace.data.sets import DATASETS


def data_options(*, required: bool = True, shift: bool = True, more: str = "") -> Decorator:
    """Options that give the command a `request`; more: data sets that only this command takes."""
    return gathered(
        "request",
        data_request,
        click.option(
            "--dataset",
            required=required,
            metavar="NAME",
            help=f"{', '.join(DATASETS)}, folder:PATH (images), or file:PATH (from `normplace data`){more}",
        ),
        click.option("--data-root", type=path, help="where MNIST and CIFAR-10 are (default: $DATA_ROOT, else data/)"),
        click.option(
            "--classes",
            help="parity, vehicles-animals, cats-dogs, all, or a JSON map from new class to old classes "
            "(default: parity for MNIST and digits, vehicles-animals for CIFAR-10 and patches, else all)",
        ),
        click.option(
            "--points", type=Whole(2), help="the first N training points (default: 1000, or all if there are fewer)"
        ),
        click.option(
            "--standardise",
            type=click.Choice(("paper", "own")),
            help="by the paper's constants (default where it has some), or the data's own mean and deviation",
        ),
        click.option(
            "--no-stand-in",
            is_flag=True,
            help="stop where MNIST or CIFAR-10 cannot be had, instead of using a stand-in",
        ),
        click.option(
            "--skip-unreadable",
            is_flag=True,
            help="leave out files of a folder that are not read, instead of refusing the folder",
        ),
        *([click.option("--shift", type=Number(), default=0.0, help="added after standardisation")] if shift else []),
    )


def data_request(
    dataset: str | None,
    data_root: Path | None,
    classes: str | None,
    points: int | None,
    standardise: str | None,
    no_stand_in: bool,
    skip_unreadable: bool,
    shift: float = 0.0,
    test_points: int | None = 0,
) -> DataRequest | None:
    """The request, or None without a data set."""
    if dataset is None:
        return None
    return DataRequest(
        dataset=dataset, data_root=data_root, classes=classes, points=points, shift=shift, standardise=standardise,
        stand_in_allowed=not no_stand_in, test_points=test_points, skip_unreadable=skip_unreadable,
    )  # fmt: skip


def data_record(request: DataRequest) -> dict[str, Any]:
    """The request as results keep it: a file's provenance says what is in it, wherever this machine has it."""
    kind, _, place = request.dataset.partition(":")
    return {
        "dataset": f"file:{Path(place).name}" if kind == "file" else request.dataset,
        "classes": request.classes,
        "points": request.points,
        "standardise": request.standardise,
        "shift": request.shift,
        "no_stand_in": not request.stand_in_allowed,
    }
