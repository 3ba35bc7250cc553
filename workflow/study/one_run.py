"""One run at a time in a checkout, and nothing left of one that was killed: `python -m study.one_run COMMAND...`.

Snakemake's own lock outlives a killed run, and so do its jobs, which would write what they were started for over what
the next run makes. Here a lock of the system's, which ends with its holders, says whether Snakemake's is stale, and the
command runs in a process group of its own, of which nothing is left when it ends.
"""

import os
import pwd
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from normplace import environment
from study import cache, lock

STATE = Path(".snakemake")  # where Snakemake keeps its own
HELD = "NORMPLACE_RUN"  # set for what runs under the lock
# Options with which Snakemake runs no job, or none of a run's: it looks, or works on its own files.
LOOKING = (
    "archive", "cleanup_metadata", "cleanup_shadow", "conda_cleanup_envs", "conda_create_envs_only",
    "container_cleanup_images", "containerize", "d3dag", "dag", "delete_all_output", "delete_temp_output",
    "detailed_summary", "dryrun", "filegraph", "generate_unit_tests", "lint", "list_changes", "list_conda_envs",
    "list_input_changes", "list_params_changes", "list_rules", "list_target_rules", "list_untracked",
    "print_compilation", "report", "reporter", "rulegraph", "summary", "unlock",
)  # fmt: skip
FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def only_looks(workflow: Any) -> bool:
    """Whether this Snakemake only looks, and must change no file; while it reads a Snakefile it knows only of -n."""
    if Path(sys.argv[0]).name != "snakemake":
        return bool(workflow.output_settings.dryrun)
    from snakemake.cli import get_argument_parser  # which takes a second

    options = get_argument_parser().parse_known_args(sys.argv[1:])[0]
    looks = any(getattr(options, name) for name in LOOKING) and not options.report_after_run
    return bool(workflow.output_settings.dryrun) or looks  # a profile, too, may say -n


def hold_if_free() -> IO[str] | None:
    """For a Snakemake that was started without this module: its run, too, is one that others wait for.

    Returns the lock, held until the file or the process ends; None where others have it or it cannot be had.
    """
    if HELD not in os.environ:
        with suppress(OSError):
            file = _file()
            return file if lock.take(file, wait=False) else None
    return None


def run(command: list[str]) -> int:
    """Run a command when nothing else runs in this checkout; returns its exit code."""
    environment.prepare()
    with _file_or_exit() as file:
        if not lock.take(file, wait=False):
            print("normplace: another run is on in this folder; waiting for it to end", file=sys.stderr)
            lock.take(file, wait=True)
        for stale in (STATE / "locks").glob("*"):
            stale.unlink()
        variables = {
            **os.environ,
            HELD: "yes",
            "XDG_CACHE_HOME": str(cache.of_user()),  # Snakemake needs one, even where HOME is none
            "PYTHONUTF8": "1",  # Snakemake's log files take any path
            "PYTHONIOENCODING": f"{sys.stdout.encoding}:backslashreplace",  # and no terminal is too old for a message
        }
        # The command inherits the lock: killing this process alone does not free it.
        process = subprocess.Popen(command, start_new_session=True, pass_fds=[file.fileno()], env=variables)
        lock.also_held_by(file, process.pid)

        def forward(number: int, _: Any) -> None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, number)

        for number in FORWARDED:
            signal.signal(number, forward)
        code = process.wait()
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    return code if code >= 0 else 128 - code


def _file() -> IO[str]:
    STATE.mkdir(exist_ok=True)
    return (STATE / "normplace.lock").open("w")


def _file_or_exit() -> IO[str]:
    try:
        return _file()
    except PermissionError as error:
        path = next(path for path in (Path(error.filename), STATE, Path()) if path.exists())
        sys.exit(
            f"normplace: {path.absolute()} is {_name(path.stat().st_uid)}'s, and you may not write to it: let them run "
            "`chmod -R g+w .` (and `umask 002` before a run), or work in a checkout of your own"
        )
    except OSError as error:
        sys.exit(f"normplace: {STATE.absolute()}: a run keeps its state in this folder, and cannot ({error.strerror})")


def _name(user: int) -> str:
    """Of a user; the number where the system has no name for it."""
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"user {user}"


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
