"""`normplace data`: points of a data set as files."""

from dataclasses import replace
from pathlib import Path

import click

from normplace.cli.data_options import data_options
from normplace.cli.options import Whole, check_output, command, path, refuse_beside
from normplace.data.datasets import DataRequest, prepare
from normplace.errors import UserError


@command()
@data_options(shift=False)
@click.option("--test-points", type=Whole(0), default=0, help="the first N test points too")
@click.option(
    "--file",
    "files",
    type=(str, str, Whole(2), Whole(0)),
    multiple=True,
    metavar="NAME CLASSES POINTS TEST_POINTS",
    help="as often as wanted, instead of the options for these: the data set is read once",
)
@click.option("--output", type=path, required=True, help="the file to write; with --file a folder, of a file NAME each")
def data(request: DataRequest, files: tuple[tuple[str, str, int, int], ...], output: Path) -> None:
    """Write points of a data set to a file that file:PATH loads."""
    requests = {
        output / name: replace(request, classes=classes, points=points, test_points=test_points)
        for name, classes, points, test_points in files
    }
    if files:
        given = {"--classes": request.classes, "--points": request.points, "--test-points": request.test_points or None}
        refuse_beside("--file", given)
    if len(requests) < len(files):
        raise UserError("--file: two of them have the same NAME")
    requests = requests or {output: request}
    for file in requests:
        check_output(file, "--output")
    for found in prepare(requests):
        test = f" and {found['test_points']} to test" if found["test_points"] else ""
        classes = ", ".join(found["classes"])
        print(
            f"{found['label']}: {found['points']} points{test} of shape {found['shape']}, {found['source']}, {classes}"
        )
