"""A run in a folder that a group shares: begun by one user, interrupted, resumed by another. Needs root."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.checkout import TINY_TARGETS, environment, hashes, tiny_checkout
from tests.faults import kill
from tests.faults.test_runs import wait_for

FIRST, SECOND, GROUP = 12345, 12346, 12347
COMMAND = kill.command(TINY_TARGETS[:2])
# Python may lie below a folder that only root may enter: other users then get all of that folder hidden but Python.
RUN_AS = """
set -e
hidden=$1 shown=$2 mask=$3; shift 3
if [ -n "$hidden" ]; then
  mount -t tmpfs tmpfs /mnt
  mkdir /mnt/shown
  mount --bind "$hidden/$shown" /mnt/shown
  mount -t tmpfs -o mode=755 tmpfs "$hidden"
  mkdir "$hidden/$shown"
  mount --bind /mnt/shown "$hidden/$shown"
fi
umask $mask
exec setpriv "$@"
"""


def run_as(user: int, *command: str, umask: str = "002") -> list[str]:
    """A command as another user of the group."""
    python = Path(sys.executable).resolve()
    private = [folder for folder in reversed(python.parents) if not folder.stat().st_mode & 0o001]
    hidden = [str(private[0]), python.relative_to(private[0]).parts[0]] if private else ["", ""]
    script = ["unshare", "--mount", "--propagation", "private", "sh", "-c", RUN_AS, "sh", *hidden, umask]
    return [*script, f"--reuid={user}", f"--regid={GROUP}", "--clear-groups", *command]


@pytest.fixture
def shared() -> Iterator[Path]:
    """A checkout of which all belongs to the first user and may be written to by the group, beside homes for both."""
    if os.geteuid():
        pytest.skip("only root can run something as other users")
    try:
        found = subprocess.run(run_as(FIRST, sys.executable, "-c", ""), capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        pytest.skip(f"there is no command {error.filename}")
    if found.returncode:
        pytest.skip(f"another user cannot run Python here: {found.stderr.strip()}")
    folder = Path(tempfile.mkdtemp())  # pytest's own folder is not for others
    folder.chmod(0o755)
    for user in (FIRST, SECOND):
        home(folder, user).mkdir(mode=0o700)
        os.chown(home(folder, user), user, GROUP)
    checkout = tiny_checkout(folder / "checkout")
    for path in [checkout, *checkout.rglob("*")]:
        os.chown(path, FIRST, GROUP)
        path.chmod(0o775 if path.is_dir() else 0o664)
    yield checkout
    shutil.rmtree(folder)


def home(folder: Path, user: int) -> Path:
    return folder / f"home of {user}"


def start(checkout: Path, user: int, umask: str = "002", **variables: str) -> subprocess.Popen[str]:
    own = {"HOME": str(home(checkout.parent, user)), "LOGNAME": "", "USER": "", "XDG_CACHE_HOME": ""}
    return subprocess.Popen(
        run_as(user, *COMMAND, umask=umask), cwd=checkout, env=environment(checkout) | own | variables,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def interrupted(checkout: Path, umask: str = "002", **variables: str) -> None:
    """A run of the first user's, which ends when the first job has its outputs in the cache."""
    process = start(checkout, FIRST, umask, **variables)
    wait_for(checkout / "results" / "tiny" / "theory" / "placements" / "gaussian" / "none.npz")
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate()
    assert process.returncode, said


def undisturbed(checkout: Path) -> dict[str, str]:
    """What one user makes who is alone, with an empty cache."""
    shutil.rmtree(checkout / "results")
    process = start(checkout, SECOND, SNAKEMAKE_OUTPUT_CACHE="")
    said, _ = process.communicate()
    assert process.returncode == 0, said
    return hashes(checkout)


def test_another_user_resumes(shared: Path) -> None:
    cache = {"SNAKEMAKE_OUTPUT_CACHE": str(shared / "cache")}
    interrupted(shared, **cache)
    resumed = start(shared, SECOND, **cache)
    said, _ = resumed.communicate()
    assert resumed.returncode == 0, said
    made = hashes(shared)
    owners = {path.stat().st_uid for path in (shared / "cache").iterdir()}
    assert owners == {FIRST, SECOND}, "what the first user made was not made again"
    assert made == undisturbed(shared)


def test_caches_of_their_own(shared: Path) -> None:
    """Links of the first user's lead where the second may not look."""
    own = {"SNAKEMAKE_OUTPUT_CACHE": ""}
    interrupted(shared, **own)
    for user in (SECOND, FIRST):
        resumed = start(shared, user, **own)
        said, _ = resumed.communicate()
        assert resumed.returncode == 0, said
    made = hashes(shared)
    assert made == undisturbed(shared)


def test_a_folder_that_is_not_for_the_group(shared: Path) -> None:
    cache = {"SNAKEMAKE_OUTPUT_CACHE": str(shared / "cache")}
    interrupted(shared, umask="022", **cache)
    resumed = start(shared, SECOND, **cache)
    said, _ = resumed.communicate()
    assert resumed.returncode == 1
    (line,) = said.splitlines()
    assert f"{shared / '.snakemake' / 'normplace.lock'} is user {FIRST}'s, and you may not write to it" in line
