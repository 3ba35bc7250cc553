"""How time and memory grow: cells, networks, depth, width, points, runs, processes; the kernel theory on n points."""

import argparse
import itertools
import multiprocessing
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from benchmarks.sampling import points
from benchmarks.timing import medians
from normplace.networks.architecture import MLP, configurations
from normplace.networks.mlp import mlp
from normplace.sampling.mlps import compress, sample_part
from normplace.theories import kernel
from normplace.training.evaluations import Points
from normplace.training.plan import Plan
from normplace.training.runs import train_runs

CELL = ("batch", "before")


def of_growth(data_root: Path) -> pd.DataFrame:
    """Seconds at one, four and sixteen times a size, and the exponent fitted to them.

    Sampling: MNIST, BatchNorm before, 1000 points, width 100, depth 20, 5 networks but for what is changed; cells are
    the seven, again and again, sampled together. Runs: of training, depth 3, two epochs of 1000 points.
    """
    sizes = {"cells": 1, "networks": 5, "depth": 2, "width": 50, "points": 1000, "runs": 1}
    rows = []
    for changed, smallest in sizes.items():
        values = [smallest, 4 * smallest, 16 * smallest]
        seconds = [medians({"ours": _of_size(data_root, changed, value)}, 2)["ours"] for value in values]
        exponent = float(np.polyfit(np.log(values), np.log(seconds), 1)[0])
        times = dict(zip(("s at 1", "s at 4", "s at 16"), seconds, strict=True))
        rows.append({"changed": changed, "from": smallest, "to": values[-1], **times, "exponent": exponent})
    return pd.DataFrame(rows)


def _of_size(data_root: Path, changed: str, value: int) -> Callable[[], object]:
    size = {"cells": 1, "networks": 5, "depth": 20, "width": 100, "points": 1000, "runs": 1} | {changed: value}
    x = points("mnist", data_root, size["points"])
    if changed == "runs":
        split = Points(x, torch.arange(len(x)) % 2)
        plan = Plan("adam", 1e-3, batch_size=100, epochs=2, runs=value)
        return partial(train_runs, partial(mlp, MLP(*CELL, 3), 784), split, split, plan)
    features, _ = compress(x)
    cells = list(itertools.islice(itertools.cycle([CELL, *configurations()]), size["cells"]))
    specs = [MLP(*cell, size["depth"], size["width"]) for cell in cells]
    return partial(sample_part, features.numpy(), 784, specs, range(size["networks"]), 0, "cpu", 1)


def of_processes(data_root: Path, networks: int = 600) -> float:
    """How many times as fast two running processes are as one, on the same networks: MNIST, depth 20."""
    features, _ = compress(points("mnist", data_root))
    arguments = (features.numpy(), 784, [MLP(*CELL, 20)])
    halves = [range(networks // 2), range(networks // 2, networks)]
    seconds = {}
    for processes in (1, 2):
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(processes, context, torch.set_num_threads, (1,)) as pool:
            list(pool.map(partial(sample_part, *arguments, seed=0, device="cpu", networks=1), [range(2)] * 4))
            start = time.perf_counter()
            list(pool.map(partial(sample_part, *arguments, seed=0, device="cpu", networks=1), halves))
            seconds[processes] = time.perf_counter() - start
    return seconds[1] / seconds[2]


def of_kernel(data_root: Path) -> pd.DataFrame:
    """Seconds a layer and peak memory of the kernel theory, each size in a process of its own."""
    rows = []
    for norm, placement in (("none", "none"), ("batch", "before"), ("layer", "after")):
        for n in (1000, 2000, 5000, 10_000):
            seconds, mebibytes = in_own_process("kernel", data_root, n, norm, placement)
            rows.append({"norm": norm, "placement": placement, "points": n, "s per layer": seconds, "MiB": mebibytes})
    return pd.DataFrame(rows)


def of_memory(data_root: Path) -> pd.DataFrame:
    """Peak memory of the sampler, torch itself included."""
    rows = []
    for n, width in ((1000, 100), (20_000, 100), (1000, 1600)):
        _, mebibytes = in_own_process("sample", data_root, n, str(width), "-")
        rows.append({"points": n, "width": width, "depth": 20, "MiB": mebibytes})
    return pd.DataFrame(rows)


def in_own_process(what: str, data_root: Path, n: int, *cell: str) -> tuple[float, float]:
    """Run this module for one measurement; returns seconds and peak MiB."""
    command = [sys.executable, "-m", "benchmarks.scaling", what, str(data_root), str(n), *cell]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return float(printed[-2]), float(printed[-1])


def peak_mebibytes() -> float:
    """Peak resident memory of this process; Linux's ru_maxrss begins with that of the process which started it."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text(encoding="utf-8").partition("VmHWM:")[2].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


def main() -> None:
    """One measurement: seconds and peak memory."""
    parser = argparse.ArgumentParser()
    for name in ("what", "data_root", "points", "first", "second"):
        parser.add_argument(name)
    args = parser.parse_args()
    torch.set_num_threads(1)
    n, data_root = int(args.points), Path(args.data_root)
    dataset = "gaussian" if n == 20_000 else "mnist"
    x = points(dataset, data_root, n)
    start = time.perf_counter()
    if args.what == "kernel":
        for hidden in kernel.output_kernels(x.numpy(), args.first, args.second, "relu", 1):
            kernel.gamma(hidden)
    else:
        features, _ = compress(x)
        sample_part(features.numpy(), x.shape[1], [MLP(*CELL, 20, int(args.first))], range(3), 0, "cpu", 1)
    seconds = time.perf_counter() - start
    print(seconds, peak_mebibytes())


if __name__ == "__main__":
    main()
