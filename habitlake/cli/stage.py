"""Run a module of a stage in a process of its own.

The command line belongs to the shared vocabulary, which may not import a stage; commands that a stage owns
(the queue, replay, models, online features) are modules of that stage with their own ``--help``.
"""

import json
import os
import sys
from collections.abc import Sequence
from typing import Any

from habitlake.errors import PERMANENT_EXIT_CODE, PermanentError, TransientError
from habitlake.runtime.job_server import run_to_end, socket_path
from habitlake.settings import PROJECT_ROOT, get_settings


def hand_over(module: str, arguments: Sequence[str]) -> None:
    """Replace this process by ``python -m module``; does not return."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments])  # noqa: S606 - no shell is involved


def read_json(module: str, arguments: Sequence[str]) -> Any:
    """Return the JSON that ``python -m module`` prints.

    Raises
    ------
    PermanentError, TransientError
        If the module fails; the message is its error.
    """
    ended = run_to_end([module, *arguments], PROJECT_ROOT, socket_path(get_settings().home))
    if ended.returncode != 0:
        kind = PermanentError if ended.returncode == PERMANENT_EXIT_CODE else TransientError
        msg = f"{module} failed: {error_of(ended.stderr)}"
        raise kind(msg)
    return json.loads(ended.stdout)


def error_of(output: str) -> str:
    """Return the error that a job wrote, on one line; the last line where it wrote none."""
    lines = output.strip().splitlines() or ["no output"]
    starts = [index for index, line in enumerate(lines) if line.startswith("error: ")]
    return " ".join(" ".join(lines[starts[-1] :]).split()).removeprefix("error: ") if starts else lines[-1]
