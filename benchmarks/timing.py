"""Times of alternatives, measured in turn so that a noisy machine is noisy for all of them."""

import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import torch

from normplace.files import versions


def medians(
    alternatives: Mapping[str, Callable[[], object]], repeats: int, *, warm_up: bool = True
) -> dict[str, float]:
    """Median seconds of each, over runs in turn; a first one of each to warm up is not counted."""
    times: dict[str, list[float]] = {name: [] for name in alternatives}
    for repeat in range(-warm_up, repeats):
        for name, run in alternatives.items():
            start = time.perf_counter()
            run()
            if repeat >= 0:
                times[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in times.items()}


def geometric_mean(values: list[float]) -> float:
    """Geometric mean, the one for ratios."""
    return statistics.geometric_mean(values)


def machine() -> str:
    """Processor, memory, versions and date, in one paragraph."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        model = next(line.split(":")[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line)
    flags = cpuinfo.read_text() if cpuinfo.exists() else ""
    extras = [name for name in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if f" {name} " in flags]
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    packages = ", ".join(f"{name} {number}" for name, number in versions().items())
    today = datetime.now(UTC).date().isoformat()
    return (
        f"{model} ({', '.join(extras) or 'no vector extensions known'}), {os.cpu_count()} cores, GPU: {gpu}. "
        f"{platform.system()}, {packages}. {today}."
    )
