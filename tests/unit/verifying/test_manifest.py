"""Altered, missing and extra files are named; two runs are compared by bytes or by numbers, and it is said which."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from normplace.errors import UserError
from normplace.files import sha256_of_file, sha256_of_text
from normplace.verifying.comparison import compare
from normplace.verifying.manifest import problems, read_manifest

REFERENCE = Path(__file__).resolve().parents[3] / "reference" / "quick"
MACHINE = {"system": "Linux", "architecture": "x86_64", "processor": "AMD EPYC, 26, 2"}


def list_files(results: Path, **changes: Any) -> None:
    """Write the manifest of a folder as it is."""
    files = {
        path.relative_to(results).as_posix(): {"sha256": sha256_of_file(path), "bytes": path.stat().st_size}
        for path in sorted(results.rglob("*"))
        if path.is_file() and path.name != "manifest.json"
    }
    manifest = {
        "files": files, "configuration": {"seed": 0}, "code": {"sample": "a"}, "lock": "b", "versions": {"torch": "2"},
        "devices": ["cpu"], "machine": MACHINE,
    }  # fmt: skip
    (results / "manifest.json").write_text(json.dumps(manifest | changes))


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """The reference's tidy tables as a run of their own."""
    shutil.copytree(REFERENCE / "tidy", tmp_path / "run" / "tidy")
    list_files(tmp_path / "run")
    return tmp_path / "run"


@pytest.fixture
def reference(results: Path) -> Path:
    return Path(shutil.copytree(results, results.parent / "reference"))


def test_the_shipped_reference_is_whole() -> None:
    assert problems(REFERENCE, read_manifest(REFERENCE)) == []


GAMMA = "tidy/placements/gamma.csv"


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (lambda results: flip_a_bit(results / GAMMA), [f"altered: {GAMMA}"]),
        (lambda results: (results / GAMMA).write_bytes(b""), [f"altered: {GAMMA}"]),
        (lambda results: (results / GAMMA).unlink(), [f"missing: {GAMMA}"]),
        (lambda results: (results / "tidy" / "more.csv").write_text("x"), ["extra: tidy/more.csv"]),
        (lambda results: (results / ".hidden").symlink_to("nowhere"), ["extra: .hidden"]),
        (
            lambda results: (results / GAMMA).rename(results / "tidy" / "gamma.csv"),
            ["extra: tidy/gamma.csv", f"missing: {GAMMA}"],
        ),
    ],
)
def test_what_is_not_as_it_was_made_is_named(results: Path, spoil: Callable[[Path], object], named: list[str]) -> None:
    (results / "logs").mkdir()
    (results / "logs" / "a.log").write_text("of which nothing is promised")
    assert problems(results, read_manifest(results)) == []
    spoil(results)
    assert problems(results, read_manifest(results)) == named


def test_a_reference_answers_for_what_it_ships(results: Path) -> None:
    manifest = json.loads((results / "manifest.json").read_text())
    shutil.rmtree(results / "tidy" / "dynamics")
    (results / "manifest.json").write_text(json.dumps(manifest | {"shipped": ["tables"]}))
    found = problems(results, read_manifest(results))
    assert found
    assert all(line.startswith("extra: tidy/") for line in found)
    (results / "manifest.json").write_text(json.dumps(manifest | {"shipped": ["tidy"]}))
    assert problems(results, read_manifest(results)) == [
        f"missing: tidy/dynamics/{name}"
        for name in ("curves.csv", "gradients.csv", "milestones.csv", "runs.csv", "tables.sha256")
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "no such file"),
        ("{", "damaged"),
        ("[" * 100_000, "damaged"),
        ("{}", "not a manifest"),
        ('{"files": {"../../etc/passwd": {}}}', "not a manifest"),
        ("\udcff", "damaged"),
    ],
)
def test_a_damaged_manifest_is_one_clear_line(results: Path, text: str | None, words: str) -> None:
    path = results / "manifest.json"
    path.unlink()
    if text is not None:
        path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(UserError, match=words) as raised:
        read_manifest(results)
    assert "\n" not in str(raised.value)


def test_the_same_machine_is_compared_by_bytes(results: Path, reference: Path) -> None:
    agreeing = compare(results, reference)
    assert "SHA-256" in agreeing.basis[0]
    assert agreeing.differences == []
    flip_a_bit(results / GAMMA)
    (results / "tidy" / "placements" / "regimes.csv").unlink()
    assert compare(results, reference).differences == [f"other bytes: {GAMMA}", "missing: tidy/placements/regimes.csv"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"machine": MACHINE | {"processor": "Other"}}, "machine.processor: Other here, AMD EPYC, 26, 2 there"),
        ({"versions": {"torch": "3"}}, "versions: torch 3 here, torch 2 there"),
        ({"code": {"sample": "c"}}, "code: sample c here, sample a there"),
        ({"devices": ["cuda"]}, "devices"),
    ],
)
def test_elsewhere_numbers_are_compared(results: Path, reference: Path, change: dict[str, Any], why: str) -> None:
    list_files(results, **change)
    found = compare(results, reference)
    assert "numbers are compared" in "\n".join(found.basis)
    assert why in "\n".join(found.basis)
    assert found.basis[0].startswith("last bits may differ: ") == why.startswith(("machine", "versions"))
    assert found.differences == []


def inputs(**labels: str) -> dict[str, dict[str, str]]:
    """Of points of these data sets, whose hash is their label's."""
    return {
        f"data/{name}/init-all.npz": {"dataset": name, "label": label, "raw_sha256": sha256_of_text(label)}
        for name, label in labels.items()
    }


@pytest.mark.slow
def test_other_data_are_one_line_and_the_rest_is_compared(results: Path, reference: Path) -> None:
    list_files(reference, inputs=inputs(mnist="MNIST", gaussian="Gaussian"))
    found = changed(results, "gamma", lambda table: table["gamma"] * np.where(table["dataset"] == "mnist", 9, 1))
    assert len(found) > 10
    stand_in = {"machine": MACHINE | {"processor": "Other"}, "inputs": inputs(mnist="a stand-in", gaussian="Gaussian")}
    list_files(results, **stand_in)
    compared = compare(results, reference)
    line = "other data of mnist: a stand-in here, MNIST there; its rows are not compared"
    assert compared.differences == [line]
    assert compared.basis[0] == "last bits may differ: machine.processor: Other here, AMD EPYC, 26, 2 there"
    list_files(results, inputs=stand_in["inputs"])
    assert compare(results, reference).differences == [line], "on the same machine too"
    altered = inputs(mnist="MNIST", gaussian="Gaussian")
    altered["data/mnist/init-all.npz"]["raw_sha256"] = "0" * 64
    list_files(results, inputs=altered)
    (difference,) = compare(results, reference).differences
    assert difference.startswith("other data of mnist: MNIST here, MNIST there (SHA-256 000000000000 here, ")
    changed(results, "gamma", lambda table: table["gamma"] * np.where(table["dataset"] == "gaussian", 9, 1))
    list_files(results, inputs=altered)
    assert len(compare(results, reference).differences) > 10


def changed(results: Path, column: str, change: Callable[[pd.DataFrame], "pd.Series[float]"]) -> list[str]:
    """The differences that a change of one column of gamma makes, on another processor."""
    table = pd.read_csv(results / GAMMA, keep_default_na=False, na_values=[""])
    table[column] = change(table)
    table.to_csv(results / GAMMA, index=False)
    list_files(results, machine=MACHINE | {"processor": "Other"})
    return compare(results, results.parent / "reference").differences


def test_numbers_within_their_errors_agree(results: Path, reference: Path) -> None:
    error = "(gamma_high - gamma_low) / (2 * 1.96)"
    assert changed(results, "gamma", lambda table: table["gamma"] + table.eval(error)) == []


@pytest.mark.slow
def test_numbers_beyond_their_errors_are_named(results: Path, reference: Path) -> None:
    def far(table: pd.DataFrame) -> "pd.Series[float]":
        return table["gamma"].where(table.index != 3, 1.5 * table["gamma_high"])

    (difference,) = changed(results, "gamma", far)
    assert difference.startswith(f"{GAMMA}, row 4, gamma: ")


def test_what_is_no_number_is_named(results: Path, reference: Path) -> None:
    (difference,) = changed(results, "gamma", lambda table: table["gamma"].astype(object).where(table.index != 3, "x"))
    assert ", row 4, gamma: x here, " in difference


def test_theory_has_no_error_to_hide_in(results: Path, reference: Path) -> None:
    found = changed(results, "gamma_kernel", lambda table: 1.01 * table["gamma_kernel"])
    assert len(found) > 300
    assert all(", gamma_kernel: " in line for line in found)


def test_other_data_are_noticed(results: Path, reference: Path) -> None:
    found = changed(results, "label", lambda table: table["label"].replace("MNIST", "digits (stand-in for MNIST)"))
    assert found == [f"other rows, columns or data: {GAMMA}"]


def test_another_configuration_is_refused(results: Path, reference: Path) -> None:
    list_files(results, configuration={"seed": 1})
    with pytest.raises(UserError, match=r"another configuration \(seed: 1 here, 0 there\)"):
        compare(results, reference)
