"""How time and memory grow: points, width, depth, networks, processes; the kernel theory on n points."""

import argparse
import multiprocessing
import resource
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import pandas as pd
import torch

from benchmarks.sampling import ours, points
from benchmarks.timing import medians
from normplace.networks.architecture import MLP
from normplace.sampling.mlps import compress, sample_part
from normplace.theories import kernel

CELL = ("batch", "before")


def of_sampling(data_root: Path) -> pd.DataFrame:
    """Milliseconds a network when one size is changed: MNIST, BatchNorm before, 1000 points, width 100, depth 20."""
    rows = []
    for changed, values in {
        "points": (250, 1000, 4000, 16000),
        "width": (50, 100, 200, 400, 800, 1600),
        "depth": (1, 5, 10, 20, 50),
        "networks": (1, 10, 100),
    }.items():
        for value in values:
            size = {"points": 1000, "width": 100, "depth": 20, "networks": 5} | {changed: value}
            features, _ = compress(points("mnist", data_root, size["points"]))
            run = ours(features, 784, MLP(*CELL, size["depth"], size["width"]), size["networks"], "cpu")
            seconds = medians({"ours": run}, 2)["ours"]
            rows.append({"changed": changed, "to": value, "ms a network": 1000 * seconds / size["networks"]})
    return pd.DataFrame(rows)


def of_processes(data_root: Path, networks: int = 600) -> float:
    """How many times as fast two running processes are as one, on the same networks: MNIST, depth 20."""
    features, _ = compress(points("mnist", data_root))
    arguments = (features.numpy(), 784, [MLP(*CELL, 20)])
    halves = [range(networks // 2), range(networks // 2, networks)]
    seconds = {}
    for processes in (1, 2):
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(processes, context, torch.set_num_threads, (1,)) as pool:
            list(pool.map(partial(sample_part, *arguments, seed=0, device="cpu", at_once=1), [range(2)] * 4))
            start = time.perf_counter()
            list(pool.map(partial(sample_part, *arguments, seed=0, device="cpu", at_once=1), halves))
            seconds[processes] = time.perf_counter() - start
    return seconds[1] / seconds[2]


def of_kernel(data_root: Path) -> pd.DataFrame:
    """Seconds a layer and peak memory of the kernel theory, each size in a process of its own."""
    rows = []
    for norm, placement in (("none", "none"), ("batch", "before"), ("layer", "after")):
        for n in (1000, 2000, 5000, 10_000):
            seconds, mebibytes = in_own_process("kernel", data_root, n, norm, placement)
            rows.append({"norm": norm, "placement": placement, "points": n, "s a layer": seconds, "MiB": mebibytes})
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
        for hidden in kernel.hidden_kernels(x.numpy(), args.first, args.second, "relu", 1):
            kernel.gamma(hidden)
    else:
        features, _ = compress(x)
        sample_part(features.numpy(), x.shape[1], [MLP(*CELL, 20, int(args.first))], range(3), 0, "cpu", 1)
    seconds = time.perf_counter() - start
    print(seconds, peak_mebibytes())


if __name__ == "__main__":
    main()
