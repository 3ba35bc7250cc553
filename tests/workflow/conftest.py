"""Shared by the tests of the workflow: one run of the smoke scale, which takes minutes."""

from pathlib import Path

import pytest

from tests.checkout import copy_of_repository, snakemake


@pytest.hookimpl(tryfirst=True)  # before the one that reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests on the finished run go to the process that has made it, and first, since they take longest."""
    for item in items:
        if "finished" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("finished"))
    items.sort(key=lambda item: "finished" not in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the smoke scale has been run. Tests leave its results as they are."""
    folder = copy_of_repository(tmp_path_factory.mktemp("normplace"))
    first = snakemake(folder)
    assert first.returncode == 0, first.stderr[-5000:]
    return folder
