"""Claims hold on the shipped reference, and fail on results that a mistake has spoilt."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from scipy.special import erf

from normplace.cli.main import main
from normplace.data import datasets
from normplace.errors import UserError
from normplace.sampling import mlps as sampling
from normplace.theories.guesses import distribution
from normplace.verifying import judges, report
from normplace.verifying.checks import FAILS, HOLDS, UNDECIDED, Check
from normplace.verifying.claims import NOT_TESTABLE, STAND_IN, judge, read_claims
from normplace.verifying.judges import constant, contrast, density, entropy, extrapolated, kappa, theory
from study import configuration

ROOT = Path(__file__).resolve().parents[3]
REFERENCE = ROOT / "reference" / "quick"
CLAIMS = {claim.id: claim for claim in read_claims(ROOT / "claims.yaml")}
READINGS = [name for name, claim in CLAIMS.items() if claim.by == "reading"]


def verdicts(tidy: Path, *names: str) -> dict[str, str]:
    return {judgement.claim.id: judgement.verdict for judgement in judge([CLAIMS[n] for n in names], tidy)}


def all_fail(tidy: Path, *names: str) -> bool:
    return set(verdicts(tidy, *names).values()) == {FAILS}


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A copy of the reference's tables, to be spoilt."""
    return Path(shutil.copytree(REFERENCE / "tidy", tmp_path / "tidy"))


def edit(tidy: Path, table: str, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    path = tidy / f"{table}.csv"
    change(pd.read_csv(path, keep_default_na=False, na_values=[""])).to_csv(path, index=False)


@pytest.mark.slow
def test_the_shipped_verdicts_are_those_of_the_shipped_tables() -> None:
    shipped = pd.read_csv(REFERENCE / "tables" / "claims.csv", keep_default_na=False)
    found = report.table(judge(CLAIMS.values(), REFERENCE / "tidy"))
    assert shipped.astype(str).equals(found.astype(str))


@pytest.mark.slow
def test_no_claim_but_readings_fails_on_the_reference() -> None:
    found = verdicts(REFERENCE / "tidy", *(name for name in CLAIMS if name not in READINGS))
    # With LayerNorm before GELU gamma still grows at depth 20: docs/results.md says so.
    assert [name for name, verdict in found.items() if verdict == FAILS] == ["activations-regimes"]
    assert list(found.values()).count(HOLDS) >= 24


OF_PAPER = {"output-bias-centred", "output-bias-prejudiced", "training-absorbs"}  # need 20 runs


@pytest.mark.parametrize("scale", ["smoke", "quick", "paper"])
def test_quick_and_paper_have_enough_for_every_claim_and_smoke_for_those_without_needs(scale: str) -> None:
    config = configuration.read(ROOT / "config" / f"{name}.yaml" for name in dict.fromkeys(("quick", scale)))
    width = {"width_convergence": max(config["width_convergence"]["widths"])}
    runs = {"dynamics": min(config["training"]["runs"].values())}
    runs["resnet_dynamics"] = min(one["runs"] for one in config["resnet_dynamics"]["networks"])
    inits = {"architectures": min(one["inits"] for one in config["architectures"]["networks"])}
    inits["zoo"] = min(config["zoo"]["inits"].values())
    for claim in CLAIMS.values():
        experiment = claim.tests[0].reads.split("/")[0]
        own = config.get(experiment, {})
        there = {
            "inits": inits.get(experiment) or own.get("inits", config["placements"]["inits"]),
            "runs": runs.get(experiment) or own.get("runs", 0),
            "depth": config["placements"]["depth"],
            "width": width.get(experiment, config["placements"]["width"]),
        }
        enough = all(there[name] >= least for name, least in claim.needs.items())
        expected = not claim.needs or (scale != "smoke" and (scale == "paper" or claim.id not in OF_PAPER))
        assert enough == expected, claim.id


# What each mistake makes of the tables, and claims that must then fail.


@pytest.mark.slow
@pytest.mark.parametrize(
    ("column", "names", "expected"),
    [
        (
            "norm",
            {"batch": "layer", "layer": "batch"},
            {"batch-before-constant", "batch-after-neutral", "layer-before-deeply-prejudiced", "placement-flips"},
        ),
        (
            "placement",
            {"before": "after", "after": "before"},
            {"batch-before-constant", "batch-after-neutral", "layer-after-neutral", "placement-flips"},
        ),
    ],
    ids=["norms swapped", "placements swapped"],
)
def test_swapped_names(results: Path, column: str, names: dict[str, str], expected: set[str]) -> None:
    def swapped(table: pd.DataFrame) -> pd.DataFrame:
        return table.assign(**{column: table[column].replace(names)})

    for table in ("placements/gamma", "placements/regimes", "placements/histograms"):
        edit(results, table, swapped)
    assert all_fail(results, *expected)


@pytest.mark.slow
def test_batch_norm_in_eval_mode(results: Path) -> None:
    """The rows of BatchNorm replaced by those that were really sampled in eval mode with fresh running statistics."""
    for name in ("gamma", "regimes", "histograms"):
        sampled = pd.read_csv(results / "batch_statistics" / f"{name}.csv", keep_default_na=False, na_values=[""])
        wrong = sampled[sampled["bn_statistics"] == "running"].assign(bn_statistics="batch")

        def mistaken(table: pd.DataFrame, wrong: pd.DataFrame = wrong) -> pd.DataFrame:
            right = ~((table["dataset"] == "mnist") & (table["norm"] == "batch"))
            kernel = [c for c in table if c.endswith("_kernel") and c not in ("ks_kernel", "ks_critical_kernel")]
            keys = ["norm", "placement", *(c for c in ("depth", "bin_low") if c in table)]
            theory = table[~right][[*keys, *kernel]]
            return pd.concat([table[right], wrong.drop(columns=kernel, errors="ignore").merge(theory, on=keys)])

        edit(results, f"placements/{name}", mistaken)
    assert all_fail(results, "batch-after-neutral", "batch-before-constant-images", "placement-flips")


@pytest.mark.slow
def test_theory_of_another_data_set(results: Path) -> None:
    def mixed(table: pd.DataFrame) -> pd.DataFrame:
        names = {"mnist": "gaussian", "gaussian": "mnist"}
        of_other = table.set_index(["dataset", "norm", "placement", "depth"])["gamma_finite"].rename(
            index=names, level=0
        )
        keys = pd.MultiIndex.from_frame(table[["dataset", "norm", "placement", "depth"]])
        return table.assign(gamma_finite=of_other.reindex(keys).to_numpy())

    edit(results, "placements/gamma", mixed)
    assert all_fail(results, "theory-at-width")


def activations(folder: Path) -> Path:
    """Sampled networks without a norm, as the activations experiment has them."""
    files = []
    for name in ("leaky_relu", "gelu", "silu", "tanh"):
        files.append(str(folder / f"{name}.npz"))
        network = ["--norm", "none", "--depth", "3", "--activation", name, "--inits", "150"]
        main(["sample", "--dataset", "gaussian", "--points", "300", *network, "--output", files[-1]])
    main(["summarise", *files, "--bootstrap", "300", "--output", str(folder / "activations")])
    return folder


@pytest.mark.slow
def test_a_wrong_gain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert verdicts(activations(tmp_path), "activations-gamma") == {"activations-gamma": HOLDS}
    right = sampling.draw_weights

    def half(spec: sampling.MLP, *arguments: Any) -> sampling.Weights:
        return right(replace(spec, weight_variance=1.0), *arguments)

    monkeypatch.setattr(sampling, "draw_weights", half)
    assert verdicts(activations(tmp_path), "activations-gamma") == {"activations-gamma": FAILS}


def test_no_gain_is_wrong_for_relu(digits: torch.Tensor) -> None:
    """A positive factor passes through ReLU: this is why the gain is tested on other activations."""
    spec = sampling.MLP("layer", "after", depth=3, width=20)
    right = sampling.sample_mlps(digits, [spec], 10, 0)[0].guess_fraction
    other = sampling.sample_mlps(digits, [replace(spec, weight_variance=1.0)], 10, 0)[0]
    np.testing.assert_allclose(other.guess_fraction, right, atol=1 / len(digits))


def learnt(folder: Path) -> str:
    """The verdict on trained networks of digits."""
    files = []
    for norm in ("none", "layer"):
        files.append(str(folder / f"{norm}.csv"))
        network = ["--norm", norm, "--placement", "before", "--depth", "10", "--width", "50"]
        plan = ["--lr", "2e-3", "--batch-size", "100", "--epochs", "4", "--runs", "5"]
        main(["train", "--dataset", "digits", "--points", "400", *network, *plan, "--output", files[-1]])
    main(["curves", *files, "--output", str(folder / "dynamics")])
    claim = CLAIMS["training-learns"]
    where = claim.tests[0].where | {"dataset": ["digits"]}
    tests = [claim.tests[0].model_copy(update={"where": where})]
    return judge([claim.model_copy(update={"tests": tests})], folder)[0].verdict


@pytest.mark.slow
def test_labels_permuted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert learnt(tmp_path) == HOLDS
    read = datasets.read

    def shuffled(y: torch.Tensor) -> torch.Tensor:
        return y[torch.randperm(len(y), generator=torch.Generator().manual_seed(0))]

    def permuted(request: datasets.DataRequest) -> datasets.Data:
        data = read(request)
        return replace(data, y=shuffled(data.y), test_y=shuffled(data.test_y))

    monkeypatch.setattr(datasets, "read", permuted)
    assert learnt(tmp_path) == FAILS


@pytest.mark.slow
def test_stand_ins_decide_nothing(results: Path) -> None:
    def stand_in(table: pd.DataFrame) -> pd.DataFrame:
        return table.assign(stand_in=table["dataset"] != "gaussian")

    for table in ("placements/gamma", "placements/regimes"):
        edit(results, table, stand_in)
    edit(results, "placements/gamma", lambda table: table.assign(gamma=table["gamma"].where(~table["stand_in"], 50.0)))
    on_images, everywhere = judge([CLAIMS["layer-after-mnist"], CLAIMS["batch-after-neutral"]], results)
    assert on_images.verdict == STAND_IN
    assert (everywhere.verdict, everywhere.why) == (HOLDS, "stand-ins left out")


@pytest.mark.parametrize(
    ("table", "change", "words"),
    [
        ("placements/gamma", lambda rows: rows[rows["depth"] < 5], "depth 4, at least 10 needed"),
        ("placements/gamma", lambda rows: rows.assign(inits=60), "inits 60, at least 200 needed"),
        ("placements/gamma", lambda rows: rows[rows["norm"] != "batch"], "no rows with cell batch-before"),
        ("placements/gamma", lambda rows: rows[rows["dataset"] != "gaussian"], "no rows with dataset gaussian"),
        ("placements/gamma", None, "there is no table tidy/placements/gamma.csv"),
    ],
)
def test_what_cannot_be_tested_says_why(
    results: Path, table: str, change: Callable[[pd.DataFrame], pd.DataFrame] | None, words: str
) -> None:
    (results / "expected.json").unlink()  # by which they would fail
    if change is None:
        (results / f"{table}.csv").unlink()
    else:
        edit(results, table, change)
    found = judge([CLAIMS["batch-before-constant"]], results)[0]
    assert (found.verdict, found.why) == (NOT_TESTABLE, words)


@pytest.mark.slow
def test_a_table_without_a_column_fails_the_claims_that_need_it_and_no_other(results: Path) -> None:
    edit(results, "placements/gamma", lambda table: table.drop(columns="gamma_finite"))
    needs_it, does_not = judge([CLAIMS["theory-at-width"], CLAIMS["batch-before-constant"]], results)
    assert needs_it.verdict == FAILS
    assert needs_it.why == "the table tidy/placements/gamma.csv has no 'gamma_finite'"
    assert does_not.verdict == HOLDS


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda claim: claim.pop("reason"), r"claims\.0\.reason: Field required"),
        (
            lambda claim: claim.update(by="nobody"),
            r"claims\.0\.by 'nobody': Input should be 'paper', 'reading', 'ours' or 'identity'",
        ),
        (lambda claim: claim.update(more=1), r"claims\.0\.more: Extra inputs are not permitted"),
        (lambda claim: claim.update(id="A claim"), r"claims\.0\.id 'A claim': String should match pattern .*"),
        (lambda claim: claim.update(needs={"inits": -1}), r"claims\.0\.needs\.inits -1: Input should be greater .* 0"),
        (lambda claim: claim.update(needs={"nets": 1}), r"claims\.0\.needs\.nets\.\[key\] 'nets': .* or 'width'"),
        (lambda claim: claim.update(tests=[]), r"claims\.0\.tests \[\]: List should have at least 1 item .*"),
        (lambda claim: claim["tests"][0].update(reads="../gamma"), r"claims\.0\.tests\.0\.reads '\.\./gamma': .*"),
        (lambda claim: claim["tests"][0]["where"].update(cell=[]), r"claims\.0\.tests\.0\.where\.cell \[\]: .*"),
        (
            lambda claim: claim["tests"][0].update(statistic="eval"),
            "claims.*'eval': allowed are interval, .*, same_starts",
        ),
        (lambda claim: claim["tests"][0].update(options={"depth": 1}), "batch-before-constant: constant: .*expected.*"),
        (lambda claim: claim.update(id="density"), "the id density appears twice"),
    ],
)
def test_a_mistake_in_the_claims_is_one_clear_line(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], words: str
) -> None:
    claims = yaml.safe_load((ROOT / "claims.yaml").read_text())
    change(claims["claims"][0])
    (tmp_path / "claims.yaml").write_text(yaml.safe_dump(claims))
    with pytest.raises(UserError, match=rf"^--claims \S+claims\.yaml: {words}$"):
        read_claims(tmp_path / "claims.yaml")


# The statistics themselves, on numbers whose answer is known.


@pytest.mark.parametrize(
    ("value", "half", "decided", "verdict"),
    [
        (0.5, 0.1, True, HOLDS),
        (0.95, 0.1, True, UNDECIDED),
        (1.05, 0.1, False, HOLDS),  # within chance of the range
        (1.05, 0.1, True, UNDECIDED),
        (1.5, 0.1, True, FAILS),
        (1.5, 0.1, False, FAILS),
        (np.inf, 0.0, True, FAILS),
        (np.nan, 0.1, False, UNDECIDED),
        (1.0000001, 0.0, False, FAILS),
    ],
)
def test_a_check_against_a_range(value: float, half: float, decided: bool, verdict: str) -> None:
    check = Check("gamma", "here", 400, value, value - half, value + half, 0.0, 1.0, decided)
    assert check.verdict(among=1) == verdict


def test_more_checks_are_each_more_lenient_and_fewer_runs_too() -> None:
    check = Check("gamma", "here", 400, 1.16, 1.06, 1.26, 0.0, 1.0)  # 3.1 standard errors outside
    assert check.verdict(among=1) == FAILS
    assert check.verdict(among=100) == HOLDS
    assert replace(check, n=5).verdict(among=1) == HOLDS


ROW = {"cell": "batch-before", "label": "x", "activation": "relu", "stand_in": False, "inits": 400, "width": 100}


def test_agreement_within_a_wide_interval_is_no_agreement() -> None:
    check = Check("gamma", "here", 400, 0.5, 0.4, 0.6, 0.0, 1.0, resolution=0.2)
    assert check.verdict(among=1) == HOLDS  # 2.6 standard errors are 0.13
    assert replace(check, low=0.3, high=0.7).verdict(among=1) == UNDECIDED
    assert replace(check, low=0.3, high=0.5).verdict(among=1) == UNDECIDED, "either side counts"
    assert replace(check, value=5.0, low=4.8, high=5.2).verdict(among=1) == FAILS
    for half, verdict in ((0.1, HOLDS), (0.4, UNDECIDED)):
        row = ROW | {"depth": 1, "gamma": 0.5, "gamma_low": 0.5 - half, "gamma_high": 0.5 + half, "gamma_kernel": 0.5}
        assert next(theory(pd.DataFrame([row]), "gamma_kernel")).verdict(1) == verdict


def test_what_finite_width_allows() -> None:
    assert kappa("relu") == pytest.approx(5)
    infinite = 1 / (np.pi - 1)
    row = ROW | {"depth": 20, "gamma": 0.4, "gamma_low": 0.38, "gamma_high": 0.42, "points": 500, "own": infinite}
    ratio = np.exp(-5 * 20 / 100 / 4) / np.pi
    for expected, of_own_mean in ((infinite, (1 + infinite) / 500), ("own", 0.0)):
        (check,) = constant(pd.DataFrame([row]), expected)
        assert check.least == pytest.approx(ratio / (1 - ratio))
        assert check.most == pytest.approx(infinite + of_own_mean)


def histogram(gamma: float, n: int, seed: int) -> pd.DataFrame:
    """Counts of G_0 drawn for one gamma, beside the shares of BatchNorm before ReLU."""
    edges = np.linspace(0, 1, 42)
    drawn = np.random.default_rng(seed).standard_normal(n) * np.sqrt(gamma)
    counts, _ = np.histogram(0.5 * (1 + erf(drawn / np.sqrt(2))), edges)
    shares = np.diff(distribution(edges, 1 / (np.pi - 1)))
    rows = pd.DataFrame({"bin_low": edges[:-1], "bin_high": edges[1:], "count": counts, "share_isotropic": shares})
    of_networks = {"norm": "batch", "placement": "before", "depth": 1, "weight_variance": 2.0, "bias_variance": 0.0}
    return rows.assign(**ROW | of_networks | {"dataset": "x", "inits": n})


def test_density_refuses_another_gamma_and_rarely_the_right_one() -> None:
    right = 1 / (np.pi - 1)
    found = [next(density(histogram(right, 400, seed).assign(width=100_000))).verdict(1) for seed in range(100)]
    assert found.count(FAILS) <= 5  # one in a hundred expected
    wrong = [next(density(histogram(1.0, 400, seed))).verdict(1) for seed in range(20)]
    assert wrong.count(FAILS) == 20


def test_density_allows_what_finite_width_may_do_to_gamma() -> None:
    narrow = (1 + 1 / (np.pi - 1)) * np.exp(-5 / 100) - 1  # as far as one layer of 100 nodes may take it
    found = [next(density(histogram(narrow, 400, seed))).verdict(1) for seed in range(100)]
    assert found.count(FAILS) <= 5


def test_bins_are_put_together_and_none_is_lost() -> None:
    expected = np.array([3.0, 3.0, 9.0, 1.0, 5.0, 2.0])
    begins = judges._wide_bins(expected)
    np.testing.assert_array_equal(np.add.reduceat(expected, begins), [6, 9, 8])
    np.testing.assert_array_equal(np.add.reduceat(np.arange(6.0), begins), [1, 2, 12])


def test_contrast_of_means() -> None:
    rows = pd.DataFrame({"dataset": "x", "label": "x", "cell": ["a", "b", "c"], "n": 5, "stand_in": False})
    rows["y"] = [1.0, 3.0, 0.5]
    rows["y_low"], rows["y_high"] = rows["y"] - 0.3, rows["y"] + 0.3
    (check,) = contrast(rows, "y", {"cell": ["a", "b"]}, {"cell": ["c"]}, ["dataset"])
    assert (check.value, check.n) == (pytest.approx(1.5), 5)
    assert check.high - check.value == pytest.approx(np.hypot(0.3, 0.3))
    assert check.verdict(among=1) == HOLDS
    (reversed_,) = contrast(rows, "y", {"cell": ["c"]}, {"cell": ["a", "b"]}, ["dataset"])
    assert reversed_.verdict(among=1) == FAILS
    assert list(contrast(rows, "y", {"cell": ["d"]}, {"cell": ["c"]}, ["dataset"])) == []
    (same,) = contrast(rows, "y", {"cell": ["a"]}, {"cell": ["c"]}, ["dataset"], same=True)
    assert same.verdict(among=1) == UNDECIDED  # 0.5, with a standard error of 0.24 from five runs
    exact = rows.assign(n=400, y=0.5, y_low=0.47, y_high=0.53)
    (same,) = contrast(exact, "y", {"cell": ["a"]}, {"cell": ["c"]}, ["dataset"], same=True)
    assert same.verdict(among=1) == HOLDS


@pytest.mark.parametrize(("infinite", "verdict"), [(0.45, HOLDS), (0.46, FAILS), (0.44, FAILS)])
def test_widths_are_carried_on_to_infinite_width(infinite: float, verdict: str) -> None:
    rows = pd.DataFrame(
        [ROW | {"dataset": "x", "depth": 20, "width": width, "inits": 100} for width in (50, 400, 1000)]
    )
    beyond_first_order = 1 + (rows["width"] == 50)  # of the width that is not used
    rows["gamma"] = np.expm1(np.log1p(0.45) - 20 / rows["width"] * beyond_first_order)
    rows["gamma_low"], rows["gamma_high"] = rows["gamma"] - 1e-4, rows["gamma"] + 1e-4
    (check,) = extrapolated(rows.assign(gamma_kernel=infinite), 0.005)
    assert check.value == pytest.approx(0.45)
    assert check.verdict(1) == verdict


def test_entropy_of_many_classes() -> None:
    row = ROW | {
        "depth": 1,
        "rank": 1,
        "classes": 10,
        "entropy_finite": 0.8,
        "entropy_finite_low": 0.79,
        "entropy_finite_high": 0.81,
    }
    for value, verdict in ((0.8, HOLDS), (0.6, FAILS), (0.95, FAILS)):
        measured = row | {"entropy": value, "entropy_low": value - 0.01, "entropy_high": value + 0.01}
        assert next(entropy(pd.DataFrame([measured]))).verdict(1) == verdict
