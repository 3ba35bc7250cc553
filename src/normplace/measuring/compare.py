"""Two measurements side by side, with intervals and tests of their difference."""

import math
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from normplace.errors import UserError
from normplace.files import read_json
from normplace.measuring.modes import NAMES
from normplace.measuring.report import estimate, nats
from normplace.statistics import CONFIDENCE, Z95, Array, Estimate

ROUNDING = 1e-12  # of a share
UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError)


class Side(NamedTuple):
    """One measurement in one mode, of a file; drawn: which networks, by the first one's fingerprint and their seeds."""

    name: str
    mode: str
    found: dict[str, Any]
    classes: int
    data: str
    drawn: tuple[str, int]

    @property
    def agreement(self) -> dict[int, float]:
        """Of each network, by its number: the share of pairs of points with the same guess."""
        return dict(zip(self.found["networks"], map(float, self.found["agreement"]), strict=True))

    @property
    def deviations(self) -> Array:
        """Of each network: what it adds to log gamma of the outputs."""
        return np.array(self.found["deviations"], dtype=np.float64)

    def gamma(self, of: str) -> Estimate[float]:
        """Of the "guesses" or of the "outputs"; what a file has as null is infinite, or undefined without a guess."""
        found = self.found[{"guesses": "gamma_of_guesses", "outputs": "gamma"}[of]]
        null = math.nan if self.found["regime"] == "no guess" else math.inf
        return Estimate(*(null if found[end] is None else float(found[end]) for end in Estimate._fields))

    def row(self) -> list[tuple[str, str]]:
        """What is shown, by its name."""
        return [
            ("", self.name),
            *((f"gamma of the {of}", estimate(self.gamma(of))) for of in ("guesses", "outputs")),
            ("largest fraction, mean", f"{self.found['largest_fraction']['mean']:.3f}"),
            ("loss at the start", "inf" if (loss := self.found["loss"]["value"]) is None else nats(loss)),
            ("regime", self.found["regime"]),
            ("networks", str(len(self.agreement))),
        ]


def sides(path: Path) -> list[dict[str, Side]]:
    """What a file of `normplace measure` holds: of every model, its sides by kind of mode.

    Raises:
        UserError: the file is missing, damaged or foreign.
    """
    try:
        return list(_sides(read_json(path)))
    except UserError:
        raise
    except UNREADABLE as error:
        raise UserError(f"{path}: not a file of `normplace measure` ({error!r})") from None


def _sides(file: dict[str, Any]) -> Iterator[dict[str, Side]]:
    options, data = file["options"], file["data"]["sha256"]
    for one in file.get("measurements", [file]):
        arguments = options["model_arguments"] | one.get("arguments", {})
        name = " ".join(
            map(str, [one.get("model", options["model"]), *(f"{key}={arguments[key]}" for key in arguments)])
        )
        drawn = one["fingerprint"], options["seed"]
        modes = {"batch": one["shown"], "running": NAMES["running"]}
        found = {
            kind: Side(name, modes[kind], seen, one["classes"], data, drawn)
            for kind, seen in one["bn_statistics"].items()
        }
        for side in found.values():
            side.row(), side.deviations  # refuses at once what lacks something
        yield found


def compare(first: Path, second: Path) -> str:
    """Every model of the first file beside every one of the second, in each mode that both have.

    Guesses are compared by how often networks agree about pairs of points: by Welch's test or, where both files are of
    the same networks (one model with the same arguments, first weights and seed, on other inputs), by the test of
    pairs. Outputs are compared by log gamma: in the standard errors of its intervals, or in pairs.

    Raises:
        UserError: one of the files is not from `normplace measure`.
    """
    blocks = [
        _block(one[kind], other[kind])
        for one in sides(first)
        for other in sides(second)
        for kind in NAMES
        if kind in one and kind in other
    ]
    return "\n\n".join(blocks)


def _block(one: Side, other: Side) -> str:
    rows = [(label, left, right) for (label, left), (_, right) in zip(one.row(), other.row(), strict=True)]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    table = ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    notes = [one.mode if one.mode == other.mode else f"left {one.mode}, right {other.mode}"]
    notes += [] if one.classes == other.classes else [f"{one.classes} and {other.classes} outputs"]
    notes += [] if one.data == other.data else ["different inputs"]
    notes += ["the same networks"] if _are_the_same(one, other) else []
    guesses, outputs = guesses_differ(one, other), outputs_differ(one, other)
    return "\n".join(["; ".join(notes), *table, f"{_said('guesses', guesses)}; {_said('outputs', outputs)}"])


def _said(what: str, p: float) -> str:
    if math.isnan(p):
        return f"{what}: no test"
    chance = f"p = {p:.2g}" if p > 1e-16 else "p < 1e-16"
    return f"{what}: {'a difference' if p < 1 - CONFIDENCE else 'no difference'} beyond chance ({chance})"


def _are_the_same(one: Side, other: Side) -> bool:
    return (one.name, one.drawn) == (other.name, other.drawn)


def guesses_differ(one: Side, other: Side) -> float:
    """p of the test that networks agree as often about pairs of points; nan where the number of outputs differs."""
    from scipy import stats

    if one.classes != other.classes:
        return math.nan
    agreements, paired = (one.agreement, other.agreement), _are_the_same(one, other)
    if paired:  # not those that only one of the files has
        both = sorted(agreements[0].keys() & agreements[1].keys())
        if len(both) < 2:
            return math.nan
        left, right = (np.array([of[number] for number in both]) for of in agreements)
    else:
        left, right = (np.array(list(of.values())) for of in agreements)
    spreads = [np.ptp(left - right)] if paired else [np.ptp(left), np.ptp(right)]
    if max(spreads) < ROUNDING:  # nothing varies, so no test has an error to go by
        return 1.0 if abs(left.mean() - right.mean()) < ROUNDING else 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # scipy's, where one side alone does not vary
        test = stats.ttest_rel(left, right) if paired else stats.ttest_ind(left, right, equal_var=False)
    return float(test.pvalue)


def outputs_differ(one: Side, other: Side) -> float:
    """p that two gammas differ by their logarithms; nan where one is 0 or infinite, or pairs lack networks."""
    from scipy import stats

    left, right = one.gamma("outputs"), other.gamma("outputs")
    if not all(0 < end < math.inf for end in (*left, *right)):
        return math.nan
    distance = abs(math.log(left.value / right.value))
    if not _are_the_same(one, other):
        errors = [(math.log(gamma.high) - math.log(gamma.low)) / (2 * Z95) for gamma in (left, right)]
        error, freedom = math.hypot(*errors), math.inf
    elif one.found["networks"] != other.found["networks"]:
        return math.nan
    else:
        differences, freedom = one.deviations - other.deviations, len(one.deviations) - 1.0
        error = float(differences.std(ddof=1)) / len(differences) ** 0.5
    if error < ROUNDING:
        return 1.0 if distance < ROUNDING else math.nan
    return float(2 * stats.t.sf(distance / error, freedom))
