"""Progress bars."""

import os
from typing import Any

from tqdm import tqdm

IN_LOG = "NORMPLACE_PROGRESS_IN_LOG"  # set: also where the output is no terminal, a line every so many seconds
LINE_EVERY = 10.0


def bar(shown: bool, total: int, unit: str, what: str | None = None) -> "tqdm[Any]":
    """A bar on a terminal, a line now and then in the log of a workflow's job, and nothing elsewhere.

    shown: whether the caller wants one at all.
    """
    in_log = IN_LOG in os.environ
    return tqdm(
        total=total,
        unit=unit,
        desc=what,
        disable=(False if in_log else None) if shown else True,
        mininterval=LINE_EVERY if in_log else 0.1,
        maxinterval=LINE_EVERY,
        ascii=in_log,
    )
