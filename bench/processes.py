"""Jobs as the DAGs run them: processes of their own on the settings of a world."""

import json
import os
import subprocess
import sys
from typing import Any

from habitlake.errors import PermanentError
from habitlake.settings import PROJECT_ROOT, Settings


def _run(module: str, settings: Settings, arguments: tuple[str, ...]) -> "subprocess.CompletedProcess[str]":
    result = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=PROJECT_ROOT,
        env={**os.environ, **settings.environment()},
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        msg = f"{module} {' '.join(arguments)} failed:\n{result.stdout[-1000:]}{result.stderr[-2000:]}"
        raise PermanentError(msg)
    return result


def run_module(module: str, settings: Settings, *arguments: str) -> str:
    """Run ``python -m module`` on the settings; return its standard output.

    Raises
    ------
    PermanentError
        If it fails; the message ends with the tail of its standard error.
    """
    return _run(module, settings, arguments).stdout


def run_logged(module: str, settings: Settings, *arguments: str) -> list[dict[str, Any]]:
    """Run a job as ``run_module`` does; return what it logged, one mapping a line.

    Raises
    ------
    PermanentError
        If it fails; the message ends with the tail of its standard error.
    """
    log = _run(module, settings.model_copy(update={"log_format": "json"}), arguments).stderr
    return [json.loads(line) for line in log.splitlines() if line.startswith("{")]


def run_summary(module: str, settings: Settings, *arguments: str) -> dict[str, Any]:
    """Run a job as ``run_module`` does; return the summary that it logs when done.

    Raises
    ------
    PermanentError
        If it fails.
    """
    lines = run_logged(module, settings, *arguments)
    return next(line for line in reversed(lines) if line.get("event") == "done")
