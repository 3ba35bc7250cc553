"""Many checkouts with one cache, in which runs are killed and entries harmed: `python -m tests.faults.crowd`.

Each checkout runs the same command again and again, each time without results. At random moments SIGKILL hits one of
the runs, as in `tests.faults.kill`, or a file of an entry of the cache is deleted, or one of its bytes is flipped. When
the time is up, every checkout runs the command once more: it must complete, with the bytes of an undisturbed run.
Before that, a run that is not killed may fail only where a harmed entry was taken away, and with a line that says so.

And nothing is computed needlessly: where the entry of a job was stored before the job began, and was not harmed since,
it must be served. GRACE is what may pass between something and our reading of it, or a run's noticing it.
"""

import argparse
import random
import re
import shutil
import subprocess
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from study import cache as output_cache
from tests.checkout import TINY_TARGETS, environment, hashes, tiny_checkout
from tests.faults import kill

GRACE = 5.0  # seconds
# What a run says that reads a harmed entry, or from which another run's check has taken it.
HARMED = re.compile(r"no such file|Missing files|damaged|differs from|[Nn]ot a file of normplace")
# Lines of Snakemake's: when a job begins, and, with the folder of its outputs, what becomes of its entry, of which the
# sums are stored last.
DATE = re.compile(r"\[(\w{3} \w{3} .*\d{4})\]$")
BEGINS = re.compile(r"Reason: .*?(results/\S+)/")
STORES = re.compile(r"Moving output file (results/\S+)/\S+ to cache")
ENDS = re.compile(r"Symlinking output file (results/\S+)/\S+\.sha256 from cache")


@dataclass
class Entry:
    """What happened to the entry of a job; times in seconds, of runs by their number."""

    begun: dict[int, float] = field(default_factory=dict)
    stores: dict[int, float] = field(default_factory=dict)
    stored: dict[int, float] = field(default_factory=dict)
    harmed: list[float] = field(default_factory=list)

    def needless(self) -> list[int]:
        """The runs that computed it although it was there."""
        return [run for run in self.stores if self._there(self.begun[run])]

    def _there(self, moment: float) -> bool:
        last = max((run for run in self.stored if self.stored[run] < moment - GRACE), key=self.stored.get, default=None)
        return last is not None and not any(
            self.stores[last] - GRACE < harmed < moment + GRACE for harmed in self.harmed
        )


class Crowd:
    """Checkouts that share a cache, and what they do."""

    def __init__(self, folder: Path, processes: int, seed: int, targets: Sequence[str]) -> None:
        """Make them, and what an undisturbed run makes."""
        self.command, self.random, self.lock = kill.command(targets), random.Random(seed), threading.Lock()
        self.entries: dict[str, Entry] = defaultdict(Entry)
        self.on: dict[int, subprocess.Popen[str]] = {}  # by checkout
        self.killed: set[int] = set()  # of those
        self.count: Counter[str] = Counter()
        self.failures: list[str] = []
        self.time_is_up = threading.Event()
        self.checkouts = [tiny_checkout(folder / f"checkout {number}") for number in range(processes)]
        self.cache = folder / "cache of the undisturbed"
        self.run(0)
        self.expected, self.entries = hashes(self.checkouts[0]), defaultdict(Entry)
        links = [path for path in (self.checkouts[0] / "results").rglob("*") if path.is_symlink()]
        self.jobs = {
            path.readlink().name[: output_cache.KEY]: str(path.parent.relative_to(self.checkouts[0])) for path in links
        }
        self.cache = folder / "cache"

    def run(self, number: int) -> str:
        """One run in a checkout, whose lines are read as they come; returns how it ended."""
        checkout = self.checkouts[number]
        variables = {output_cache.VARIABLE: str(self.cache)}
        process = subprocess.Popen(
            self.command, cwd=checkout, env=environment(checkout) | variables, text=True, errors="replace",
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        with self.lock:
            self.count["runs"] += 1
            run = self.count["runs"]
            self.on[number] = process
        assert process.stdout
        said, begins = [], 0.0
        with process.stdout:
            for line in process.stdout:
                said.append(line)
                if date := DATE.match(line):
                    begins = time.mktime(time.strptime(date[1]))
                self.note(run, line, begins)
        process.wait()
        with self.lock:
            del self.on[number]
            how = "killed" if number in self.killed else "failed" if process.returncode else "completed"
            self.killed.discard(number)
            self.count[how] += 1
            if how == "failed":
                self.failures.append("".join(said))
        return how

    def note(self, run: int, line: str, begins: float) -> None:
        """What a line says about an entry; begins: the last date above it."""
        now = time.time()
        with self.lock:
            if job := BEGINS.match(line):
                self.entries[job[1]].begun.setdefault(run, begins)
            elif stores := STORES.match(line):
                self.entries[stores[1]].begun.setdefault(run, begins)
                self.entries[stores[1]].stores.setdefault(run, now)
            elif ends := ENDS.match(line):
                entry = self.entries[ends[1]]
                if run in entry.stores:
                    entry.stored[run] = now
                else:
                    self.count["served"] += 1

    def again_and_again(self, number: int) -> None:
        """What one checkout does until the time is up."""
        while not self.time_is_up.is_set():
            shutil.rmtree(self.checkouts[number] / "results", ignore_errors=True)
            self.run(number)

    def disturb(self) -> None:
        """Kill a run, or harm an entry."""
        files = sorted(self.cache.glob("?" * output_cache.KEY + "?*")) if self.random.random() < 0.5 else []
        with self.lock:
            on = sorted(set(self.on) - self.killed)
            if files:
                self.harm(self.random.choice(files))
            elif on:
                number, what = self.random.choice(on), self.random.choice(kill.VICTIMS)
                self.killed.add(number)  # first, since a part of it may be killed before another has ended by itself
                self.count["kills"] += 1
                with suppress(psutil.Error):
                    kill.kill(psutil.Process(self.on[number].pid), what, self.random)

    def harm(self, file: Path) -> None:
        """Delete a file of an entry, or flip a byte of it."""
        with suppress(OSError):  # another run's check was faster
            if self.random.random() < 0.5:
                file.unlink()
            else:
                content = bytearray(file.read_bytes())
                content[self.random.randrange(len(content))] ^= 1
                file.chmod(0o644)
                file.write_bytes(content)
            self.entries[self.jobs[file.name[: output_cache.KEY]]].harmed.append(time.time())
            self.count["harmed"] += 1


def trial(
    folder: Path, processes: int, seconds: float, every: float, seed: int, targets: Sequence[str]
) -> Counter[str]:
    """Let them run for so many seconds, with a disturbance every so often; returns what happened how often.

    Raises:
        AssertionError: a run did not complete in the end or made other files, the cache is damaged, or something was
            computed needlessly.
    """
    crowd = Crowd(folder, processes, seed, targets)
    threads = [threading.Thread(target=crowd.again_and_again, args=[number]) for number in range(processes)]
    for thread in threads:
        thread.start()
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(crowd.random.uniform(0, 2 * every))
        crowd.disturb()
    crowd.time_is_up.set()
    for thread in threads:
        thread.join()
    # Entries may be harmed still, which the first run finds; what is computed then is explained by that.
    at_once = [threading.Thread(target=crowd.run, args=[number]) for number in range(processes)]
    crowd.run(0)
    for thread in at_once:
        thread.start()
    for thread in at_once:
        thread.join()
    crowd.count["computed"] = sum(len(entry.stores) for entry in crowd.entries.values())
    crowd.count["entries"] = len(crowd.entries)
    crowd.count["left in the cache"] = len(list(crowd.cache.glob("tmp*")))
    for number, checkout in enumerate(crowd.checkouts):
        made = hashes(checkout)
        hidden = {name for name in made if any(part.startswith(".") for part in Path(name).parts)}
        crowd.count["left in results"] += len(hidden)
        assert {name: made[name] for name in made.keys() - hidden} == crowd.expected, f"checkout {number}"
    entries = sorted(crowd.cache.iterdir())
    output_cache.check(crowd.cache)
    assert sorted(crowd.cache.iterdir()) == entries, "an entry was damaged"
    print(*(f"{what}: {number}" for what, number in crowd.count.items()), sep="\n")
    assert not (other := [said for said in crowd.failures if not HARMED.search(said)]), "\n".join(other)
    needless = {job: (found, entry) for job, entry in crowd.entries.items() if (found := entry.needless())}
    assert not needless, needless
    return crowd.count


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--every", type=float, default=5, help="seconds between disturbances, on average (default 5)")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        trial(Path(temporary), args.processes, args.minutes * 60, args.every, args.seed, TINY_TARGETS)
