"""Checkpoints of training runs: tensors only, written whole or not at all, resumed exactly."""

import json
import logging
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from pickle import UnpicklingError
from zipfile import BadZipFile

import numpy as np
import torch
from torch import nn

from normplace.files import sha256_of_arrays, write_bytes
from normplace.training.evaluations import Row
from normplace.training.optimizers import Optimizer

LOG = logging.getLogger(__name__)
# What torch.load and the code below raise on a file that is not, or no longer, a checkpoint.
UNREADABLE = (
    OSError, RuntimeError, KeyError, IndexError, ValueError, EOFError, TypeError, AttributeError, UnpicklingError,
    BadZipFile, AssertionError, OverflowError, MemoryError,
)  # fmt: skip


@dataclass
class State:
    """How far a run is.

    rows: finished evaluations. start: flattened weights at step 0. order_state: the batch-order generator's
    state before it drew the current epoch's permutation. step: optimiser steps done. finished: nothing is left.
    """

    start: torch.Tensor
    majority: int
    draws: int
    order_state: torch.Tensor
    rows: list[Row]
    step: int = 0
    finished: bool = False


def save(path: Path, fingerprint: str, state: State, network: nn.Module, optimizer: Optimizer) -> None:
    """Write everything that the rest of a run depends on. fingerprint: of the request, in hexadecimal digits."""
    tensors = {
        "fingerprint": torch.tensor(list(bytes.fromhex(fingerprint)), dtype=torch.uint8),
        "rows": torch.tensor(list(json.dumps(state.rows).encode()), dtype=torch.uint8),
        "numbers": torch.tensor([state.step, state.majority, state.draws, int(state.finished)]),
        "start": state.start,
        "order_state": state.order_state,
    }
    if not state.finished:
        tensors |= {f"network/{name}": tensor for name, tensor in network.state_dict().items()}
        for name, values in optimizer.memory.items():
            tensors |= {f"optimizer/{name}/{index}": tensor for index, tensor in enumerate(values)}
    tensors["digest"] = _digest(tensors)
    content = BytesIO()  # not the file: on a full disk torch would fail in a way of its own
    torch.save(tensors, content)
    write_bytes(path, content.getvalue())


def load(path: Path, fingerprint: str, network: nn.Module, optimizer: Optimizer) -> State | None:
    """Put a saved run back into `network` and `optimizer`; None where there is none of this request.

    A file that is damaged or belongs to another request is reported and ignored: the run begins again.
    """
    if not path.exists():
        return None
    try:
        tensors: dict[str, torch.Tensor] = torch.load(path, weights_only=True, map_location="cpu")
        if not torch.equal(tensors.pop("digest"), _digest(tensors)):
            raise ValueError("its digest is of other contents")
        if bytes(tensors["fingerprint"].tolist()).hex() != fingerprint:
            LOG.warning("%s is of another request; beginning this run again", path)
            return None
        step, majority, draws, finished = tensors["numbers"].tolist()
        rows = json.loads(bytes(tensors["rows"].tolist()))
        state = State(tensors["start"], majority, draws, tensors["order_state"], rows, step, bool(finished))
        if not state.finished:
            _restore(tensors, network, optimizer)
    except UNREADABLE as error:
        LOG.warning("%s is damaged (%s); beginning this run again", path, type(error).__name__)
        return None
    return state


def _digest(tensors: dict[str, torch.Tensor]) -> torch.Tensor:
    """SHA-256 of names and contents: torch.load does not notice a changed byte."""
    arrays = [array for name in sorted(tensors) for array in (np.array(name), tensors[name].cpu().numpy())]
    return torch.tensor(list(bytes.fromhex(sha256_of_arrays(arrays))), dtype=torch.uint8)


def _restore(tensors: dict[str, torch.Tensor], network: nn.Module, optimizer: Optimizer) -> None:
    network.load_state_dict(
        {name.removeprefix("network/"): tensor for name, tensor in tensors.items() if name.startswith("network/")}
    )
    for name, values in optimizer.memory.items():
        for index, value in enumerate(values):
            value.copy_(tensors[f"optimizer/{name}/{index}"])
