"""The first-order correction of gamma in 1 / width at every depth, measured on sampled networks.

With y = log((1 + gamma) / (1 + gamma at infinite width)), the change of an output's total variance over its variance
over the data, first order means y = c / width with some c at each depth; a correction in depth / width means that c
is proportional to depth. For large gamma y is its relative change, for small gamma its absolute one.
"""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from normplace import statistics
from normplace.errors import UserError
from normplace.statistics import Array
from normplace.tables.records import Cell, Sample, read_kernel_theory, read_sample
from normplace.tables.tidy import with_interval

FITTED = 0.1  # depth / width up to which a width takes part in the fit; beyond it, c / width is a prediction


def first_order(samples: list[Path], kernel_theories: list[Path], resamples: int) -> pd.DataFrame:
    """One row a configuration, width and depth: y with its 95 % interval, and the c fitted to all widths at that depth.

    Raises:
        UserError: a file is damaged, data sets are several, or a configuration has no theory or no width to fit.
    """
    read_samples, read_theories = [*map(read_sample, samples)], [*map(read_kernel_theory, kernel_theories)]
    cells = [*(sample.cell for sample in read_samples), *(theory.cell for theory in read_theories)]
    if len({cell.first_points_sha256 for cell in cells}) > 1:
        raise UserError("the samples and theories are of several data sets or class maps, one is needed")
    theories = {_architecture(theory.cell): theory.gamma for theory in read_theories if not theory.cell.width}
    found = sorted(read_samples, key=lambda sample: (_architecture(sample.cell), sample.cell.width))
    rows: list[dict[str, Any]] = []
    for architecture, of_widths in groupby(found, key=lambda sample: _architecture(sample.cell)):
        if architecture not in theories:
            raise UserError(f"--theory: none for {' '.join(architecture)}")
        widths, values, draws = list(of_widths), [], []
        for sample in widths:
            arrays = sample.output_mean, sample.output_var
            resampled = statistics.bootstrap_gamma(*arrays, resamples, seed=sample.cell.width)
            infinite = np.log1p(theories[architecture][: len(sample.guess_fraction)])
            values.append(np.log1p(statistics.gamma(*arrays)) - infinite)
            draws.append(np.log1p(resampled) - infinite)
        rows += _rows(widths, np.array(values), np.array(draws))
    return pd.DataFrame(rows)


def _rows(samples: list[Sample], y: Array, draws: Array) -> Iterator[dict[str, Any]]:
    """samples: one a width. y [widths, depths]; draws [widths, resamples, depths]."""
    x = 1 / np.array([sample.cell.width for sample in samples])
    weights = 1 / draws.var(axis=1)
    for layer in range(y.shape[1]):
        fitted = (layer + 1) * x <= FITTED
        if not fitted.any():
            architecture = " ".join(_architecture(samples[0].cell))
            raise UserError(f"{architecture}: no sample has depth / width up to {FITTED} at depth {layer + 1}")
        chosen = x[fitted], weights[fitted, layer]
        c = through_origin(chosen[0], y[fitted, layer], chosen[1])
        of_draws = [through_origin(chosen[0], draw, chosen[1]) for draw in draws[fitted, :, layer].T]
        low, high = statistics.interval(np.array(of_draws))
        for index, sample in enumerate(samples):
            y_low, y_high = statistics.interval(draws[index, :, layer])
            yield {
                **sample.cell._asdict(),
                "inits": sample.output_mean.shape[1],
                "depth": layer + 1,
                **with_interval("y", y[index, layer], float(y_low), float(y_high)),
                **with_interval("c", c, float(low), float(high)),
                "fitted": bool(fitted[index]),
            }


def through_origin(x: Array, y: Array, weights: Array) -> float:
    """The c of y = c x by weighted least squares."""
    return float(np.sum(weights * x * y) / np.sum(weights * x * x))


def _architecture(cell: Cell) -> tuple[str, str, str]:
    return cell.norm, cell.placement, cell.activation
