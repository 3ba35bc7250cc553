"""Spoilt results, and what notices: a claim, `--integrity`, or `--against`. docs/reproducibility.md has the table."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from normplace.verifying.checks import FAILS
from normplace.verifying.claims import judge, read_claims
from normplace.verifying.verify import verify

ROOT = Path(__file__).resolve().parents[3]
REFERENCE = ROOT / "reference" / "quick"
CLAIMS = read_claims(ROOT / "claims.yaml")
Change = Callable[[pd.DataFrame], pd.DataFrame]
pytestmark = pytest.mark.slow


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A copy of the reference, to be spoilt."""
    return Path(shutil.copytree(REFERENCE, tmp_path / "run"))


def edit(run: Path, table: str, change: Change) -> None:
    path = run / "tidy" / f"{table}.csv"
    change(pd.read_csv(path, keep_default_na=False, na_values=[""])).to_csv(path, index=False)


def failing(run: Path, table: str = "") -> set[str]:
    """The claims that fail, of those that read a table of the same experiment."""
    experiment = table.partition("/")[0]
    claims = [claim for claim in CLAIMS if any(test.reads.startswith(experiment) for test in claim.tests)]
    return {one.claim.id for one in judge(claims, run / "tidy") if one.verdict == FAILS}


@pytest.fixture(scope="module")
def before() -> set[str]:
    """Of the reference as it is: readings."""
    return failing(REFERENCE)


def swapped(column: str, first: str, second: str) -> Change:
    return lambda rows: rows.assign(**{column: rows[column].replace({first: second, second: first})})


def curves_of_two_norms(rows: pd.DataFrame) -> pd.DataFrame:
    after = rows["placement"] == "after"
    norms = rows["norm"].where(~after, rows["norm"].replace({"layer": "rms", "rms": "layer"}))
    return rows.assign(norm=norms)


def times(factor: float) -> Change:
    return lambda rows: rows.assign(**{name: factor * rows[name] for name in ("gamma", "gamma_low", "gamma_high")})


def infinitely_wide(rows: pd.DataFrame) -> pd.DataFrame:
    deep = rows["depth"] > 10
    ratio = (rows["gamma_kernel"] / rows["gamma"]).where(deep, 1.0)
    return rows.assign(**{name: rows[name] * ratio for name in ("gamma", "gamma_low", "gamma_high")})


@pytest.mark.parametrize(
    ("table", "change", "noticed_by"),
    [
        ("placements/gamma", lambda rows: rows[rows["depth"] < 20], {"none-deeply-prejudiced", "same-networks"}),
        ("placements/gamma", lambda rows: rows[rows["dataset"] != "gaussian"], {"batch-before-constant"}),
        ("placements/histograms", lambda rows: rows[rows["depth"] > 1], {"same-networks"}),
        ("centring/regimes", lambda rows: rows[rows["regime_seen"] != "neutral"], {"same-networks"}),
        ("activations/regimes", lambda rows: rows[rows["regime_seen"] != "undecided"], {"same-networks"}),
        ("placements/gamma", infinitely_wide, {"finite-width-lowers", "theory-at-width"}),
        ("placements/gamma", times(2), {"batch-before-constant", "theory-at-width"}),
        ("placements/gamma", times(1.15), {"theory-at-width"}),
        (
            "placements/gamma",
            lambda rows: times(1.15)(rows).assign(gamma_finite_error=rows["gamma_finite"]),
            {"theory-at-width"},
        ),
        ("width_convergence/gamma", times(2), {"theory-at-all-widths"}),
        ("width_convergence/gamma", infinitely_wide, {"theory-at-all-widths"}),
        ("width_convergence/gamma", times(1.15), {"theory-at-all-widths", "batch-before-extrapolates"}),
        ("shift/gamma", times(1.15), {"shift-prejudices"}),
        ("placements/gamma", lambda rows: rows.assign(ks_finite=3 * rows["ks_finite"]), {"histogram-at-width"}),
        ("placements/gamma", lambda rows: rows.assign(ks_finite=0.3 * rows["ks_finite"]), {"same-networks"}),
        ("placements/gamma", lambda rows: pd.concat([rows, rows.tail(1)]), {"placement-flips", "same-networks"}),
        (
            "classes/classes",
            lambda rows: rows.assign(**{n: 0.5 * rows[n] for n in ("entropy", "entropy_low", "entropy_high")}),
            {"many-classes", "many-classes-deep"},
        ),
        (
            "classes/classes",
            lambda rows: rows.assign(entropy=rows["entropy"].where(rows["depth"] == 1, 0.99)),
            {"same-networks"},
        ),
        (
            "architectures/gamma",
            times(10),
            {"architectures-spread"},
        ),
        ("architectures/histograms", lambda rows: rows.assign(count=rows["count"] + 1), {"same-networks"}),
        ("placements/histograms", swapped("norm", "none", "layer"), {"same-networks"}),
        ("dynamics/runs", lambda rows: rows[rows["dataset"] != "gaussian"], {"training-learns", "same-runs"}),
        ("dynamics/runs", lambda rows: rows[rows["run"] > 0], {"training-learns", "same-runs"}),
        ("dynamics/runs", lambda rows: pd.concat([rows, rows.head(1)]), {"training-learns", "same-runs"}),
        ("dynamics/runs", lambda rows: rows.assign(epochs=rows["epochs"] * 2), {"training-learns", "same-runs"}),
        ("dynamics/runs", lambda rows: rows.assign(weight_decay=0.1), {"training-learns", "same-runs"}),
        (
            "dynamics/runs",
            lambda rows: curves_of_two_norms(rows),
            {"rms-starts-as-none", "same-runs"},
        ),
        ("dynamics/curves", swapped("split", "train", "test"), {"same-runs"}),
        ("dynamics/curves", curves_of_two_norms, {"same-runs"}),
        ("dynamics/curves", lambda rows: rows[rows["step"] < rows["step"].max()], {"same-runs"}),
        (
            "dynamics/curves",
            lambda rows: rows.assign(accuracy=rows["accuracy"].where(rows["step"].isin([0, rows["step"].max()]), 0.1)),
            {"same-runs"},
        ),
        ("dynamics/milestones", lambda rows: rows.assign(final_accuracy=rows["final_accuracy"] + 0.01), {"same-runs"}),
        ("dynamics/gradients", lambda rows: rows[rows["norm"] != "layer"], {"same-runs"}),
        ("dynamics/gradients", lambda rows: rows.assign(ratio=1 / rows["ratio"]), {"same-runs"}),
        ("resnet_dynamics/curves", swapped("placement", "before", "after"), {"same-runs"}),
        (
            "language/models",
            lambda rows: rows.assign(**{n: 2 * rows[n] for n in rows if n.startswith("gamma_outputs")}),
            {"decoder-positions", "decoder-theory"},
        ),
        ("language/models", swapped("style", "gpt", "llama"), {"decoder-rotary"}),
        ("language/models", swapped("inputs", "data", "evenly drawn"), {"decoder-text"}),
        (
            "language/models",
            lambda rows: rows.assign(gamma_guesses=rows["gamma_guesses"] * (1 + 4 * (rows["cell"] == "none"))),
            {"decoder-norm"},
        ),
        ("zoo/models", lambda rows: rows.assign(gamma_guesses=10 * rows["gamma_guesses"]), {"zoo-spread"}),
    ],
)  # fmt: skip
def test_a_claim_notices(run: Path, before: set[str], table: str, change: Change, noticed_by: set[str]) -> None:
    edit(run, table, change)
    assert noticed_by <= failing(run, table) - before


@pytest.mark.parametrize(
    ("table", "noticed_by"),
    [
        ("shift/gamma", {"shift-prejudices", "same-networks"}),
        ("shift/histograms", {"shift-prejudices", "same-networks"}),
        ("dynamics/curves", {"training-learns", "same-runs"}),
        ("dynamics/gradients", {"training-learns", "same-runs"}),
        ("dynamics/milestones", {"training-learns", "same-runs"}),
    ],
)
def test_a_claim_notices_a_table_that_is_gone(run: Path, table: str, noticed_by: set[str]) -> None:
    (run / "tidy" / f"{table}.csv").unlink()
    assert noticed_by <= failing(run)


def sign(run: Path) -> None:
    """Write a manifest anew over the files as they are now."""
    path = run / "manifest.json"
    manifest: dict[str, Any] = json.loads(path.read_text())
    for name in manifest["files"]:
        if (file := run / name).is_file():
            manifest["files"][name] = {
                "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
                "bytes": file.stat().st_size,
            }
    path.write_text(json.dumps(manifest, indent=1) + "\n")


def test_integrity_notices_a_manifest_made_anew(run: Path) -> None:
    assert verify(run, integrity=True).passed
    edit(run, "placements/gamma", lambda rows: rows.assign(gamma=rows["gamma"] * 1.001))
    sign(run)
    found = verify(run, integrity=True)
    assert found.integrity == ["not as its job wrote it: tidy/placements/gamma.csv (by tidy/placements/tables.sha256)"]
    published = verify(REFERENCE, integrity=True)
    assert repr(found).splitlines()[-1] != repr(published).splitlines()[-1]  # the hash that a reader compares


def test_integrity_notices_other_seeds(run: Path) -> None:
    path = run / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["configuration"]["seed"] = 7
    path.write_text(json.dumps(manifest))
    assert verify(run, integrity=True).integrity == ["other seeds: the configuration's is 7, jobs ran with 0, 1"]


def test_against_notices_what_no_claim_can(run: Path, before: set[str]) -> None:
    """Numbers moved within their intervals, and their sums and manifest made anew."""
    edit(run, "shift/gamma", lambda rows: rows.assign(gamma=rows["gamma"] + 0.1 * (rows["gamma_high"] - rows["gamma"])))
    sums = run / "tidy" / "shift" / "tables.sha256"
    lines = [f"{hashlib.sha256((sums.parent / name).read_bytes()).hexdigest()}  {name}"
             for name in (line.partition("  ")[2] for line in sums.read_text().splitlines())]  # fmt: skip
    sums.write_text("\n".join(lines) + "\n")
    sign(run)
    assert failing(run) == before
    assert verify(run, integrity=True).passed
    against = verify(run, against=REFERENCE).against
    assert against is not None
    assert set(against.differences) == {"other bytes: tidy/shift/gamma.csv", "other bytes: tidy/shift/tables.sha256"}


def test_printed_tables_are_made_again(run: Path) -> None:
    from study.printed import others

    assert others(run) == []
    path = run / "tables" / "gamma.csv"
    path.write_text(path.read_text().replace("0.", "1.", 1))
    assert others(run) == ["tables/gamma.csv"]
