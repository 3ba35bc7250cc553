"""Checks of tables that tell of the same networks or runs in other words: what must agree by construction.

They say nothing of the paper. A table whose rows were lost, swapped or edited disagrees with its neighbours.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from normplace.statistics import gamma_of_guesses
from normplace.tables import milestones
from normplace.tables.tidy import count_column
from normplace.verifying.checks import Check, check_number, first_row, row_dicts
from normplace.verifying.runs import OF_CELL

RELATIVE = 1e-6
SAMPLED = [  # a cell of sampled networks
    "dataset", "network", "cell", "activation", "width", "shift", "classes", "weight_variance", "bias_variance",
]  # fmt: skip


def same_histogram(rows: pd.DataFrame, beside: pd.DataFrame) -> Iterator[Check]:
    """Histograms of G_0 are of as many networks as the table of gamma says, and of the spread that it says.

    There is one at least of the first and of the last depth. By the symmetry of output nodes their mean is 1/C but for
    chance. The spread is known to a bin's width. By bins the distance to a theory is no larger than the table's.
    """
    keys = [*SAMPLED, "depth"]
    ends = [part["depth"].groupby([part[key] for key in SAMPLED]).transform(end) for part in (rows, beside)
            for end in ("min", "max")]  # fmt: skip
    yield _all_there(rows.assign(first=ends[0], last=ends[1]), beside.assign(first=ends[2], last=ends[3]),
                     [*SAMPLED, "first", "last"])  # fmt: skip
    known = {tuple(row[key] for key in keys): row for row in row_dicts(beside)}
    of_all, nearer = _of_all(beside), 0
    for name, bins in rows.groupby(keys, sort=False):
        row, width = first_row(bins), float((bins["bin_high"] - bins["bin_low"]).iloc[0])
        row["label"] = f"{row['label']}, {row['network']}" if row["network"] != "mlp" else row["label"]
        counts, centres = bins["count"].to_numpy(float), (bins["bin_low"] + bins["bin_high"]).to_numpy(float) / 2
        n, of_gamma = counts.sum(), known.get(tuple(name))
        if of_gamma is None:
            yield check_number("rows of gamma beside", row, 0.0, 1.0)
            continue
        mean = float(counts @ centres / n)
        spread = float(np.sqrt(counts @ (centres - mean) ** 2 / n))
        yield check_number("networks", row, n, of_gamma["inits"], of_gamma["inits"])
        off = abs(spread - of_gamma["guess_fraction_std"])
        yield check_number("deviation of G_0, histogram less table", row, off, 0.0, width)
        half = width / 2 + 5 * of_gamma["guess_fraction_std"] / np.sqrt(n)
        yield check_number("mean G_0", row, mean, 1 / row["classes"] - half, 1 / row["classes"] + half)
        for theory in ("isotropic", "kernel", "finite"):
            distance, share = of_gamma.get(f"ks_{theory}", np.nan), bins.get(f"share_{theory}", np.nan)
            by_bins = np.abs(np.cumsum(counts / n - share)).max()
            nearer += by_bins > distance + 1 / row["points"]
    yield check_number("distances to theory that are larger by bins", of_all, float(nearer), 0.0, 0.0)


def same_guesses_by_regime(rows: pd.DataFrame, beside: pd.DataFrame) -> Iterator[Check]:
    """The gamma that the guesses of the last depth imply is that of their spread in the table of gamma.

    Where output layers were averaged it is that of the averaged spread; the drawn one is taken about the sample's mean,
    so they differ by chance: both are in one interval.
    """
    yield _all_there(rows, beside, SAMPLED)
    deepest = beside[beside["depth"] == beside["depth"].max()]
    known = {tuple(row[key] for key in SAMPLED): row for row in row_dicts(deepest)}
    deviation = next(name for name in ("guess_fraction_std_averaged", "guess_fraction_std") if name in beside)
    for row in row_dicts(rows):
        of_gamma = known.get(tuple(row[key] for key in SAMPLED))
        if of_gamma is None:
            yield check_number("rows of gamma beside", row, 0.0, 1.0)
            continue
        gamma = float(gamma_of_guesses(np.asarray(of_gamma[deviation] ** 2)))
        yield check_number("gamma of the spread", row, gamma, row["gamma_guesses_low"], row["gamma_guesses_high"])


def all_classes(rows: pd.DataFrame) -> Iterator[Check]:
    """The mean guess fractions of all ranks make 1, and their entropy is not below the mean entropy (concavity)."""
    for _, ranks in rows.groupby([*SAMPLED, "depth"], sort=False):
        row, fractions = first_row(ranks), ranks["fraction"].to_numpy(float)
        yield check_number("sum of fractions", row, float(fractions.sum()), 1 - 1e-4, 1 + 1e-4)
        shares = fractions[fractions > 0]
        most = float(-(shares * np.log(shares)).sum() / np.log(row["classes"]))
        yield check_number("mean entropy", row, row["entropy"], 0.0, most + 1e-4)


def same_runs(rows: pd.DataFrame, beside: pd.DataFrame) -> Iterator[Check]:
    """Milestones are those of the runs: averages and ranges, made anew from the table of runs."""
    yield _all_there(rows, beside, OF_CELL)
    known = {name: milestones.over_runs(runs) for name, runs in beside.groupby(list(OF_CELL), sort=False)}
    for row in row_dicts(rows):
        made = known.get(tuple(row[key] for key in OF_CELL))
        columns = [] if made is None else [name for name in map(str, made) if name != "bn_statistics"]
        pairs = [(row.get(name, np.nan), made[name].iloc[0]) for name in columns if made is not None]
        yield _agreeing("milestones that are not of the runs", row, pairs)


def same_curves(rows: pd.DataFrame, beside: pd.DataFrame) -> Iterator[Check]:
    """Curves have the medians of the runs' first gap on the training split, and of their early and last accuracies."""
    yield _all_there(rows, beside, OF_CELL)
    known = dict(list(beside.groupby(list(OF_CELL), sort=False)))
    for name, curve in rows.groupby(list(OF_CELL), sort=False):
        runs, row = known.get(name), first_row(curve)
        if runs is None:
            yield check_number("runs of a curve", row, 0.0, 1.0)
            continue
        pairs: list[tuple[Any, Any]] = []
        train, test = (curve[curve["split"] == split].sort_values("step") for split in ("train", "test"))
        ended = runs[runs["diverged"] == 0]
        if len(ended):  # a curve's last point is of these alone
            pairs.append((test["accuracy"].iloc[-1], ended["final_accuracy"].median()))
            pairs.append((train["accuracy"].iloc[-1], ended["final_training_accuracy"].median()))
            early = milestones.early(test["step"].to_numpy(np.int64))
            pairs.append((test["accuracy"].iloc[early], ended["early_accuracy"].median()))
            pairs.append((test["step"].iloc[-1], ended["last_step"].max()))
        if row["bn_statistics"] != "running":
            pairs.append((train["gap"].iloc[0], runs["gap_at_start"].median()))
        if pairs:
            yield _agreeing("ends of curves that are not of the runs", row, pairs)


def same_gradients(rows: pd.DataFrame, beside: pd.DataFrame) -> Iterator[Check]:
    """The medians by layer of the first ratio of gradients average to within the range of the runs' averages."""
    keys = [name for name in OF_CELL if name != "bn_statistics"]
    yield _all_there(rows, beside, keys)
    known = dict(list(beside[beside["bn_statistics"] != "running"].groupby(keys, sort=False)))
    for name, layers in rows[rows["step"] == 0].groupby(keys, sort=False):
        row, runs = first_row(layers), known.get(name)
        if runs is None or row["n"] != len(runs):
            yield check_number("runs of a gradient", row, 0.0, 1.0)
            continue
        found = float(np.log10(layers["ratio"]).mean())
        ends = runs["log_gradient_ratio"].min(), runs["log_gradient_ratio"].max()
        yield check_number("log10 of the ratio of gradients", row, found, ends[0] - 0.2, ends[1] + 0.2)


def same_starts(rows: pd.DataFrame, reference: str) -> Iterator[Check]:
    """Runs of the same number start with the guesses of the reference cell: RMSNorm changes none before training."""
    keys = [name for name in OF_CELL if name not in ("cell", "bn_statistics")]
    for _, group in rows.groupby(keys, sort=False):
        starts = group.pivot_table("largest_fraction_at_start", "run", "cell")
        for cell in starts.columns.drop(reference):
            row = {**first_row(group[group["cell"] == cell]), "n": len(starts)}
            off = float((starts[cell] - starts[reference]).abs().max())
            most = 1.5 / min(row["points"], row["evaluated"])
            yield check_number("largest difference of the first guesses", row, off, 0.0, most)


def _all_there(rows: pd.DataFrame, beside: pd.DataFrame, keys: Sequence[str]) -> Check:
    """How many cells one of the two tables has and the other has not."""
    here, there = (
        set(table[list(keys)].dropna().drop_duplicates().itertuples(index=False, name=None)) for table in (rows, beside)
    )
    return check_number("cells of one table alone", _of_all(beside), float(len(here ^ there)), 0.0, 0.0)


def _of_all(rows: pd.DataFrame) -> dict[str, Any]:
    return {"n": len(rows), **first_row(rows), "cell": "all configurations"}


def _agreeing(quantity: str, row: dict[str, Any], pairs: list[tuple[Any, Any]]) -> Check:
    """How many of the pairs are not the same number; one where there are none."""
    ours, theirs = (np.array([float(pair[side]) for pair in pairs]) for side in (0, 1))
    wrong = int((~np.isclose(ours, theirs, rtol=RELATIVE, atol=1e-9, equal_nan=True)).sum()) if pairs else 1
    return check_number(quantity, {**row, "inits": row[count_column(row)]}, float(wrong), 0.0, 0.0)
