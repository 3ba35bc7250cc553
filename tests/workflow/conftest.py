"""Shared by the tests of the workflow: one run of the smoke scale, which takes minutes."""

from pathlib import Path

import pytest

from tests.checkout import copy_of_repository, snakemake
from tests.conftest import ON_FINISHED_RUN

WITH_THEIR_OWN = ("test_archive.py", "test_caching.py")  # a smaller run, of the same name


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests on the finished run go first, since they take longest."""
    of_it = [item for item in items if "finished" in getattr(item, "fixturenames", ())]
    elsewhere = {item.path.name for item in of_it if item.path.name not in (*ON_FINISHED_RUN, *WITH_THEIR_OWN)}
    assert not elsewhere, f"name them in ON_FINISHED_RUN, so that the smoke scale runs once: {elsewhere}"
    items.sort(key=lambda item: item.path.name not in ON_FINISHED_RUN)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the smoke scale has been run. Tests leave its results as they are."""
    folder = copy_of_repository(tmp_path_factory.mktemp("normplace"))
    first = snakemake(folder)
    assert first.returncode == 0, first.stderr[-5000:]
    return folder
