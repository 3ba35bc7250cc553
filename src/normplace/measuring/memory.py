"""A bound on memory: a model that asks for more than there is gets an error, not the end of the process."""

import contextlib
from pathlib import Path


def bounded() -> None:
    """Let this process have no more memory than is available now; nothing happens where that cannot be said."""
    with contextlib.suppress(ImportError, OSError, ValueError, KeyError):
        import resource

        # Linux alone counts private memory against this limit, and has these files.
        available = _kibibytes("/proc/meminfo", "MemAvailable")
        held = _kibibytes("/proc/self/status", "VmData")
        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, ((available + held) * 1024, most))


def _kibibytes(file: str, name: str) -> int:
    lines = dict(line.split(":", 1) for line in Path(file).read_text().splitlines() if ":" in line)
    return int(lines[name].split()[0])
