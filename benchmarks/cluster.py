"""What the paper scale would take on a cluster, simulated from the seconds that its jobs took one by one."""

import heapq
from pathlib import Path

import pandas as pd

from normplace.verifying.manifest import read_manifest

ROOT = Path(__file__).resolve().parent.parent
NODES = (1, 10, 100)
# By the rule's first word; all others come after these.
LEVELS = {"dataset": 0, "sample": 1, "kernel": 1, "train": 1, "measure": 1}
LAST = 2


def measure(start: float) -> pd.DataFrame:
    """Hours on so many nodes, a job on each at a time. start: seconds that every job takes to start on its node.

    A level of the graph (data, networks and theory, tables) begins when the one before it has ended; in a level the
    longest jobs go first.
    """
    jobs = read_manifest(ROOT / "reference" / "paper").jobs
    levels: list[list[float]] = [[] for _ in range(LAST + 1)]
    for job in jobs:
        levels[LEVELS.get(job["rule"].split("_")[0], LAST)].append(job["seconds"] + start)
    total, longest = sum(map(sum, levels)), sum(max(level, default=0.0) for level in levels)
    rows = []
    for nodes in NODES:
        hours = sum(_ended(level, nodes) for level in levels) / 3600
        bound = max(total / nodes, longest) / 3600
        rows.append({"nodes": nodes, "jobs": len(jobs), "hours": hours, "hours at best": bound})
    return pd.DataFrame(rows)


def _ended(seconds: list[float], nodes: int) -> float:
    """When the last of these jobs has ended."""
    free = [0.0] * nodes
    for job in sorted(seconds, reverse=True):
        heapq.heapreplace(free, free[0] + job)
    return max(free)
