"""Two checkouts with one cache for a few seconds; twenty for ten minutes: `python -m tests.faults.crowd`."""

from pathlib import Path

import pytest

from tests.checkout import TINY_TARGETS
from tests.faults.crowd import GRACE, Entry, trial


def test_two_checkouts_with_one_cache(tmp_path: Path) -> None:
    found = trial(tmp_path, processes=2, seconds=15, every=3, seed=0, targets=TINY_TARGETS[:1])
    assert found["kills"] + found["harmed"] >= 1
    assert found["entries"] == 2


@pytest.mark.parametrize(
    ("begun", "harmed", "needless"),
    [(1, [], False), (20 + GRACE + 1, [], True), (20 + GRACE + 1, [21], False), (20 + GRACE + 1, [1], True)],
)
def test_what_is_computed_needlessly_is_noticed(begun: float, harmed: list[float], needless: bool) -> None:
    entry = Entry(begun={1: 0, 2: begun}, stores={1: 19, 2: begun + 5}, stored={1: 20, 2: begun + 6}, harmed=harmed)
    assert entry.needless() == ([2] if needless else [])
