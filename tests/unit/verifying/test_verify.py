"""`verify` as a function: what it returns, shows and refuses; it prints nothing."""

import shutil
from pathlib import Path

import pytest

from normplace.errors import UserError
from normplace.verifying.verify import verify

ROOT = Path(__file__).resolve().parents[3]
REFERENCE = ROOT / "reference" / "quick"


@pytest.mark.slow
def test_claims_are_judged_unless_something_else_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    found = verify("reference/quick")
    assert found.claims is not None
    assert repr(found.claims[0]) == "<batch-before-constant: holds>"
    assert found.claims[0].worst is not None
    assert (found.integrity, found.against) == (None, None)
    assert repr(found).startswith("holds: batch-before-constant\n")
    assert f" holds {sum(one.verdict == 'holds' for one in found.claims)}" in repr(found).splitlines()[-1]
    assert verify(REFERENCE, integrity=True).claims is None
    assert capsys.readouterr() == ("", "")


def test_files_and_another_run(tmp_path: Path) -> None:
    run = Path(shutil.copytree(REFERENCE, tmp_path / "run"))
    whole = verify(run, integrity=True, against=REFERENCE)
    assert whole.passed
    assert whole.integrity == []
    (run / "tidy" / "placements" / "gamma.csv").unlink()
    spoilt = verify(str(run), integrity=True, against=str(REFERENCE))
    assert not spoilt.passed
    assert spoilt.integrity == ["missing: tidy/placements/gamma.csv"]
    assert spoilt.against is not None
    assert spoilt.against.differences == spoilt.integrity
    assert repr(spoilt).splitlines()[:2] == [
        *spoilt.integrity,
        f"integrity of {run}: 1 altered, missing or extra files",
    ]
    assert repr(spoilt).endswith(f"{run} against {REFERENCE}: 1 differences")


def test_a_failing_claim_does_not_pass(tmp_path: Path) -> None:
    (tmp_path / "tidy" / "placements").mkdir(parents=True)
    rows = (REFERENCE / "tidy" / "placements" / "gamma.csv").read_text().replace(",batch,before,", ",layer,before,")
    (tmp_path / "tidy" / "placements" / "gamma.csv").write_text(rows.replace(",none,none,", ",batch,before,"))
    claims = (ROOT / "claims.yaml").read_text().split("\n\n")[0]
    (tmp_path / "claims.yaml").write_text(claims)
    found = verify(tmp_path, claims=tmp_path / "claims.yaml")
    assert [judgement.verdict for judgement in found.claims or []] == ["fails"]
    assert not found.passed
    assert repr(found).startswith("FAILS: batch-before-constant\n")


def test_a_failing_reading_is_a_finding(tmp_path: Path) -> None:
    at_papers_scale = ROOT / "reference" / "paper" / "tidy" / "dynamics"
    shutil.copytree(at_papers_scale, tmp_path / "tidy" / "dynamics")
    claims = (ROOT / "claims.yaml").read_text()
    (only,) = [part for part in claims.split("\n\n") if "id: training-neutral-placements-faster" in part]
    only = only.replace("*neutral_cells", "{cell: [batch-after, layer-after]}").replace("*deep_cells", "{cell: [none]}")
    (tmp_path / "claims.yaml").write_text(f"claims:\n{only}")
    found = verify(tmp_path, claims=tmp_path / "claims.yaml")
    assert [judgement.verdict for judgement in found.claims or []] == ["fails"]
    assert found.passed
    (tmp_path / "claims.yaml").write_text(f"claims:\n{only}".replace("by: reading", "by: ours"))
    assert not verify(tmp_path, claims=tmp_path / "claims.yaml").passed


def test_mistakes_are_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run" / "tidy").mkdir(parents=True)
    for options, words in (
        ({}, "--claims claims.yaml: cannot be read"),
        ({"integrity": True}, "manifest.json: no such file"),
        ({"against": "nowhere"}, "--against nowhere: no such folder"),
    ):
        with pytest.raises(UserError, match=words):
            verify("run", **options)
    with pytest.raises(UserError, match="--results nowhere: no such folder"):
        verify("nowhere")
