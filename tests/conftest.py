"""Shared by all tests: no network, one thread, and small real images to work on."""

import os
import signal
from pathlib import Path
from typing import Any

# Before anything imports numpy or torch: threads would only fight, and no test may download.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"
os.environ["NORMPLACE_OFFLINE"] = "1"
# A shell that runs the tests in the background has them ignore Ctrl-C, and so would the programs that tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

import numpy as np
import pytest
import torch
from xdist.scheduler import LoadFileScheduling

from normplace.data.datasets import load

torch.set_num_threads(1)
ROOT = Path(__file__).resolve().parents[1]
# Files of tests on the finished run of the smoke scale, which takes minutes.
ON_FINISHED_RUN = ("test_manifest.py", "test_page.py", "test_progress.py", "test_slurm.py", "test_workflow.py")


class ByFile(LoadFileScheduling):  # type: ignore[misc]
    """What is shared is made once: tests of a file go to one process, and all those on the finished run."""

    def _split_scope(self, nodeid: str) -> str:
        finished = nodeid.startswith(tuple(f"tests/workflow/{name}" for name in ON_FINISHED_RUN))
        return "finished" if finished else str(super()._split_scope(nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    return ByFile(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What runs the workflow, or many programs or inputs, is slow."""
    for item in items:
        if {"workflow", "faults"} & set(item.path.relative_to(ROOT).parts[:2]):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session", autouse=True)
def own_output_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test takes cached outputs of the user's, or leaves its own among them."""
    os.environ["SNAKEMAKE_OUTPUT_CACHE"] = str(tmp_path_factory.mktemp("output_cache"))
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def digits() -> torch.Tensor:
    """200 real 8x8 digits, standardised, [200, 64]."""
    return load("digits", points=200).x.flatten(1)


@pytest.fixture(scope="session")
def images() -> torch.Tensor:
    """70 digits as images [70, 1, 8, 8]."""
    return load("digits", points=70).x


@pytest.fixture
def image_folder(tmp_path: Path) -> Path:
    """A folder of images with train/ and test/, classes ant and bee, eight 6x5 colour images each."""
    from PIL import Image

    random = np.random.default_rng(0)
    for split in ("train", "test"):
        for name in ("ant", "bee"):
            (tmp_path / "images" / split / name).mkdir(parents=True)
            for number in range(8):
                pixels = random.integers(0, 256, size=(5, 6, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(tmp_path / "images" / split / name / f"{number}.png")
    return tmp_path / "images"
