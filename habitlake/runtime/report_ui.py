"""The server of the report's pages in the background of a world."""

import os
import sys
import time
from typing import TYPE_CHECKING

from habitlake.errors import PermanentError
from habitlake.runtime import background
from habitlake.runtime.airflow import private_json
from habitlake.settings import PROJECT_ROOT, Settings

if TYPE_CHECKING:
    from pathlib import Path

MODULE = "habitlake.report.serve"
START_TIMEOUT_S = 30
POLL_S = 0.1


def up(settings: Settings) -> str:
    """Start the server unless it runs; return its address once it answers.

    Raises
    ------
    PermanentError
        If it ends at once or does not answer in time; the message names its log.
    """
    running = background.running(_pid_file(settings), MODULE)
    port = _port(settings)
    if not running and background.answers(port):
        # Another program took the port meanwhile; the next one is kept from now on.
        _port_file(settings).unlink()
        port = _port(settings)
    started = None
    if not running:
        folder = settings.home / "report"
        folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", MODULE, "--port", str(port), "--folder", str(folder)]
        started = background.start(command, {**os.environ, "PYTHONPATH": str(PROJECT_ROOT)}, _log_file(settings))
        background.remember({"report": started.pid}, _pid_file(settings))
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and (started is None or started.poll() is None):
        if background.answers(port):
            return f"http://127.0.0.1:{port}"
        time.sleep(POLL_S)
    down(settings)
    msg = f"the server of the report did not start; its log: {_log_file(settings)}"
    raise PermanentError(msg)


def down(settings: Settings) -> None:
    """Stop the server."""
    background.stop(_pid_file(settings), MODULE)


def is_running(settings: Settings) -> bool:
    """Return whether the server runs."""
    return bool(background.running(_pid_file(settings), MODULE))


def _port(settings: Settings) -> int:
    """Return the server's port, chosen free the first time and kept."""
    return int(private_json(_port_file(settings), lambda: {"port": background.free_port()})["port"])


def _port_file(settings: Settings) -> "Path":
    return settings.run_dir / "report-port.json"


def _pid_file(settings: Settings) -> "Path":
    return settings.run_dir / "report.json"


def _log_file(settings: Settings) -> "Path":
    return settings.run_dir / "report.log"
