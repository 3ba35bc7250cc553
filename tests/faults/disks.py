"""Small disks to fill, where the system lets us mount them."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


def small_disks(folder: Path) -> Iterator[Path]:
    """For a fixture: an empty disk of 64 kB on `folder`; the test is skipped where it cannot be mounted."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount command")
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
