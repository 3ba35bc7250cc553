"""Two measurements side by side: tests that see a difference where there is one, and seldom where there is none."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from normplace import statistics
from normplace.cli.main import main
from normplace.measuring.compare import Side, compare, guesses_differ, outputs_differ, sides
from normplace.theories import guesses

MODELS = """
import torch
from torch import nn


def relu():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 20), nn.ReLU(), nn.Linear(20, 2))


def tanh():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 20), nn.Tanh(), nn.Linear(20, 2, bias=False))


def normed():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 20), nn.ReLU(), nn.BatchNorm1d(20), nn.Linear(20, 2))


def ten():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 20), nn.ReLU(), nn.Linear(20, 10))


def edited():
    return {networks}


def of_width(width):
    return nn.Sequential(nn.Flatten(), nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 2))


def zero():
    network = relu()
    nn.init.zeros_(network[-1].weight)
    nn.init.zeros_(network[-1].bias)
    return network
"""
Measured = Callable[..., Path]


@pytest.fixture
def measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Measured:
    """`normplace measure` in a user's folder: the file of a model and options."""
    (tmp_path / "models_here.py").write_text(MODELS.replace("{networks}", "relu()"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.delitem(sys.modules, "models_here", raising=False)
    monkeypatch.setattr("normplace.measuring.picture.write", lambda *_: None)  # no test of pictures
    monkeypatch.setattr("normplace.measuring.picture.write_sweep", lambda *_: None)

    def measure(model: str, *options: object, dataset: str = "digits", inits: int = 40) -> Path:
        path = tmp_path / f"{len(list(tmp_path.glob('*.json')))}.json"
        words = ["measure", f"models_here:{model}", "--dataset", dataset, "--points", 40, "--inits", inits, *options]
        main([*map(str, words), "--output", str(path)])
        return path

    return measure


def edit(networks: str) -> None:
    """Change the function `edited`, as a user does between two measurements."""
    Path("models_here.py").write_text(MODELS.replace("{networks}", networks))
    sys.modules.pop("models_here", None)


def only(path: Path, mode: str = "batch") -> Side:
    (one,) = sides(path)
    return one[mode]


def test_different_models_differ(measured: Measured, capsys: pytest.CaptureFixture[str]) -> None:
    relu, tanh = measured("relu"), measured("tanh")
    capsys.readouterr()
    main(["compare", str(relu), str(tanh)])
    first, *table, tests = capsys.readouterr().out.splitlines()
    assert first == "training and eval()"
    rows = {line[:24].strip(): line[24:].split("  ") for line in table}
    assert [name for name, _ in only(relu).row()] == list(rows)
    for (name, left), (_, right) in zip(only(relu).row(), only(tanh).row(), strict=True):
        assert [cell.strip() for cell in rows[name] if cell] == [left, right]
    found = json.loads(relu.read_text())["bn_statistics"]["batch"]
    assert f"{found['gamma_of_guesses']['value']:.3g} [" in "\n".join(table)
    assert tests.startswith("guesses: a difference beyond chance (p")
    assert "outputs: a difference beyond chance (p" in tests
    # Welch's test by its formula.
    left, right = (np.array(only(path).found["agreement"]) for path in (relu, tanh))
    error = (left.var(ddof=1) / len(left) + right.var(ddof=1) / len(right)) ** 0.5
    freedom = error**4 / sum((x.var(ddof=1) / len(x)) ** 2 / (len(x) - 1) for x in (left, right))
    p = 2 * stats.t.sf(abs(left.mean() - right.mean()) / error, freedom)
    assert guesses_differ(only(relu), only(tanh)) == pytest.approx(p)


def test_two_seeds_of_one_model_do_not(measured: Measured) -> None:
    said = compare(measured("relu"), measured("relu", "--seed", 1))
    assert "guesses: no difference beyond chance" in said
    assert "outputs: no difference beyond chance" in said
    assert said.startswith("training and eval()\n")  # the same inputs, and other networks


def test_the_same_networks_are_compared_in_pairs(measured: Measured, tmp_path: Path) -> None:
    """On inputs that are a little less shifted: too little for Welch's test to see, and enough for that of pairs."""
    x = np.random.default_rng(0).standard_normal((40, 64))
    paths = []
    for name, shift in (("near.npy", 0.2), ("far.npy", 0.3)):
        np.save(tmp_path / name, x + shift)
        paths.append(measured("tanh", dataset=f"npy:{name}"))
    said = compare(*paths)
    assert said.startswith("training and eval(); different inputs; the same networks\n")
    assert "outputs: a difference beyond chance" in said
    one, other = map(only, paths)
    left, right = (np.array(list(side.agreement.values())) for side in (one, other))
    differences = left - right
    t = differences.mean() / (differences.std(ddof=1) / len(differences) ** 0.5)
    p = guesses_differ(one, other)
    assert p == pytest.approx(2 * stats.t.sf(abs(t), len(differences) - 1))
    assert p < 0.05 < 0.3 < stats.ttest_ind(left, right, equal_var=False).pvalue
    assert guesses_differ(one, one) == 1
    assert "the same networks" not in compare(paths[0], measured("tanh", "--seed", 1, dataset="npy:far.npy"))


def test_pairs_are_those_networks_that_both_files_have() -> None:
    """Networks that diverged, others in each file, leave gaps."""
    agreement = np.random.default_rng(0).uniform(0.5, 0.9, 6)
    one, other = side(agreement), side(agreement + 0.01 * np.arange(6))
    expected = stats.ttest_rel(agreement[[1, 3, 4]], (agreement + 0.01 * np.arange(6))[[1, 3, 4]]).pvalue
    for found, lost in ((one.found, (0, 5)), (other.found, (2,))):
        for name in ("networks", "agreement"):
            found[name] = [value for at, value in enumerate(found[name]) if at not in lost]
    assert guesses_differ(one, other) == pytest.approx(expected)


def test_equal_weights_in_another_model_are_not_the_same_networks(measured: Measured) -> None:
    """Placements share their weights, and their difference is what this project is about."""
    said = compare(measured("relu"), measured("tanh"))
    assert "the same networks" not in said
    assert "outputs: a difference beyond chance" in said


def test_each_mode_and_each_model_beside_each(measured: Measured) -> None:
    swept = measured("of_width", "--vary", "width=5,30", inits=5)
    normed = measured("normed", inits=5)
    said = compare(swept, normed).split("\n\n")
    assert [block.splitlines()[1].split() for block in said] == [
        ["models_here:of_width", f"width={width}", "models_here:normed"] for width in (5, 30)
    ]
    both = compare(normed, normed).split("\n\n")
    assert [block.split(";")[0] for block in both] == ["training mode", "eval()"]
    assert all(
        "guesses: no difference beyond chance (p = 1); outputs: no difference beyond chance (p = 1)" in block
        for block in both
    )


def test_another_number_of_outputs_and_what_makes_no_guess(measured: Measured) -> None:
    relu, ten, zero = measured("relu", inits=5), measured("ten", inits=5), measured("zero", inits=5)
    said = compare(relu, ten)
    assert said.startswith("training and eval(); 2 and 10 outputs\n")
    assert "guesses: no test" in said
    said = compare(zero, measured("zero", "--seed", 1, inits=6))
    assert "guesses: no difference beyond chance (p = 1); outputs: no test" in said  # their gamma is undefined


def test_a_foreign_file(measured: Measured, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = measured("relu", inits=3)
    content = json.loads(good.read_text())
    del content["bn_statistics"]["batch"]["agreement"]
    files = {"old": json.dumps(content), "other": '{"options": {}}', "list": "[1]", "broken": "{", "empty": "{}"}
    for name, text in files.items():
        (tmp_path / f"{name}.txt").write_text(text)
    capsys.readouterr()
    for name in (*files, "missing"):
        for pair in ((f"{name}.txt", str(good)), (str(good), f"{name}.txt")):
            with pytest.raises(SystemExit) as caught:
                main(["compare", *pair])
            assert caught.value.code == 2
            (line,) = capsys.readouterr().err.splitlines()
            assert f"{name}.txt" in line


def side(
    agreement: np.ndarray,
    seed: int = 0,
    gamma: tuple[float, float, float] = (1, 0.8, 1.25),
    deviations: np.ndarray | None = None,
) -> Side:
    found: dict[str, Any] = {
        "networks": list(range(len(agreement))),
        "agreement": agreement.tolist(),
        "regime": "prejudiced",
        "gamma": dict(zip(("value", "low", "high"), gamma, strict=True)),
        "deviations": [] if deviations is None else deviations.tolist(),
    }
    return Side("it", "batch", found, 2, "", ("it", seed))


def drawn(gamma: float, networks: int, random: np.random.Generator) -> np.ndarray:
    """Shares of pairs of 100 points with the same guess, of networks with this gamma."""
    from scipy.special import ndtr

    counts = random.binomial(100, ndtr(gamma**0.5 * random.standard_normal(networks)))
    return (counts**2 + (100 - counts) ** 2 - 100) / (100 * 99)


@pytest.mark.slow
@pytest.mark.parametrize("gamma", [0.05, 0.5, 3.0])
def test_false_alarms_are_five_in_a_hundred(gamma: float) -> None:
    random, repeats = np.random.default_rng(0), 500
    ps: dict[str, list[float]] = {name: [] for name in ("alike", "paired", "apart")}
    for _ in range(repeats):
        one, other = drawn(gamma, 40, random), drawn(gamma, 60, random)
        ps["alike"].append(guesses_differ(side(one, 0), side(other, 1)))
        # The same networks on inputs that differ by noise alone.
        noise = [side(one + random.normal(0, 0.01, 40)) for _ in range(2)]
        ps["paired"].append(guesses_differ(*noise))
        ps["apart"].append(guesses_differ(side(one, 0), side(drawn(3 * gamma, 60, random), 1)))
    alarms = {name: np.mean(np.array(of) < 0.05) for name, of in ps.items()}
    error = (0.05 * 0.95 / repeats) ** 0.5
    assert alarms["alike"] == pytest.approx(0.05, abs=4 * error)
    assert alarms["paired"] == pytest.approx(0.05, abs=4 * error)
    assert alarms["apart"] > 0.6  # three times the gamma is seen
    assert guesses.agreement(gamma, 2) == pytest.approx(drawn(gamma, 10**5, random).mean(), abs=0.005)


def test_networks_that_all_agree_as_much() -> None:
    ones, halves = np.ones(5), np.full(7, 0.5)
    assert guesses_differ(side(ones), side(np.ones(7), 1)) == 1
    assert guesses_differ(side(ones), side(halves, 1)) == 0


def test_outputs_are_compared_by_log_gamma() -> None:
    ones = np.ones(5)
    one, other = side(ones, 0, (2, 1, 4)), side(ones, 1, (6, 4, 9))
    # Half intervals of log gamma are log 2 and log 1.5, of 1.96 standard errors each.
    z = np.log(3) / (np.hypot(np.log(2), np.log(1.5)) / 1.96)
    assert outputs_differ(one, other) == pytest.approx(2 * stats.norm.sf(z), rel=1e-3)
    assert np.isnan(outputs_differ(one, side(ones, 1, (0, 0, 0))))
    assert np.isnan(outputs_differ(one, side(ones, 1, (np.inf, 1, np.inf))))


def outputs_of(pairs: np.ndarray) -> Side:
    """Of networks of 5 outputs, whose variances [networks, 5] are these, and 1 over points."""
    within = np.ones_like(pairs)
    gamma = statistics.gamma_of_outputs(pairs, within)
    return side(np.full(len(pairs), 0.5), gamma=gamma, deviations=statistics.deviations_of_outputs(pairs, within))


@pytest.mark.slow
def test_outputs_of_the_same_networks_are_compared_in_pairs() -> None:
    """False alarms are five in a hundred where both sides vary together; a difference is seen that hides without."""
    random, repeats, networks = np.random.default_rng(0), 500, 30
    alarms, seen, unpaired = [], [], []
    for _ in range(repeats):
        common = random.standard_normal((networks, 5))
        one, other = (common + 0.3 * random.standard_normal((networks, 5)) for _ in range(2))
        alarms.append(outputs_differ(outputs_of(one), outputs_of(other)) < 0.05)
        more = outputs_of(1.15 * other)
        seen.append(outputs_differ(outputs_of(one), more) < 0.05)
        unpaired.append(outputs_differ(outputs_of(one), more._replace(drawn=("it", 1))) < 0.05)
    assert np.mean(alarms) == pytest.approx(0.05, abs=4 * (0.05 * 0.95 / repeats) ** 0.5)
    assert np.mean(seen) > 0.95 > 0.6 > np.mean(unpaired)
    one = outputs_of(common)
    assert outputs_differ(one, one) == 1
    one.found["networks"] = [*range(1, networks + 1)]
    assert np.isnan(outputs_differ(one, more))


def test_a_model_that_was_edited_is_another_one(measured: Measured, capsys: pytest.CaptureFixture[str]) -> None:
    before = measured("edited")
    again = measured("edited", "--points", 30)
    edit("tanh()")
    after = measured("edited")
    capsys.readouterr()
    assert only(before).drawn == only(again).drawn
    assert only(before).drawn != only(after).drawn
    main(["compare", str(before), str(after)])
    said = capsys.readouterr().out
    assert "the same networks" not in said
    assert "no test" not in said
