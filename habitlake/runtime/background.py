"""Processes of a world that go on after the command that started them: which run, starting, stopping."""

import contextlib
import json
import os
import socket
import subprocess
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from habitlake.settings import PROJECT_ROOT

if TYPE_CHECKING:
    from pathlib import Path

    import psutil

STOP_TIMEOUT_S = 15


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    """Return whether something listens on the port of the loopback interface."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def start(command: Sequence[str], environment: Mapping[str, str], log: "Path") -> "subprocess.Popen[bytes]":
    """Start a process of its own session; what it says goes to the end of its log."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as output:
        return subprocess.Popen(
            command,
            env=dict(environment),
            cwd=PROJECT_ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )


def running(pid_file: "Path", marker: str) -> "dict[str, psutil.Process]":
    """Return the remembered processes that still run, by name.

    Parameters
    ----------
    marker
        A word of their command line: an id may belong to another program by now.
    """
    import psutil

    try:
        known = json.loads(pid_file.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    found = {}
    for name, pid in known.items():
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            process = psutil.Process(pid)
            if process.status() != psutil.STATUS_ZOMBIE and marker in " ".join(process.cmdline()):
                found[name] = process
    return found


def remember(pids: Mapping[str, int], pid_file: "Path") -> None:
    """Keep the ids of processes by name."""
    pid_file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = pid_file.with_suffix(f".{os.getpid()}")
    unfinished.write_text(json.dumps(dict(pids)))
    unfinished.replace(pid_file)


def stop(pid_file: "Path", marker: str) -> None:
    """Stop the remembered processes and whatever they started."""
    import psutil

    family: list[psutil.Process] = []
    for process in running(pid_file, marker).values():
        with contextlib.suppress(psutil.NoSuchProcess):
            family += [*process.children(recursive=True), process]
    for member in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.terminate()
    for member in psutil.wait_procs(family, timeout=STOP_TIMEOUT_S)[1]:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.kill()
    pid_file.unlink(missing_ok=True)
