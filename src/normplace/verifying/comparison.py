"""A run against a reference: file by file where both must be the same bytes, else number by number.

The same code with the same versions on the same kind of processor gives the same bytes. Elsewhere sums are rounded in
another order, and training amplifies that, so numbers are held against their own standard errors.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from normplace.errors import UserError
from normplace.files import sha256_of_file
from normplace.statistics import Z95
from normplace.tables.tidy import count_column, read_tidy
from normplace.verifying.checks import FALSE_ALARM
from normplace.verifying.manifest import Manifest, read_manifest

# What must agree for equal bytes: parts of the manifest, or entries of a part. First those by which libraries choose
# their instructions, and with them the order of sums: two processors of one family may differ in the last bits.
ROUNDED_BY = ("machine.processor", "versions")
SAME_BYTES = ("code", "lock", "devices", "machine.system", "machine.architecture")
NOT_REPRODUCIBLE = ("report.html",)  # it says when each job ran
# Which row is which; rows come in the same order from the same configuration.
KEYS = (
    "dataset", "label", "network", "model", "class_names",
    "norm", "placement", "activation", "bn_statistics", "depth", "width", "classes", "shift",
    "points", "select", "learning_rate", "rank",
)  # fmt: skip
# No chance in them, but for the rounding of float32.
THEORY = ("gamma_isotropic", "gamma_kernel", "entropy_kernel", "fraction_kernel")
ROUNDING = {"relative": 1e-3, "absolute": 1e-6}
NOT_COMPARED = ("curves", "gradients", "histograms")  # bands and counts, whose summaries are compared


@dataclass(frozen=True, repr=False)
class Comparison:
    """basis: how it was compared and why; differences: one line per file or number that should agree and does not."""

    results: Path
    reference: Path
    basis: list[str]
    differences: list[str]

    def __repr__(self) -> str:
        verdict = f"{len(self.differences)} differences" if self.differences else "they agree"
        return "\n".join([*self.basis, *self.differences, f"{self.results} against {self.reference}: {verdict}"])


def compare(results: Path, reference: Path) -> Comparison:
    """Compare two results folders that have manifests.

    Raises:
        UserError: a manifest is missing, or the two have different configurations.
    """
    ours, theirs = read_manifest(results), read_manifest(reference)
    for key in sorted(set(ours.configuration) | set(theirs.configuration)):
        here, there = (manifest.configuration.get(key, "nothing") for manifest in (ours, theirs))
        if here != there:
            raise UserError(f"--against {reference}: has another configuration ({key}: {here} here, {there} there)")
    rounded = "; ".join(line.strip() for part in ROUNDED_BY for line in _difference(part, ours, theirs))
    others = [line for part in SAME_BYTES for line in _difference(part, ours, theirs)]
    data = _other_data(ours, theirs)
    if rounded or others or data:
        basis = [f"last bits may differ: {rounded}"] if rounded else []
        basis.append(f"numbers are compared within their intervals{', because bytes need not agree:' * bool(others)}")
        compared, differences = _numbers(results, reference, list(data))
        return Comparison(results, reference, [*basis, *others, compared], [*data.values(), *differences])
    why = "SHA-256 of every file is compared: configuration, code, lock, versions, device and processor agree"
    return Comparison(results, reference, [why], _hashes(results, ours, theirs))


def _difference(part: str, ours: Manifest, theirs: Manifest) -> list[str]:
    part_name, _, entry = part.partition(".")
    values: list[Any] = [getattr(manifest, part_name) for manifest in (ours, theirs)]
    if entry:
        values = [value.get(entry) for value in values]
    if values[0] == values[1] and values[0] is not None:
        return []
    if isinstance(values[0], dict) and isinstance(values[1], dict):
        keys = [key for key in sorted({*values[0], *values[1]}) if values[0].get(key) != values[1].get(key)]
        values = [", ".join(f"{key} {value.get(key)}" for key in keys) for value in values]
    return [f"  {part}: {values[0]} here, {values[1]} there"]


def _other_data(ours: Manifest, theirs: Manifest) -> dict[str, str]:
    """Data set -> one line, of each whose points are others, such as a stand-in's."""
    here, there = _data(ours), _data(theirs)
    found = {}
    for name in sorted(here.keys() & there.keys()):
        if here[name] != there[name]:
            (label, hashes), (other, others) = here[name], there[name]
            first, second = (min(these, default="none")[:12] for these in (hashes - others, others - hashes))
            same = f" (SHA-256 {first} here, {second} there)" if label == other else ""
            found[name] = f"other data of {name}: {label} here, {other} there{same}; its rows are not compared"
    return found


def _data(manifest: Manifest) -> dict[str, tuple[str, set[str]]]:
    """Data set -> its label, which says if it is a stand-in, and the hashes of what was read of it."""
    found: dict[str, tuple[str, set[str]]] = {}
    for of_file in manifest.inputs.values():
        first = (str(of_file.get("label")), set[str]())
        found.setdefault(str(of_file.get("dataset")), first)[1].add(str(of_file.get("raw_sha256")))
    return found


def _hashes(results: Path, ours: Manifest, theirs: Manifest) -> list[str]:
    """Files of the run itself against what the reference's manifest says of its whole run, shipped or not.

    Of a run that is itself a shipped reference, the folders that it ships.
    """
    expected = theirs.model_copy(update={"shipped": ours.shipped}).promised()
    differences = []
    for name in sorted({*ours.promised(), *expected} - set(NOT_REPRODUCIBLE)):
        if name not in expected:
            differences.append(f"not in the reference: {name}")
        elif not (results / name).is_file():
            differences.append(f"missing: {name}")
        elif sha256_of_file(results / name) != expected[name].sha256:
            differences.append(f"other bytes: {name}")
    return differences


def _numbers(results: Path, reference: Path, left_out: list[str]) -> tuple[str, list[str]]:
    """What was compared, in words, and the differences; rows of data sets that are left out are not."""
    differences: list[str] = []
    numbers: list[tuple[str, str, pd.DataFrame, pd.DataFrame]] = []
    tables = [path for path in sorted((reference / "tidy").glob("*/*.csv")) if path.stem not in NOT_COMPARED]
    for name in (path.relative_to(reference).as_posix() for path in tables):
        if not (results / name).is_file():
            differences.append(f"missing: {name}")
            continue
        here, there = (_without(left_out, read_tidy(root / name)) for root in (results, reference))
        keys = [key for key in KEYS if key in there]
        if list(here.columns) != list(there.columns) or not here[keys].equals(there[keys]):
            differences.append(f"other rows, columns or data: {name}")
            continue
        numbers += [(name, column, here, there) for column in _compared(there)]
    total = sum(len(there) for *_, there in numbers)
    level = FALSE_ALARM / (2 * max(total, 1))
    worst = 0.0
    for name, column, here, there in numbers:
        off = _in_allowances(here, there, column, level)
        worst = max(worst, float(off.max(initial=0)))
        differences += [
            f"{name}, row {row + 1}, {column}: {here[column][row]} here, {there[column][row]} there"
            for row in np.flatnonzero(off > 1)
        ]
    compared = (
        f"{total} numbers of {len({name for name, *_ in numbers})} tables; allowed is what chance exceeds for "
        f"one of them in 1 of 100 cases (Student's t, by the networks or runs of each), "
        f"theory {ROUNDING['relative']:g} of itself; largest seen: {worst:.2g} of what is allowed"
    )
    return compared, differences


def _without(datasets: list[str], table: pd.DataFrame) -> pd.DataFrame:
    return table[~table["dataset"].isin(datasets)].reset_index(drop=True) if "dataset" in table else table


def _compared(table: pd.DataFrame) -> list[str]:
    """Columns with an interval, medians of steps aside (a coarse grid, and infinite for some), and those of theory."""
    names = [name for name in map(str, table) if not name.startswith("steps_")]
    with_interval = [name for name in names if {f"{name}_low", f"{name}_high"} <= set(names)]
    return list(dict.fromkeys([*with_interval, *(name for name in THEORY if name in names)]))


def _in_allowances(here: pd.DataFrame, there: pd.DataFrame, column: str, level: float) -> npt.NDArray[np.float64]:
    """The difference of a column in units of what is allowed; 0 where both have the same or no number."""
    ours, theirs = (_number(table, column) for table in (here, there))
    allowed = np.full(len(ours), ROUNDING["absolute"])
    if column in THEORY:
        allowed += ROUNDING["relative"] * np.abs(theirs)
    else:
        n = _number(there, count_column(there))
        quantile = stats.t.ppf(1 - level, np.maximum(n - 1, 1)) * np.sqrt(n / np.maximum(n - 1, 1))
        with np.errstate(invalid="ignore"):  # both ends may be infinite, and are the same then or not
            allowed += quantile * np.hypot(*(_standard_error(table, column, n) for table in (here, there)))
        if "test_points" in there:  # an accuracy moves by whole points
            allowed += 1 / _number(there, "test_points")
    same = (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))  # infinite ones too
    with np.errstate(invalid="ignore"):
        off = np.where(same, 0.0, np.nan_to_num(np.abs(ours - theirs) / allowed, nan=np.inf))
    return np.asarray(off, dtype=np.float64)


def _standard_error(table: pd.DataFrame, column: str, n: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Of a mean over n networks or runs, from the 95 % interval beside it, or from what stands in its place."""
    width = _number(table, f"{column}_high") - _number(table, f"{column}_low")
    if column == "fraction":  # quartiles over networks
        return np.asarray(width / (2 * stats.norm.ppf(0.75)) / np.sqrt(n))
    if "steps_to_closed_gap" in table:  # milestones: the range over runs
        return np.asarray(width / np.array([_range(int(runs)) for runs in n]) / np.sqrt(n))
    return width / (2 * Z95)


@cache
def _range(n: int) -> float:
    """The expected range of n independent standard normal numbers; of one, where it is 0, the number 1."""
    below = stats.norm.cdf(np.linspace(-9, 9, 4001))
    return float((1 - below**n - (1 - below) ** n).sum() * 18 / 4000) if n > 1 else 1.0


def _number(table: pd.DataFrame, column: str) -> npt.NDArray[np.float64]:
    """A column as numbers; what is none is missing."""
    return np.asarray(pd.to_numeric(table[column], errors="coerce"), dtype=np.float64)
