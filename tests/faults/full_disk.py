"""Fill the disk under the results when a job begins, for a job of every rule: `python -m tests.faults.full_disk`.

The job must fail and the run must say why, without a traceback of ours or half a file. Once there is room again, the
same command must make what an undisturbed run makes, byte for byte. Twice a rule: with room for a line in the log and
no more, and with room for half of what the job writes. Needs root.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.checkout import TINY, environment, hashes, tiny_checkout

PAGE = 4096  # bytes: what the disk is given out in
FULL = "No space left on device"


def command(*targets: str) -> list[str]:
    """What `make replicate` runs, for a few of the outputs."""
    options = ("--cores", "1", "--configfile", *TINY)
    return [sys.executable, "-m", "study.one_run", "snakemake", *targets, *options]


def run(checkout: Path, *targets: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*targets), cwd=checkout, env=environment(checkout), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, encoding="utf-8", errors="replace", check=False,
    )  # fmt: skip


@contextmanager
def on_small_disk(folder: Path, size: str) -> Iterator[None]:
    """A folder and what is in it, on a disk of its own for a while."""
    aside = folder.with_name(f"{folder.name} aside")
    folder.rename(aside)
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=True)
    try:
        shutil.copytree(aside, folder, symlinks=True, dirs_exist_ok=True)
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
        folder.rmdir()
        aside.rename(folder)


@contextmanager
def full(disk: Path, room: int) -> Iterator[None]:
    """A disk on which there is room for so many bytes."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as handle:
        free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
        os.posix_fallocate(handle.fileno(), 0, free - room)
    try:
        yield
    finally:
        filler.unlink()


def jobs(checkout: Path, targets: Sequence[str]) -> dict[str, list[str]]:
    """Rule -> the outputs of one of its jobs, of those that the finished targets were made by."""
    said = subprocess.run(
        ["snakemake", *targets, "--summary", "--cores", "1", "--configfile", *TINY], cwd=checkout,
        env=environment(checkout), capture_output=True, text=True, check=True,
    )  # fmt: skip
    by_log: dict[tuple[str, str], list[str]] = {}
    for line in said.stdout.splitlines()[1:]:
        output, _, rule, log, *_ = line.split("\t")
        by_log.setdefault((rule, log), []).append(output)
    return {rule: outputs for (rule, _), outputs in reversed(by_log.items())}


def results_of(checkout: Path) -> dict[str, str]:
    """Hashes of all but what says when it was made or how long it took."""
    timed = ("report.html", "manifest.json", "index.html")
    return {name: sha256 for name, sha256 in hashes(checkout).items() if name not in timed}


def forget(checkout: Path, outputs: Sequence[str]) -> None:
    """Delete a job's outputs, here and in the cache."""
    for output in outputs:
        path = checkout / output
        if path.is_symlink():
            path.resolve().unlink()
        path.unlink()


def try_rule(checkout: Path, rule: str, outputs: Sequence[str], expected: dict[str, str]) -> list[str]:
    """What was wrong, of one rule; its job's outputs are there, and are there again afterwards."""
    results = checkout / "results" / "tiny"
    pages = sum(-(-(checkout / output).stat().st_size // PAGE) for output in outputs)
    wrong = []
    for room in sorted({PAGE, pages // 2 * PAGE}):
        forget(checkout, outputs)
        for log in results.rglob("*.log"):
            log.unlink()
        before = set(results_of(checkout))
        with full(results, room):
            failed = run(checkout, *outputs)
            left = results_of(checkout)
        logs = "\n".join(log.read_text(errors="replace") for log in results.rglob("*.log"))
        lines = {line for line in (failed.stdout + logs).splitlines() if FULL in line}
        ours = re.search(r"Traceback[^~]*?(normplace|study|figures)/", logs)
        half = [name for name in set(left) - before if left[name] != expected.get(name) and name != "filler"]
        again = run(checkout, *outputs)
        found = {
            "no failure": failed.returncode == 0,
            "nothing says that the disk is full": not lines,
            "a traceback of ours": bool(ours),
            f"left: {half}": bool(half),
            f"does not complete: {again.stdout[-2000:]}": again.returncode != 0,
            "other files than those of an undisturbed run": results_of(checkout) != expected,
        }
        wrong += [f"{rule}, room for {room} bytes: {problem}" for problem, is_so in found.items() if is_so]
        print(f"{rule}, room for {room} of {pages * PAGE} bytes: {failed.returncode}, {sorted(lines)}", flush=True)
    return wrong


def trial(folder: Path, targets: Sequence[str], rules: Sequence[str] = ()) -> list[str]:
    """What was wrong, of these rules or of all."""
    os.environ["SNAKEMAKE_OUTPUT_CACHE"] = str(folder / "cache")
    checkout = tiny_checkout(folder / "checkout")
    first = run(checkout, *targets)
    assert first.returncode == 0, first.stdout
    by_rule = jobs(checkout, targets)
    if unknown := sorted(set(rules) - set(by_rule)):
        return [f"RULE {', '.join(unknown)}: unknown, allowed are {', '.join(by_rule)}"]
    expected, wrong = results_of(checkout), []
    with on_small_disk(checkout / "results" / "tiny", "200m"):
        for rule in rules or by_rule:
            wrong += try_rule(checkout, rule, by_rule[rule], expected)
    return wrong


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rules", nargs="*", metavar="RULE", help="default: all")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        sys.exit("\n".join(trial(Path(temporary), (), args.rules)) or None)
