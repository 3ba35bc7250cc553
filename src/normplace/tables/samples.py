"""From sampled networks to tidy tables: one row per cell and depth. Figures and printed tables read nothing else.

A network for images has depth 1 here, the only one, and no theory.
"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from normplace import statistics
from normplace.errors import UserError
from normplace.networks.architecture import Variances
from normplace.statistics import Array, Estimate
from normplace.tables.classes import class_rows
from normplace.tables.records import Cell, KernelTheory, Sample, read_kernel_theory, read_sample
from normplace.tables.tidy import with_interval
from normplace.theories import guesses
from normplace.theories import isotropic as theory

Beside = Mapping[str, KernelTheory]  # "kernel": of infinite width; "finite": of the sample's own
INFINITE = 0  # the width of such theory in its file
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)  # of G_0
EXTREME, EVEN = 0.95, 0.6  # of the largest guess fraction: nearly all guesses on one class; nearly even


def summarise(samples: list[Path], kernel_theories: list[Path], resamples: int) -> dict[str, pd.DataFrame]:
    """Tables of sampled cells, with the theory of their own data where given: of infinite width, and of their own.

    gamma and histograms are of all samples; regimes of two-class samples, classes of those with more, if there are any.

    Raises:
        UserError: a file is damaged, or a theory belongs to none of the samples.
    """
    theories = {(*_theory_key(read.cell), read.cell.width): read for read in map(read_kernel_theory, kernel_theories)}
    unused = dict(theories)
    gamma_rows, histogram_rows, regime_rows, rows_by_rank = [], [], [], []
    for path in samples:
        sample = read_sample(path)
        cell, depth = sample.cell, len(sample.guess_fraction)
        keys = {"kernel": (*_theory_key(cell), INFINITE), "finite": (*_theory_key(cell), cell.width)}
        beside = {name: theories[key] for name, key in keys.items() if key in theories}
        for key in keys.values():
            unused.pop(key, None)
        isotropic = np.full(depth, np.nan)  # theory is of MLPs
        if cell.network == "mlp":
            isotropic = theory.gammas(cell.norm, cell.placement, cell.activation, depth, _variances(cell))
        gamma_rows += _gamma_rows(sample, beside, isotropic)
        histogram_rows += _histogram_rows(sample, beside, isotropic)
        if cell.classes == 2 and depth > 1:
            regime_rows.append(_regime_row(sample, resamples))
        if cell.classes > 2:
            rows_by_rank += class_rows(sample, beside)
    if unused:
        cell = next(iter(unused.values())).cell
        unmatched = f"{cell.norm} {cell.placement} on {cell.label}"
        raise UserError(f"--theory: that of {unmatched} has no sample of the same data and configuration")
    tables = {"gamma": gamma_rows, "histograms": histogram_rows, "regimes": regime_rows, "classes": rows_by_rank}
    return {name: pd.DataFrame(rows) for name, rows in tables.items() if rows}


def _variances(cell: Cell) -> Variances:
    return Variances(cell.weight_variance, cell.bias_variance)


def _theory_key(cell: Cell) -> tuple[Any, ...]:
    """What a sample and its theory share, but for the width. The first points are the same whatever their number."""
    variances = cell.weight_variance, cell.bias_variance
    return cell.norm, cell.placement, cell.activation, *variances, cell.classes, cell.first_points_sha256


def _gamma_rows(sample: Sample, beside: Beside, isotropic: Array) -> list[dict[str, Any]]:
    each = zip(sample.output_mean, sample.output_var, strict=True)
    drawn_gammas = np.array([statistics.gamma_of_outputs(*of_depth) for of_depth in each]).T
    gammas = statistics.gamma_of_readouts(sample.mean_var, sample.expected_var)
    of_two_classes = _of_two_classes(sample, isotropic)
    rows = []
    for layer, fractions in enumerate(sample.guess_fraction):
        inits, largest = len(fractions), fractions.max(axis=1)
        row = {
            **sample.cell._asdict(),
            "inits": inits,
            "depth": layer + 1,
            **with_interval("gamma", *(numbers[layer] for numbers in gammas)),
            **with_interval("gamma_drawn", *(numbers[layer] for numbers in drawn_gammas)),
            "gamma_isotropic": isotropic[layer],
            "gamma_kernel": _at(beside, "kernel", "gamma", layer),
            "gamma_finite": _at(beside, "finite", "gamma", layer),
            "gamma_finite_error": _at(beside, "finite", "gamma_error", layer),
            "guess_fraction_std": fractions[:, 0].std(ddof=1, dtype=np.float64),
            **with_interval("guess_fraction_std_averaged", *_averaged_deviation(sample, layer)),
            "guess_fraction_std_isotropic": guesses.standard_deviation(isotropic[layer], sample.cell.classes),
            "guess_fraction_std_kernel": _at(beside, "kernel", "guess_fraction_std", layer),
            "guess_fraction_std_finite": _at(beside, "finite", "guess_fraction_std", layer),
            "guess_fraction_std_finite_error": _at(beside, "finite", "guess_fraction_std_error", layer),
            **{f"guess_fraction_{q:.0%}".rstrip("%"): np.quantile(fractions[:, 0], q) for q in QUANTILES},
            "mean_largest_fraction": largest.mean(dtype=np.float64),
        }
        for name, count in (("extreme", (largest > EXTREME).sum()), ("even", (largest < EVEN).sum())):
            row |= with_interval(f"share_{name}", *statistics.proportion(int(count), inits))
        of_isotropic = partial(guesses.distribution, gamma=of_two_classes[layer])
        distance, critical = statistics.distance_between_samples, statistics.ks_critical
        row["ks_isotropic"] = statistics.distance_to_distribution(fractions[:, 0], of_isotropic, sample.cell.points)
        row["ks_critical_isotropic"] = critical(inits)
        for name in ("kernel", "finite"):
            drawn = beside[name].drawn(layer + 1) if name in beside else None
            row[f"ks_{name}"] = np.nan if drawn is None else distance(fractions[:, 0], _counts(drawn, sample))
            row[f"ks_critical_{name}"] = np.nan if drawn is None else critical(inits, len(drawn))
        rows.append(row)
    return rows


def _of_two_classes(sample: Sample, isotropic: Array) -> Array:
    """gamma on isotropic data, where the distribution of G_0 follows from it: with two classes."""
    return isotropic if sample.cell.classes == 2 else np.full_like(isotropic, np.nan)


def _averaged_deviation(sample: Sample, layer: int) -> Estimate[float]:
    """The deviation of G_0 by how often two points get the same guess, averaged over output layers."""
    agreement = sample.agreement[layer].astype(np.float64)
    square = statistics.interval_of_mean(guesses.fraction_variance(agreement, sample.cell.classes))
    return Estimate(*(float(np.sqrt(max(end, 0.0))) for end in square))


def _at(beside: Beside, name: str, column: str, layer: int) -> float:
    """A number of a theory, if it is given and reaches so deep."""
    numbers = getattr(beside.get(name), column, ())
    return float(numbers[layer]) if layer < len(numbers) else np.nan


def _counts(drawn: npt.NDArray[np.float32], sample: Sample) -> npt.NDArray[np.float32]:
    """Guess fractions as they can be counted on the sample's points: drawn ones may lie in between."""
    points = np.float32(sample.cell.points)
    return np.asarray(np.rint(drawn[:, 0] * points) / points, dtype=np.float32)


def _histogram_rows(sample: Sample, beside: Beside, isotropic: Array) -> list[dict[str, Any]]:
    """Counts of G_0 in fixed bins, and the share that each theory puts into the same bin.

    Only at the depths where the theory was drawn, or at the first and last one without it.
    """
    edges = np.linspace(0, 1, statistics.BINS + 1)
    depth = len(sample.guess_fraction)
    rows = []
    drawn_at = {int(at) for given in beside.values() for at in given.depths} or {1, depth}
    for at in sorted(at for at in drawn_at if at <= depth):
        counts = _binned(sample.guess_fraction[at - 1, :, 0], sample.cell.points)
        gamma = _of_two_classes(sample, isotropic)[at - 1]
        shares = {"share_isotropic": np.diff(guesses.distribution(edges, gamma))}
        shares["share_isotropic"][0] += guesses.distribution(np.array(0.0), gamma)  # an infinite gamma's
        for name, given in beside.items():
            drawn = given.drawn(at)
            if drawn is not None:
                shares[f"share_{name}"] = _binned(drawn[:, 0], given.cell.points) / len(drawn)
        of_depth = {**sample.cell._asdict(), "inits": sample.guess_fraction.shape[1], "depth": at}
        columns = {"bin_low": edges[:-1], "bin_high": edges[1:], "count": counts, **shares}
        rows += [
            {**of_depth, **dict(zip(columns, values, strict=True))} for values in zip(*columns.values(), strict=True)
        ]
    return rows


def _binned(fraction: npt.NDArray[np.float32], points: int) -> npt.NDArray[np.int64]:
    """How many guess fractions fall into each bin.

    G_0 is one of points + 1 counts; count k stands for the cell from k/(points + 1) to (k + 1)/(points + 1), so
    that every bin holds as many counts as the next, give or take one, and rounding decides nothing.
    """
    counts = np.rint(fraction.astype(np.float64) * points).astype(np.int64)
    return np.bincount((2 * counts + 1) * statistics.BINS // (2 * (points + 1)), minlength=statistics.BINS)


def _regime_row(sample: Sample, resamples: int) -> dict[str, Any]:
    cell = sample.cell
    by_theory = theory.regime(cell.norm, cell.placement, cell.activation, _variances(cell))
    seen = statistics.regime_by_growth(guesses.fraction_variance(sample.agreement, cell.classes), resamples, seed=0)
    return {
        **cell._asdict(),
        "inits": sample.guess_fraction.shape[1],
        "depth": len(sample.guess_fraction),
        "regime_theory": by_theory.name,
        "fixed_point_correlation": by_theory.correlation,
        "fixed_point_slope": by_theory.slope,
        "fixed_point_gamma": by_theory.gamma,
        "regime_seen": seen.name,
        **with_interval("gamma_guesses", *seen.gamma),
        **with_interval("growth", *seen.growth),
    }
