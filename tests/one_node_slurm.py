"""A real Slurm of one node for tests: munge, controller and node daemon on loopback, all in one temporary folder."""

import os
import platform
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue")
# The node claims more memory than any job of the profile asks for (and nothing holds jobs to what they asked for), so
# that the test runs on small machines too, and it remembers ended jobs for a day. Nothing here needs cgroups, a
# database or another user than root.
CONFIGURATION = """\
ClusterName=normplace
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
KillWait=2
MinJobAge=86400
MpiDefault=none
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=1000000 State=UNKNOWN
PartitionName=test Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def why_not() -> str | None:
    """Why no Slurm can be started here; None where one can."""
    missing = [program for program in PROGRAMS if _found(program) is None]
    if missing:
        return f"{', '.join(missing)} not installed (Debian's packages slurm-wlm and munge)"
    return None if os.geteuid() == 0 else "Slurm's node daemon runs as root only"


@contextmanager
def one_node_slurm() -> Iterator[dict[str, str]]:
    """Start it, give the variables with which Slurm's commands find it, and leave nothing of it, whatever happens.

    Raises:
        RuntimeError: it does not start; with what the daemons said.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="slurm-")))
        folder.chmod(0o755)  # munge insists that others can reach its socket
        host = platform.node().partition(".")[0]
        controller_port, node_port = _free_ports(2)
        for name in ("state", "spool"):
            (folder / name).mkdir()
        (folder / "slurm.conf").write_text(
            CONFIGURATION.format(
                folder=folder, host=host, cpus=os.cpu_count(), controller_port=controller_port, node_port=node_port
            )
        )
        (folder / "munge.key").write_bytes(os.urandom(128))
        (folder / "munge.key").chmod(0o400)
        # Snakemake's plugin calls srun without any SLURM_ variable: clusters have their slurm.conf in the usual place.
        (folder / "srun").write_text(f'#!/bin/sh\nSLURM_CONF={folder}/slurm.conf exec {_found("srun")} "$@"\n')
        (folder / "srun").chmod(0o755)
        variables = {"SLURM_CONF": f"{folder}/slurm.conf", "PATH": f"{folder}{os.pathsep}{_path()}"}
        environment = {**os.environ, **variables}

        def start(*command: str) -> None:
            log = stack.enter_context((folder / f"{command[0]}.out").open("wb"))
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
            stack.callback(_end, process)

        def says(*command: str) -> str:
            return subprocess.run(command, env=environment, capture_output=True, text=True, check=False).stdout

        def ready(what: str, *command: str) -> None:
            until = time.monotonic() + 60
            while what not in says(*command):
                if time.monotonic() > until:
                    logs = [path.read_text(errors="replace")[-2000:] for path in sorted(folder.glob("*.*[gt]"))]
                    raise RuntimeError("\n".join([f"Slurm does not start: no {what!r} from {command}", *logs]))
                time.sleep(0.2)

        files = (f"--{name}-file={folder}/munge.{name}" for name in ("key", "pid", "log", "seed"))
        start("munged", "--foreground", "--force", f"--socket={folder}/munge.socket", *files)
        ready("MUNGE", "munge", "--no-input", f"--socket={folder}/munge.socket")
        start("slurmctld", "-D")
        start("slurmd", "-D", "-N", host)
        ready("idle", "sinfo", "--noheader", "--format=%T")
        try:
            yield variables
        finally:
            says("scancel", "--user=root")  # what a failed test left
            ready("none", "sh", "-c", "squeue --noheader | grep . || echo none")


def _path() -> str:
    """Debian keeps daemons where only root's path leads."""
    return os.pathsep.join([os.environ["PATH"], "/usr/sbin", "/sbin"])


def _found(program: str) -> str | None:
    return shutil.which(program, path=_path())


def _free_ports(number: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
