"""`normplace data`: the points of a data set as one file."""

from pathlib import Path

import click

from normplace.cli.data_options import data_options
from normplace.cli.options import Whole, command, output
from normplace.data.datasets import DataRequest, prepare


@command()
@data_options(shift=False)
@click.option("--test-points", type=Whole(0), default=0, help="the first N test points too")
@output()
def data(request: DataRequest, output: Path) -> None:
    """Write points of a data set to one file that file:PATH loads."""
    found = prepare(request, output)
    print(f"{found['label']}: {found['points']} points of shape {found['shape']}, {found['source']}")
