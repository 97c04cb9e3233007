"""Airflow's scheduler, DAG processor and UI in the background of a world."""

import contextlib
import json
import os
import socket
import subprocess
import time
from typing import TYPE_CHECKING

from habitlake.errors import PermanentError
from habitlake.runtime.airflow import command, environment, port_file, ui_port
from habitlake.settings import PROJECT_ROOT, Settings

if TYPE_CHECKING:
    from pathlib import Path

    import psutil

START_TIMEOUT_S = 120
STOP_TIMEOUT_S = 15
POLL_S = 0.5
# Not `airflow standalone`: it also opens two fixed ports on every interface to serve logs, which the UI, on
# the same machine, reads as files.
PARTS = {
    "api-server": ("api-server",),
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
}


def up(settings: Settings) -> str:
    """Start the parts that do not run yet; return the UI's address once it answers.

    Raises
    ------
    PermanentError
        If a part ends at once or the UI does not answer in time; the message names the log.
    """
    running = _running(settings)
    if "api-server" not in running and _answers(ui_port(settings)):
        # Another program took the port meanwhile; the next one is kept from now on, and every part must know it.
        down(settings)
        running = {}
        port_file(settings).unlink()
    port = ui_port(settings)
    started = {name: _start(name, settings) for name in PARTS if name not in running}
    _remember({name: process.pid for name, process in (running | started).items()}, settings)
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        ended = next((name for name, process in started.items() if process.poll() is not None), None)
        if ended is not None:
            down(settings)
            msg = f"Airflow's {ended} ended at once; its log: {_log_file(ended, settings)}"
            raise PermanentError(msg)
        if _answers(port):
            return f"http://127.0.0.1:{port}"
        time.sleep(POLL_S)
    down(settings)
    msg = f"the Airflow UI did not answer within {START_TIMEOUT_S} s; its log: {_log_file('api-server', settings)}"
    raise PermanentError(msg)


def _start(name: str, settings: Settings) -> "subprocess.Popen[bytes]":
    log = _log_file(name, settings)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as output:
        return subprocess.Popen(
            command(*PARTS[name]),
            env=environment(settings),
            cwd=PROJECT_ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )


def down(settings: Settings) -> None:
    """Stop every part and whatever it started."""
    import psutil

    family: list[psutil.Process] = []
    for process in _running(settings).values():
        with contextlib.suppress(psutil.NoSuchProcess):
            family += [*process.children(recursive=True), process]
    for member in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.terminate()
    for member in psutil.wait_procs(family, timeout=STOP_TIMEOUT_S)[1]:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.kill()
    _pid_file(settings).unlink(missing_ok=True)


def is_running(settings: Settings) -> bool:
    """Return whether every part runs."""
    return set(_running(settings)) == set(PARTS)


def _running(settings: Settings) -> "dict[str, psutil.Process]":
    import psutil

    try:
        known = json.loads(_pid_file(settings).read_text())
    except (FileNotFoundError, ValueError):
        return {}
    found = {}
    for name, pid in known.items():
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            process = psutil.Process(pid)
            # The id may belong to another program by now.
            if process.status() != psutil.STATUS_ZOMBIE and "airflow" in " ".join(process.cmdline()):
                found[name] = process
    return found


def _remember(pids: dict[str, int], settings: Settings) -> None:
    file = _pid_file(settings)
    unfinished = file.with_suffix(f".{os.getpid()}")
    unfinished.write_text(json.dumps(pids))
    unfinished.replace(file)


def _pid_file(settings: Settings) -> "Path":
    return settings.run_dir / "airflow.json"


def _log_file(name: str, settings: Settings) -> "Path":
    return settings.home / "airflow" / "logs" / f"{name}.log"


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0
