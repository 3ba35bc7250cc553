import pytest

from normplace import progress


def test_a_job_has_lines_in_its_log_and_other_files_have_none(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def shown(wanted: bool) -> str:
        with progress.bar(wanted, 3, "net", "sampling") as networks:
            networks.update(3)
        return capsys.readouterr().err

    monkeypatch.delenv(progress.IN_LOG, raising=False)
    assert shown(True) == ""
    monkeypatch.setenv(progress.IN_LOG, "1")
    assert "sampling" in shown(True)
    assert "3/3" in shown(True)
    assert shown(False) == ""
