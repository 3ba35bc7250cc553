"""Theory's columns of a run, made again from the data: `python -m study.recomputed RESULTS`.

Of each theory that the configuration asks for, gamma and the deviation of G_0 at every depth are held against the tidy
tables, and so are the closed forms of isotropic data: no measurement can pass for a theory. What was simulated by many
networks is simulated by fewer, and held to the errors of both. Data that are not there, or are other ones, are left out
and named.
"""

import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from normplace import MLP, UserError
from normplace.data.datasets import Data, load
from normplace.networks.architecture import Variances
from normplace.progress import bar
from normplace.tables.tidy import read_tidy
from normplace.theories import guesses, isotropic
from normplace.theories.phase import Place, diagram
from normplace.theories.theory import SIMULATED, theory
from normplace.theories.theory import Theory as TheoryOfNetworks
from normplace.verifying.checks import first_row
from normplace.verifying.manifest import read_manifest
from study.jobs import Theory
from study.one_line import folder_of_results, or_one_line
from study.plan import Plan

SAME = 1e-3  # of a number, beside a tenth of its error: what another processor's sums may do to it
ALIKE = 2.0  # how many times the error of fewer networks an error of more may be
COLUMNS = ("gamma", "guess_fraction_std")
NETWORKS = 60  # simulated at most; at the quick scale these are all
# What the closed forms of isotropic data depend on, beside the depth.
OF_ISOTROPIC = ["norm", "placement", "activation", "weight_variance", "bias_variance", "classes"]


class OtherDataError(Exception):
    """A data set is not there, or has other points than the tables are of."""


def others(results: Path) -> tuple[list[str], list[str]]:
    """Columns of tidy tables that theory does not give, and data sets that are not there."""
    plan = Plan(read_manifest(results).configuration)
    wrong: list[str] = []
    missing: dict[str, None] = {}
    paths = {name: results / "tidy" / name / "gamma.csv" for name, tables in plan.tables.items() if tables.theories}
    gammas = {name: read_tidy(path) for name, path in paths.items() if path.exists()}  # a study may be run in part
    jobs = [(name, job) for name in gammas for job in plan.tables[name].theories]
    with bar(True, len(jobs), "theory") as done:
        for experiment, job in jobs:
            try:
                wrong += _differing(_rows(gammas[experiment], job), job, f"{experiment}/gamma.csv")
            except OtherDataError:
                missing[job.data.dataset] = None
            done.update()
    return [*wrong, *closed_forms(results / "tidy")], list(missing)


def closed_forms(tidy: Path) -> Iterator[str]:
    """Columns of isotropic data, and the phase diagram, that are not what their formulas give."""
    for path in sorted(tidy.glob("*/gamma.csv")):
        table = read_tidy(path)
        for _, rows in table[table["network"] == "mlp"].groupby(OF_ISOTROPIC, sort=False):
            norm, placement, activation, *variances, classes = (first_row(rows)[name] for name in OF_ISOTROPIC)
            depths = rows["depth"].to_numpy(int)
            gammas = isotropic.gammas(norm, placement, activation, depths.max(), Variances(*variances))[depths - 1]
            of_rows = {
                "gamma_isotropic": gammas,
                "guess_fraction_std_isotropic": [guesses.standard_deviation(gamma, classes) for gamma in gammas],
            }
            for name, numbers in of_rows.items():
                if not np.allclose(rows[name], numbers, rtol=SAME, atol=1e-9):
                    yield f"{path.parent.name}/gamma.csv: {name} of {norm} {placement}, {activation}"
    path = tidy / "phase" / "map.csv"
    if path.exists():
        expected = pd.DataFrame(list(diagram()), columns=Place._fields)
        try:
            pd.testing.assert_frame_equal(read_tidy(path), expected, check_dtype=False, rtol=SAME)
        except AssertionError:
            yield "phase/map.csv"


def _network(job: Theory, classes: int) -> MLP:
    width = job.width or MLP.width
    return MLP(job.cell.norm, job.cell.placement, job.depth or 1, width, job.activation or MLP.activation, classes)


@cache
def _loaded(dataset: str, classes: str, points: int, shift: float) -> Data:
    try:
        return load(dataset, classes, points, shift=shift, stand_in_allowed=False)
    except UserError as error:
        raise OtherDataError(str(error)) from None


@cache
def _theory(job: Theory) -> tuple[TheoryOfNetworks, str]:
    """What theory says, and the hash of the first points; several experiments show the same job."""
    wanted = job.data
    data = _loaded(wanted.dataset, wanted.classes, job.points or wanted.points, job.shift or 0.0)
    net, networks = _network(job, len(data.classes)), min(job.simulate or NETWORKS, NETWORKS)
    return theory(net, data, width=job.width, simulate=networks), data.provenance["first_points_sha256"]


def _rows(table: pd.DataFrame, job: Theory) -> pd.DataFrame:
    """The rows beside which a job's theory stands, at the depths that it reaches."""
    chosen = table[
        (table["dataset"] == job.data.dataset)
        & (table["norm"] == job.cell.norm)
        & (table["placement"] == job.cell.placement)
        & (table["activation"] == (job.activation or MLP.activation))
        & (table["shift"] == (job.shift or 0.0))
        & (table["bn_statistics"] == "batch")
        & (table["depth"] <= (job.depth or 1))
    ]
    return chosen[chosen["width"] == job.width] if job.width else chosen


def _differing(rows: pd.DataFrame, job: Theory, table: str) -> Iterator[str]:
    names = {column: f"{column}_{'finite' if job.width else 'kernel'}" for column in COLUMNS}
    if not set(names.values()) & set(rows):
        return  # the claims that need them fail
    found, first_points = _theory(job)
    if (rows["first_points_sha256"] != first_points).any():
        raise OtherDataError(job.data.dataset)
    at = rows["depth"].to_numpy(int) - 1
    by_fewer = found.method == SIMULATED and (job.simulate or 0) > NETWORKS
    for column, name in names.items():
        if name not in rows:
            continue
        expected, error = getattr(found, column)[at], getattr(found, f"{column}_error")[at]
        given = rows.get(f"{name}_error", pd.Series(0.0, rows.index)).fillna(0.0)
        rounding = 1e-9 + SAME * np.abs(expected)
        allowed = rounding + (2 * np.hypot(error, given) if by_fewer else 0.1 * error)
        where = f"{job.cell} on {job.data.dataset}" + (f", width {job.width}" if job.width else "")
        if rows.empty or (np.abs(rows[name] - expected) > allowed).any():
            yield f"{table}: {name} of {where}"
        if (given > rounding + (ALIKE if by_fewer else 1.1) * error).any():
            yield f"{table}: {name}_error of {where}"


if __name__ == "__main__":
    folder = folder_of_results("python -m study.recomputed", __doc__)
    with or_one_line("python -m study.recomputed", folder):
        differing, not_there = others(folder)
        left_out = f"; not there: {', '.join(not_there)}" if not_there else ""
        last = f"theory of {folder}, made again from the data: {len(differing) or 'none'} differ{left_out}"
        print(*(f"not what theory gives: {line}" for line in differing), last, sep="\n")
        sys.exit(bool(differing))
