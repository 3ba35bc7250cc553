"""Snakemake's log as one line, of jobs done, running and the time left: `snakemake --logger normplace`.

Errors and warnings come above it. Where the output is no terminal the line is left out. Snakemake finds this module by
its name, and keeps its own, full log below .snakemake/log as always.
"""

import json
import logging
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any, Optional

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_interface_logger_plugins.settings import LogHandlerSettingsBase
from tqdm import tqdm

NOTHING = "Nothing to be done"  # as Snakemake's own message begins


@dataclass
class LogHandlerSettings(LogHandlerSettingsBase):
    """Options of the command line."""

    costs: Optional[Path] = field(  # noqa: UP045, Snakemake's parser knows no other form
        default=None, metadata={"help": "the manifest of an earlier run, whose seconds of jobs say how much is left"}
    )


class LogHandler(LogHandlerBase):
    """The line."""

    writes_to_stream = True
    writes_to_file = False
    has_filter = False
    has_formatter = False  # Snakemake's own gives the text of errors
    needs_rulegraph = False

    def __post_init__(self) -> None:
        """Read the known costs."""
        path = getattr(self.settings, "costs", None)
        self.costs = known_costs(path) if path and Path(path).exists() else {}
        self.left: Counter[str] = Counter()  # jobs to do, by rule
        self.running: dict[int, tuple[str, float]] = {}  # job -> its rule, when it began
        self.spent = self.foreseen = 0.0  # seconds of finished jobs, and what they were to take
        self.bar = tqdm(disable=True)

    def emit(self, record: logging.LogRecord) -> None:
        """Take notice of an event; print what is none."""
        event, about = getattr(record, "event", None), vars(record)
        if event == LogEvent.RUN_INFO:
            self.left = Counter({rule: count for rule, count in about["stats"].items() if rule != "total"})
            self.bar = tqdm(
                total=self.left.total(), unit="job", disable=None, dynamic_ncols=True,
                bar_format="{n_fmt}/{total_fmt} jobs |{bar:20}| {elapsed}{postfix}",
            )  # fmt: skip
        elif event == LogEvent.JOB_INFO:
            self.running[about["jobid"]] = (about["rule_name"], time.monotonic())
            self.show()
        elif event == LogEvent.JOB_FINISHED:
            self.finish(about["job_id"])
            self.show()
        elif record.levelno >= logging.WARNING or NOTHING in record.getMessage():
            self.bar.clear()
            print(self.format(record), file=sys.stderr, flush=True)

    def finish(self, job: int) -> None:
        """Count a job as done."""
        rule, begun = self.running.pop(job, (None, 0.0))
        if rule:
            self.left[rule] -= 1
            if rule in self.costs:
                self.spent += time.monotonic() - begun
                self.foreseen += self.costs[rule]
            self.bar.update()

    def show(self) -> None:
        """Show the line as things are now."""
        rules = Counter(rule for rule, _ in self.running.values())
        postfix = [f"now {', '.join(rules)}"] if rules else []
        if (left := self.seconds_left()) is not None:
            postfix.insert(0, f"about {tqdm.format_interval(left)} left")
        self.bar.set_postfix_str(", ".join(postfix))

    def seconds_left(self) -> float | None:
        """By what jobs of these rules took in the earlier run and how fast this one is; None without such a run."""
        if not self.costs or not self.left:
            return None
        to_do = sum(self.costs.get(rule, 0.0) * count for rule, count in self.left.items())
        now = time.monotonic()
        done_of_running = sum(min(now - begun, self.costs.get(rule, 0.0)) for rule, begun in self.running.values())
        pace = self.spent / self.foreseen if self.foreseen else 1.0
        return pace * max(to_do - done_of_running, 0.0) / max(len(self.running), 1)

    def close(self) -> None:
        """Leave the line as it is."""
        self.bar.close()
        super().close()


def known_costs(manifest: Path) -> dict[str, float]:
    """Rule -> mean seconds of its jobs."""
    seconds: dict[str, list[float]] = {}
    jobs: list[dict[str, Any]] = json.loads(manifest.read_text(encoding="utf-8"))["jobs"]
    for job in jobs:
        seconds.setdefault(job["rule"], []).append(job["seconds"])
    return {rule: fmean(values) for rule, values in seconds.items()}
