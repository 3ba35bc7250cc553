"""The line of progress, and the summary that a run ends with."""

import io
import json
import logging
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from snakemake_interface_logger_plugins.common import LogEvent

import snakemake_logger_plugin_normplace as progress
from study import summary
from tests.checkout import environment


class Terminal(io.StringIO):
    """Standard error that is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def costs(tmp_path: Path) -> Path:
    """A manifest in which one rule's jobs took 10 s and another's 2 s."""
    jobs = [{"rule": "slow", "seconds": 8}, {"rule": "slow", "seconds": 12}, {"rule": "quick", "seconds": 2}]
    (tmp_path / "manifest.json").write_text(json.dumps({"jobs": jobs}))
    return tmp_path / "manifest.json"


def event(event: LogEvent, **about: Any) -> logging.LogRecord:
    record = logging.LogRecord("snakemake", logging.INFO, "", 0, None, None, None)
    vars(record).update(event=event, **about)
    return record


def test_the_line_says_what_is_done_what_runs_and_what_is_left(costs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal, now = Terminal(), [100.0]
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    handler = progress.LogHandler(None, progress.LogHandlerSettings(costs=costs))
    handler.emit(event(LogEvent.RUN_INFO, stats={"slow": 3, "quick": 1, "unknown": 1, "total": 5}))
    assert handler.bar.total == 5
    for job, rule in enumerate(("slow", "quick")):
        handler.emit(event(LogEvent.JOB_INFO, jobid=job, rule_name=rule))
    assert handler.seconds_left() == pytest.approx((3 * 10 + 2) / 2)  # two at a time
    now[0] += 4  # twice what it was to take
    handler.emit(event(LogEvent.JOB_FINISHED, job_id=1))
    handler.emit(event(LogEvent.JOB_INFO, jobid=2, rule_name="slow"))
    assert handler.seconds_left() == pytest.approx(2 * (3 * 10 - 4) / 2)
    handler.bar.refresh()
    last = terminal.getvalue().split("\r")[-1]
    assert "1/5 jobs" in last
    assert "about 00:26 left, now slow" in last


def test_without_a_terminal_only_errors_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    handler = progress.LogHandler(None, None)
    handler.setFormatter(logging.Formatter())
    handler.emit(event(LogEvent.RUN_INFO, stats={"slow": 1, "total": 1}))
    handler.emit(event(LogEvent.JOB_INFO, jobid=0, rule_name="slow"))
    handler.emit(event(LogEvent.JOB_FINISHED, job_id=0))
    handler.emit(logging.LogRecord("snakemake", logging.INFO, "", 0, "Building DAG of jobs...", None, None))
    assert capsys.readouterr() == ("", "")
    handler.emit(logging.LogRecord("snakemake", logging.ERROR, "", 0, "it failed", None, None))
    assert capsys.readouterr() == ("", "it failed\n")
    assert handler.seconds_left() is None


def test_make_replicate_is_quiet_in_a_pipe_and_ends_with_five_numbers(finished: Path) -> None:
    make = ["make", "--no-print-directory", "--assume-old=.venv/installed", "replicate", "SCALE=smoke", "CORES=2"]
    found = subprocess.run(make, cwd=finished, env=environment(finished), capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    assert "Nothing to be done" in found.stderr
    assert len(found.stderr.splitlines()) < 8  # with two warnings of missing data
    *last, of_mnist, of_cifar10 = found.stdout.splitlines()[-7:]
    assert [line.split()[0] for line in last] == ["jobs", "minutes", "claims", "figures", "page"]
    assert "MNIST is not in" in of_mnist
    assert "CIFAR-10 is not in" in of_cifar10
    assert re.fullmatch(r"claims   \d+: \d+ .*(?:holds|not testable|fails).*", last[2])


def test_the_summary_counts_what_the_run_found(finished: Path) -> None:
    results = finished / "results" / "smoke"
    said = dict(line.split(maxsplit=1) for line in summary.summary(results, 0.0).splitlines()[:5])
    claims = json.loads((results / "tables" / "claims.json").read_text())
    assert said["claims"].startswith(f"{len(claims)}: ")
    assert sum(int(count) for count in re.findall(r"(\d+) [a-z]", said["claims"])) == len(claims)
    assert int(said["jobs"]) > 50
    assert Path(said["page"]).exists()
