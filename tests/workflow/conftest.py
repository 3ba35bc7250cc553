"""Shared by the tests of the workflow: one run of the smoke scale, which takes minutes."""

from pathlib import Path

import pytest

from tests.checkout import copy_of_repository, snakemake


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the smoke scale has been run. Tests leave its results as they are."""
    folder = copy_of_repository(tmp_path_factory.mktemp("normplace"))
    first = snakemake(folder)
    assert first.returncode == 0, first.stderr[-5000:]
    return folder
