"""A measurement in words for a terminal, and as JSON for programs."""

import math
from typing import Any, NamedTuple

from normplace.measuring.measure import BOTH, Measurement
from normplace.measuring.modes import NAMES
from normplace.measuring.prejudice import ENOUGH, QUANTILES, Estimate, Prejudice
from normplace.statistics import NEUTRAL_GAMMA, finite_or_none

RISES = 4  # how many kinds of layers are printed
SMALLEST_RISE = 0.02  # of the correlation gamma / (1 + gamma), for a layer to count
LABEL = 22  # characters
LONG = 1e4  # nats: a loss from there on is printed with an exponent
FAVOURED = 10  # classes that are kept in the file


def number(value: float) -> str:
    """Three digits; what is smaller than 0.0001 is rounding, or as good as 0."""
    if math.isnan(value):
        return "undefined"
    return "<0.0001" if 0 < value < 1e-4 else f"{value:.3g}"


def nats(loss: float) -> str:
    """A loss, which may be of any size."""
    return f"{loss:.3f}" if loss < LONG else f"{loss:.3g}"


def estimate(gamma: Estimate) -> str:
    """A value and its interval, such as "0.52 [0.41, 0.66]"."""
    return f"{number(gamma.value)} [{number(gamma.low)}, {number(gamma.high)}]"


def verdict(found: Prejudice) -> str:
    """The regime and its evidence, in one sentence."""
    networks, gamma = len(found.guess_fraction), found.gamma_of_guesses
    if found.regime == "no guess":
        words = (
            f"no guess: the largest outputs tie in {found.tied:.0%} of the guesses (is the last layer initialised to "
            "zero?)"
        )
        name = read_by_outputs(found)
        if name is None:
            return words
        return f"{words}; a random readout instead, of layer {name}, would have gamma {estimate(found.layers[name])}"
    evidence = f"the guesses imply gamma {estimate(gamma)}"
    if found.regime != "undecided":
        return f"{found.regime}: {evidence}; below {NEUTRAL_GAMMA} is neutral, above 1 deeply prejudiced"
    if networks < ENOUGH:
        return f"undecided: {networks} networks are too few for a verdict, at least {ENOUGH} are needed; {evidence}"
    regimes = ["neutral", "prejudiced", "deeply prejudiced"]
    first, last = (sum(edge >= boundary for boundary in (NEUTRAL_GAMMA, 1)) for edge in (gamma.low, gamma.high))
    return f"undecided, {' or '.join(regimes[first : last + 1])}: {evidence}; the boundaries are {NEUTRAL_GAMMA} and 1"


def read_by_outputs(found: Prejudice) -> str | None:
    """The name of the layer that the outputs are made from, if it was recorded.

    Outputs that are the same for all points are no layer; then it is the last one.
    """
    names = [name for name in found.layers if name != "input"]
    last = names[-1] if names else None
    if last is None or found.tied > 0.5:
        return last
    follows = found.places[last].follows
    return follows if follows in found.layers else None


class Step(NamedTuple):
    """gamma before and after a layer, and the difference in the correlation gamma / (1 + gamma)."""

    rise: float
    before: float
    after: float
    at: str


class Rises(NamedTuple):
    """Layers of one kind that raise gamma over what they were made from: `rising` of `all`.

    A rise counts if it is of more than 0.02 and the intervals do not overlap. typical: the median one.
    """

    kind: str
    rising: int
    all: int
    typical: Step
    most: Step


def rises(found: Prejudice) -> list[Rises]:
    """Where prejudice arises: the kinds of layers that raise gamma, those that do so most, summed, first.

    The outputs are left out: they are compared with each other, not read out, so what is the same in all of them,
    such as the mean that a log-softmax gives them, is no prejudice.
    """
    steps: dict[str, list[Step]] = {}
    for name, (kind, follows) in list(found.places.items())[:-1]:
        if follows in found.layers:
            before, after = found.layers[follows], found.layers[name]
            rise = _correlation(after.value) - _correlation(before.value) if after.low > before.high else 0.0
            steps.setdefault(kind, []).append(Step(rise, before.value, after.value, name))
    ranked = []
    for kind, of_kind in steps.items():
        rising = sorted(step for step in of_kind if step.rise > SMALLEST_RISE)
        if rising:
            of_this = Rises(kind, len(rising), len(of_kind), rising[len(rising) // 2], rising[-1])
            ranked.append((sum(step.rise for step in rising), of_this))
    return [of_kind for _, of_kind in sorted(ranked, key=lambda item: item[0], reverse=True)]


def _correlation(gamma: float) -> float:
    return 1.0 if math.isinf(gamma) else gamma / (1 + gamma)


def report(found: Measurement, title: str, class_names: list[str] | None = None) -> str:
    """What `normplace measure` prints."""
    columns = {found.shown: found.batch}
    said = [f"that is in {found.shown} (dropout off)"]
    if found.running is not None:
        columns["eval()"] = found.running
        said = [
            f"{said[0]}, on all points at once; eval() with fresh statistics shows:",
            f"    {verdict(found.running)}",
        ]
    elif found.shown == BOTH:
        said = ["training mode (dropout off) and eval() guess the same"]
    theory = found.batch.theory
    rows = [
        ("", list(columns)),
        ("gamma of the guesses", [estimate(column.gamma_of_guesses) for column in columns.values()]),
        ("gamma of the outputs", [estimate(column.gamma) for column in columns.values()]),
        *([] if theory is None else [("  at infinite width", [number(theory)])]),
        ("largest fraction, mean", [f"{column.largest_fraction.mean():.3f}" for column in columns.values()]),
        ("  5, 25, 50, 75, 95 %", [", ".join(f"{q:.3f}" for q in column.quantiles()) for column in columns.values()]),
        ("  of fair guesses", [_fair(column) for column in columns.values()]),
        ("most favoured class", [_favoured(column, class_names) for column in columns.values()]),
        ("loss at the start", [_loss(column, found) for column in columns.values()]),
    ]
    others = found.contrast | found.remedies
    heading = f"the same networks, {next(iter(columns))}"
    label = max(len(heading), *map(len, others)) if others else LABEL
    width = max(len(cell) for _, cells in rows for cell in cells) + 2
    lines = [
        f"{title}: {found.points:,} points of shape {found.shape}, {found.classes} outputs, {found.inits} networks",
        f"initialisation: {found.initialisation}",
        *found.notes,
        "",
        verdict(found.batch),
        *said,
        "",
        *(f"{name:<{LABEL}}  {''.join(f'{cell:<{width}}' for cell in cells)}".rstrip() for name, cells in rows),
        "",
    ]
    if others:
        lines += [f"{heading:<{label}}  {'gamma of guesses':<28}  {'of outputs':<28}  loss"]
        lines += [
            f"{name:<{label}}  {estimate(of.gamma_of_guesses):<28}  {estimate(of.gamma):<28}  {nats(of.loss.value)}"
            for name, of in {"as they are": found.batch, **others}.items()
        ]
        lines += [""]
    return "\n".join([*lines, *_rises(found.batch)])


def sweep(found: dict[str, Measurement], argument: str, title: str) -> str:
    """What `normplace measure` prints of several models: a line for every value of their arguments."""
    first = next(iter(found.values()))
    rows = []
    for value, of in found.items():
        rows.append((value, *_in_a_row(of.batch), _in_eval(of)))
        rows += [(f"  {name}", *_in_a_row(seen), "") for name, seen in of.contrast.items()]
        rows += [
            (f"  {name}: loss {nats(seen.loss.value)}", *_in_a_row(seen), "") for name, seen in of.remedies.items()
        ]
    head = argument, "regime", "gamma of the guesses", "gamma of the outputs", "largest fraction", "eval()"
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    lines = [
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in (head, *rows)
    ]
    said = [of.notes for of in found.values()]
    common = [note for note in said[0] if all(note in of for of in said)]
    own = [f"{value}: {note}" for value, of in zip(found, said, strict=True) for note in of if note not in common]
    about = f"{title}: {first.points:,} points of shape {first.shape}, {first.asked} networks each; in {shown(found)}"
    return "\n".join([about, *common, *own, "", *lines])


def shown(found: dict[str, Measurement]) -> str:
    """Which mode the numbers of several models are of."""
    in_eval = [of.shown == NAMES["running"] for of in found.values()]
    return "eval()" if all(in_eval) else "training mode" + ", some in eval()" * any(in_eval)


def _in_eval(found: Measurement) -> str:
    """The regime in eval()."""
    if found.running is not None:
        return found.running.regime
    return "alike" if found.shown == BOTH else "see above"


def _in_a_row(seen: Prejudice) -> tuple[str, str, str, str]:
    """Regime, both gammas, and the mean largest fraction."""
    largest = f"{seen.largest_fraction.mean():.3f}"
    return seen.regime, estimate(seen.gamma_of_guesses), estimate(seen.gamma), largest


def _rises(found: Prejudice) -> list[str]:
    left_out = [f"layers that could not be read: {found.left_out}"] if found.left_out else []
    if not found.layers:
        return ["no layers were recorded", *left_out]
    steps = []
    for kind, rising, of_all, typical, most in rises(found)[:RISES]:
        usual = "" if rising == 1 else f"typically {_from_to(typical)}, most "
        steps.append(f"  {kind}: {rising} of {of_all}, {usual}{_from_to(most)} at {most.at}")
    at_first = f" (that of the input is {number(found.layers['input'].value)})" if "input" in found.layers else ""
    where = ":" if steps else f" no layer{at_first}"
    return [f"gamma of a random linear readout rises at{where}", *steps, *left_out]


def _from_to(step: Step) -> str:
    return f"{number(step.before)} -> {number(step.after)}"


def _fair(found: Prejudice) -> str:
    return f"{found.fair.value:.3f} [{found.fair.low:.3f}, {found.fair.high:.3f}]"


def _loss(found: Prejudice, measured: Measurement) -> str:
    against = "" if measured.labelled else ", mean over all labels"
    return f"{nats(found.loss.value)}, fair {math.log(measured.classes):.3f}{against}"


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
        "diverged": found.diverged,
        "shown": found.shown,
        "fingerprint": found.fingerprint,
        "initialisation": found.initialisation,
        "points": found.points,
        "shape": found.shape,
        "classes": found.classes,
        "notes": list(found.notes),
        "bn_statistics": {kind: _record(seen) for kind, seen in found.by_statistics.items()},
        "contrast": {name: _record(seen) for name, seen in found.contrast.items()},
        "remedies": {name: _record(seen) for name, seen in found.remedies.items()},
    }


def _record(found: Prejudice) -> dict[str, Any]:
    largest = found.largest_fraction
    readout = read_by_outputs(found)
    favoured = found.favoured.argsort(stable=True)[::-1][:FAVOURED]
    return {
        "networks": list(found.networks),
        "regime": found.regime,
        "verdict": verdict(found),
        "gamma": _estimate(found.gamma),
        "deviations": found.deviations.tolist(),
        "gamma_drawn": _estimate(found.gamma_drawn),
        "gamma_theory": found.theory,
        "gamma_of_guesses": _estimate(found.gamma_of_guesses),
        "agreement": found.agreement.tolist(),
        "largest_fraction": {
            "mean": float(largest.mean()),
            "quantiles": dict(zip(map(str, QUANTILES), found.quantiles().tolist(), strict=True)),
            "networks": largest.tolist(),
        },
        "fair_largest_fraction": _estimate(found.fair),
        "favoured_class": {
            "networks": found.guess_fraction.argmax(axis=1).tolist(),
            "shares": {str(index): float(found.favoured[index]) for index in favoured if found.favoured[index] > 0},
        },
        "tied": found.tied,
        "loss": _estimate(found.loss),
        "guesses": found.guesses,
        "layers": [
            {"name": name, **found.places[name]._asdict(), **_estimate(gamma)} for name, gamma in found.layers.items()
        ],
        "readout": None if readout is None else {"layer": readout, **_estimate(found.layers[readout])},
        "layers_left_out": found.left_out,
        "rises": [
            {"kind": kind, "rising": rising, "all": of_all, "typical": _step(typical), "most": _step(most)}
            for kind, rising, of_all, typical, most in rises(found)
        ],
    }


def _step(step: Step) -> dict[str, float | str | None]:
    return {"at": step.at, "before": finite_or_none(step.before), "after": finite_or_none(step.after)}


def _estimate(gamma: Estimate) -> dict[str, float | None]:
    return {name: finite_or_none(value) for name, value in gamma._asdict().items()}
