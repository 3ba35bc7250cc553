"""Kill runs at random moments, start the same command again, and compare: `python -m tests.faults.kill --times 40`.

SIGKILL hits, in turn, everything at once (as a power cut does), Snakemake alone, one of its jobs (Snakemake where none
is on), or the command alone, so that Snakemake goes on without it. What was killed is started again by the same command
and killed again; a run that ends in peace must have made what an undisturbed run makes, byte for byte. Then all is
deleted and it begins anew.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import psutil

from tests.checkout import TINY, TINY_TARGETS, environment, hashes, tiny_checkout

VICTIMS = ("everything", "Snakemake", "a job", "the command alone")


def command(targets: Sequence[str]) -> list[str]:
    """What `make replicate` runs, for a few of the outputs."""
    options = ("--cores", "2", "--configfile", *TINY)
    return [sys.executable, "-m", "study.one_run", "snakemake", *targets, *options]


def kill(run: psutil.Process, what: str, random_numbers: random.Random) -> list[str]:
    """SIGKILL for `what` of a run; returns which jobs it hit or left without their parent."""
    below = run.children(recursive=True)
    jobs = [process for process in below[1:] if "normplace" in process.name()]
    if what == "a job":
        jobs = random_numbers.sample(jobs, min(1, len(jobs)))
    said = [_job(process) for process in jobs]
    victims = {
        "everything": [run, *below],
        "Snakemake": below[:1],
        "a job": jobs or below[:1],
        "the command alone": [run],
    }[what]
    for victim in victims:
        victim.kill()
    return said


def _job(process: psutil.Process) -> str:
    """Such as "sample of 7 cells"."""
    try:
        words = process.cmdline()
    except psutil.NoSuchProcess:
        return "one that has just ended"
    of_words = dict(pairwise(words))
    command = next((after for word, after in of_words.items() if Path(word).name == "normplace"), "starting")
    cells = of_words.get("--cells", "").split(",")
    return f"{command} of {len(cells)} cells" if cells[0] else command


def trial(
    times: int, seed: int, folder: Path, targets: Sequence[str] = TINY_TARGETS, victims: Sequence[str] = VICTIMS
) -> int:
    """Kill `times` times, the victims in turn; returns how many runs ended in peace and were compared.

    Raises:
        AssertionError: a run failed that nothing disturbed, or made other files.
    """
    os.environ["SNAKEMAKE_OUTPUT_CACHE"] = str(folder / "cache")
    checkout, random_numbers = tiny_checkout(folder / "checkout"), random.Random(seed)
    log = folder / "log"

    def started() -> subprocess.Popen[bytes]:
        with log.open("wb") as handle:
            return subprocess.Popen(
                command(targets), cwd=checkout, env=environment(checkout), stdout=handle, stderr=subprocess.STDOUT
            )

    def ended_in_peace(run: subprocess.Popen[bytes]) -> dict[str, str]:
        assert run.wait() == 0, log.read_text()
        return hashes(checkout)

    begun = time.monotonic()
    expected = ended_in_peace(started())
    lasts = time.monotonic() - begun
    killed = compared = 0
    while killed < times:
        for made in (checkout / "results", folder / "cache"):
            shutil.rmtree(made)
        while killed < times:
            run, moment = started(), random_numbers.uniform(0, lasts)
            try:
                run.wait(moment)
                break
            except subprocess.TimeoutExpired:
                what = victims[killed % len(victims)]
                jobs = kill(psutil.Process(run.pid), what, random_numbers)
                run.wait()
            killed += 1
            print(f"kill {killed} after {moment:.1f} s: {what}; jobs: {', '.join(jobs) or 'none'}", flush=True)
        found = ended_in_peace(started())
        others = sorted(dict(found.items() ^ expected.items()))
        assert not others, f"other files than those of an undisturbed run: {', '.join(others)}"
        compared += 1
        print(f"run again: the same {len(expected)} files as those of an undisturbed run", flush=True)
    return compared


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=20, help="how often to kill (default 20)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--victims", nargs="+", choices=VICTIMS, default=VICTIMS, help="default: each in turn")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        trial(args.times, args.seed, Path(temporary), victims=args.victims)
