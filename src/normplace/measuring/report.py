"""A measurement in words for a terminal, and as JSON for programs."""

import math
from typing import Any, NamedTuple

from normplace.measuring.measure import Measurement
from normplace.measuring.prejudice import ENOUGH, QUANTILES, Estimate, Prejudice
from normplace.statistics import NEUTRAL_GAMMA, finite_or_none

RISES = 4  # how many kinds of layers are printed
SMALLEST_RISE = 0.02  # of the correlation gamma / (1 + gamma), for a layer to count
LABEL = 22  # characters


def number(value: float) -> str:
    """Three digits; what is smaller than 0.0001 is rounding, or as good as 0."""
    if math.isnan(value):
        return "undefined"
    return "<0.0001" if 0 < value < 1e-4 else f"{value:.3g}"


def estimate(gamma: Estimate) -> str:
    """A value and its interval, such as "0.52 [0.41, 0.66]"."""
    return f"{number(gamma.value)} [{number(gamma.low)}, {number(gamma.high)}]"


def verdict(found: Prejudice) -> str:
    """The regime and its evidence, in one sentence."""
    networks, gamma = len(found.guess_fraction), found.gamma_of_guesses
    if found.regime == "no guess":
        name, readout = next(item for item in reversed(found.layers.items()) if math.isfinite(item[1].value))
        return (
            f"no guess: the largest outputs tie in {found.tied:.0%} of the guesses (is the last layer initialised to "
            f"zero?); a random readout instead, of layer {name}, would have gamma {estimate(readout)}"
        )
    evidence = f"the guesses imply gamma {estimate(gamma)}"
    if found.regime != "undecided":
        return f"{found.regime}: {evidence}; below {NEUTRAL_GAMMA} is neutral, above 1 deeply prejudiced"
    if networks < ENOUGH:
        return f"undecided: {networks} networks are too few for a verdict, at least {ENOUGH} are needed; {evidence}"
    regimes = ["neutral", "prejudiced", "deeply prejudiced"]
    first, last = (sum(edge >= boundary for boundary in (NEUTRAL_GAMMA, 1)) for edge in (gamma.low, gamma.high))
    return f"undecided, {' or '.join(regimes[first : last + 1])}: {evidence}; the boundaries are {NEUTRAL_GAMMA} and 1"


class Rise(NamedTuple):
    """Layers of one kind that raise gamma over what they were made from: `rising` of `all`, typically by this.

    A rise counts if it is of more than 0.02 in the correlation gamma / (1 + gamma) and the intervals do not overlap.
    """

    kind: str
    rising: int
    all: int
    before: float
    after: float


def rises(found: Prejudice) -> list[Rise]:
    """Where prejudice arises: the kinds of layers that raise gamma, those that do so most, summed, first.

    The outputs are left out: they are compared with each other, not read out, so what is the same in all of them,
    such as the mean that a log-softmax gives them, is no prejudice.
    """
    steps: dict[str, list[tuple[float, float, float]]] = {}
    for name, (kind, follows) in list(found.places.items())[:-1]:
        if follows in found.layers:
            before, after = found.layers[follows], found.layers[name]
            rise = _correlation(after.value) - _correlation(before.value) if after.low > before.high else 0.0
            steps.setdefault(kind, []).append((rise, before.value, after.value))
    ranked = []
    for kind, of_kind in steps.items():
        rising = sorted(step for step in of_kind if step[0] > SMALLEST_RISE)
        if rising:
            _, *typical = rising[len(rising) // 2]
            ranked.append((sum(rise for rise, _, _ in rising), Rise(kind, len(rising), len(of_kind), *typical)))
    return [rise for _, rise in sorted(ranked, key=lambda item: item[0], reverse=True)]


def _correlation(gamma: float) -> float:
    return 1.0 if math.isinf(gamma) else gamma / (1 + gamma)


def report(found: Measurement, title: str, class_names: list[str] | None = None) -> str:
    """What `normplace measure` prints."""
    if found.running is None:
        columns = {"training and eval()": found.batch}
        eval_mode = ["without BatchNorm (and dropout off) training and eval() guess the same"]
    else:
        columns = {"batch statistics": found.batch, "eval()": found.running}
        eval_mode = [
            "that is with batch statistics of all points, as training sees it (dropout off); "
            "eval() with fresh running statistics would show:",
            f"    {verdict(found.running)}",
        ]
    shape = "x".join(map(str, found.input_shape[1:]))
    rows = [
        ("", list(columns)),
        ("gamma of the guesses", [estimate(column.gamma_of_guesses) for column in columns.values()]),
        ("gamma of the outputs", [estimate(column.gamma) for column in columns.values()]),
        ("largest fraction, mean", [f"{column.largest_fraction.mean():.3f}" for column in columns.values()]),
        ("  5, 25, 50, 75, 95 %", [", ".join(f"{q:.3f}" for q in column.quantiles()) for column in columns.values()]),
        ("most favoured class", [_favoured(column, class_names) for column in columns.values()]),
    ]
    width = max(len(cell) for _, cells in rows for cell in cells) + 2
    steps = [
        f"{rise.kind} ({rise.rising} of {rise.all}, typically {number(rise.before)} -> {number(rise.after)})"
        for rise in rises(found.batch)[:RISES]
    ]
    arises = "; ".join(steps) or f"no layer (that of the input is {number(found.batch.layers['input'].value)})"
    lines = [
        f"{title}: {found.input_shape[0]:,} points of shape {shape}, {found.classes} outputs, {found.inits} networks",
        f"initialisation: {found.initialisation}",
        "",
        verdict(found.batch),
        *eval_mode,
        "",
        *(f"{label:<{LABEL}}  {''.join(f'{cell:<{width}}' for cell in cells)}".rstrip() for label, cells in rows),
        "",
        f"gamma of a random linear readout rises at: {arises}",
    ]
    return "\n".join(lines)


def _favoured(found: Prejudice, class_names: list[str] | None) -> str:
    if found.regime == "no guess":
        return "none"
    index = int(found.favoured.argmax())
    names = class_names if class_names is not None and len(class_names) == len(found.favoured) else None
    name = f" ({names[index]})" if names else ""
    return f"{index}{name}, of {found.favoured[index]:.0%} of networks"


def record(found: Measurement) -> dict[str, Any]:
    """Everything that is printed or drawn, JSON-able; what is infinite or undefined is null."""
    return {
        "inits": found.inits,
        "inits_asked": found.asked,
        "initialisation": found.initialisation,
        "input_shape": list(found.input_shape),
        "classes": found.classes,
        "bn_statistics": {kind: _record(seen) for kind, seen in found.by_statistics.items()},
    }


def _record(found: Prejudice) -> dict[str, Any]:
    largest = found.largest_fraction
    return {
        "regime": found.regime,
        "verdict": verdict(found),
        "gamma": _estimate(found.gamma),
        "gamma_of_guesses": _estimate(found.gamma_of_guesses),
        "largest_fraction": {
            "mean": float(largest.mean()),
            "quantiles": dict(zip(map(str, QUANTILES), found.quantiles().tolist(), strict=True)),
            "networks": largest.tolist(),
        },
        "guess_fraction_mean": found.guess_fraction.mean(axis=0).tolist(),
        "favoured_class": {"networks": found.guess_fraction.argmax(axis=1).tolist(), "shares": found.favoured.tolist()},
        "tied": found.tied,
        "layers": [
            {"name": name, **found.places[name]._asdict(), **_estimate(gamma)} for name, gamma in found.layers.items()
        ],
        "rises": [
            {**rise._asdict(), "before": finite_or_none(rise.before), "after": finite_or_none(rise.after)}
            for rise in rises(found)
        ],
    }


def _estimate(gamma: Estimate) -> dict[str, float | None]:
    return {name: finite_or_none(value) for name, value in gamma._asdict().items()}
