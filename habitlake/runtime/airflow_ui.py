"""Airflow's scheduler, DAG processor and UI in the background of a world."""

import time
from typing import TYPE_CHECKING

from habitlake.errors import PermanentError
from habitlake.runtime import background
from habitlake.runtime.airflow import command, environment, port_file, ui_port
from habitlake.settings import Settings

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

START_TIMEOUT_S = 120
POLL_S = 0.5
MARKER = "airflow"
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
    running = background.running(_pid_file(settings), MARKER)
    if "api-server" not in running and background.answers(ui_port(settings)):
        # Another program took the port meanwhile; the next one is kept from now on, and every part must know it.
        down(settings)
        running = {}
        port_file(settings).unlink()
    port = ui_port(settings)
    started = {name: _start(name, settings) for name in PARTS if name not in running}
    background.remember({name: process.pid for name, process in (running | started).items()}, _pid_file(settings))
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        ended = next((name for name, process in started.items() if process.poll() is not None), None)
        if ended is not None:
            down(settings)
            msg = f"Airflow's {ended} ended at once; its log: {_log_file(ended, settings)}"
            raise PermanentError(msg)
        if background.answers(port):
            return f"http://127.0.0.1:{port}"
        time.sleep(POLL_S)
    down(settings)
    msg = f"the Airflow UI did not answer within {START_TIMEOUT_S} s; its log: {_log_file('api-server', settings)}"
    raise PermanentError(msg)


def _start(name: str, settings: Settings) -> "subprocess.Popen[bytes]":
    return background.start(command(*PARTS[name]), environment(settings), _log_file(name, settings))


def down(settings: Settings) -> None:
    """Stop every part and whatever it started."""
    background.stop(_pid_file(settings), MARKER)


def is_running(settings: Settings) -> bool:
    """Return whether every part runs."""
    return set(background.running(_pid_file(settings), MARKER)) == set(PARTS)


def _pid_file(settings: Settings) -> "Path":
    return settings.run_dir / "airflow.json"


def _log_file(name: str, settings: Settings) -> "Path":
    return settings.home / "airflow" / "logs" / f"{name}.log"
