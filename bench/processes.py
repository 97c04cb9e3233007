"""Jobs and commands on the settings of a world."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from habitlake.errors import PermanentError
from habitlake.runtime import job_server
from habitlake.settings import PROJECT_ROOT, Settings


def _run(
    module: str, settings: Settings, arguments: tuple[str, ...], server: Path | None
) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, **settings.environment()}
    ended = job_server.run_to_end([module, *arguments], PROJECT_ROOT, server, environment)
    if ended.returncode != 0:
        msg = f"{module} {' '.join(arguments)} failed:\n{ended.stdout[-1000:]}{ended.stderr[-2000:]}"
        raise PermanentError(msg)
    return ended


def run_command(settings: Settings, *arguments: str) -> str:
    """Run ``habitlake`` on the settings; return its standard output.

    Raises
    ------
    PermanentError
        If it fails; the message ends with the tail of its standard error.
    """
    return _run("habitlake.cli.app", settings, arguments, None).stdout


def run_module(module: str, settings: Settings, *arguments: str) -> str:
    """Run the job of a module as the DAGs do, forked by the world's job server; return its standard output.

    Raises
    ------
    PermanentError
        If it fails; the message ends with the tail of its standard error.
    """
    job_server.ensure(settings)
    return _run(module, settings, arguments, job_server.socket_path(settings.home)).stdout


def run_logged(module: str, settings: Settings, *arguments: str) -> list[dict[str, Any]]:
    """Run a job in a process of its own, so that its memory can be told; return what it logged, one mapping a line.

    Raises
    ------
    PermanentError
        If it fails; the message ends with the tail of its standard error.
    """
    log = _run(module, settings.model_copy(update={"log_format": "json"}), arguments, None).stderr
    return [json.loads(line) for line in log.splitlines() if line.startswith("{")]


def run_summary(module: str, settings: Settings, *arguments: str) -> dict[str, Any]:
    """Run a job as ``run_logged`` does; return the summary that it logs when done.

    Raises
    ------
    PermanentError
        If it fails.
    """
    lines = run_logged(module, settings, *arguments)
    return next(line for line in reversed(lines) if line.get("event") == "done")
