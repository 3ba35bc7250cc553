"""Work in several processes."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest


@pytest.mark.slow
def test_processes_end_with_their_parent(tmp_path: Path) -> None:
    """Orphans of a killed run would go on writing checkpoints beside its successor's."""
    script = tmp_path / "killed_parent.py"
    script.write_text(
        "import os, sys, time\n"
        "from normplace.parallel import completed\n"
        "def work(path):\n"
        "    open(f'{path}/{os.getpid()}', 'w').close()\n"
        "    time.sleep(600)\n"
        "if __name__ == '__main__':\n"
        "    list(completed(work, [(sys.argv[1],)] * 2, 2))\n"
    )
    started = tmp_path / "started"
    started.mkdir()
    parent = subprocess.Popen([sys.executable, str(script), str(started)])
    while len(list(started.iterdir())) < 2:
        assert parent.poll() is None
        time.sleep(0.05)
    parent.kill()
    parent.wait()
    workers = [int(path.name) for path in started.iterdir()]
    for _ in range(200):
        if not any(is_alive(pid) for pid in workers):
            break
        time.sleep(0.05)
    assert not any(is_alive(pid) for pid in workers)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
