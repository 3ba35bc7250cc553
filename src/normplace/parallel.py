"""Calls in one thread each, one after the other or side by side in processes."""

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from typing import Any, TypeVar

import torch

from normplace.errors import UserError, check_one_of

Result = TypeVar("Result")


def resolve_device(name: str) -> str:
    """The device to use: auto takes a GPU where there is one.

    Raises:
        UserError: an unknown device, or cuda where torch sees none.
    """
    check_one_of("device", name, ("auto", "cpu", "cuda"))
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("--device cuda: torch sees no GPU here; use --device cpu or auto")
    return "cuda" if name != "cpu" and torch.cuda.is_available() else "cpu"


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute with one thread: the order of sums, and so the last bits, must not depend on how many there are."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def completed(
    function: Callable[..., Result], calls: Sequence[tuple[Any, ...]], processes: int
) -> Iterator[tuple[int, Result]]:
    """(index of the call, its result) as calls are done, in whatever order. After the first error none is started."""
    if processes == 1:
        with one_thread():
            for index, call in enumerate(calls):
                yield index, function(*call)
        return
    pool = ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), _prepare_process)
    try:
        futures = {pool.submit(function, *call): index for index, call in enumerate(calls)}
        for future in as_completed(futures):
            yield futures[future], future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _prepare_process() -> None:
    torch.set_num_threads(1)
    threading.Thread(target=_end_with_the_parent, daemon=True).start()


def _end_with_the_parent() -> None:
    """A killed parent cannot end its processes, and orphans would go on writing checkpoints beside its successor's."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
