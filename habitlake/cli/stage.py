"""Run a module of a stage in a process of its own.

The command line belongs to the shared vocabulary, which may not import a stage; commands that a stage owns
(the queue, replay, models, online features) are modules of that stage with their own ``--help``.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from habitlake.errors import PERMANENT_EXIT_CODE, PermanentError, TransientError
from habitlake.settings import PROJECT_ROOT


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
        If the module fails; the message is the last line it wrote.
    """
    result = subprocess.run(
        [sys.executable, "-m", module, *arguments], cwd=PROJECT_ROOT, capture_output=True, text=True, check=False
    )
    if result.returncode != 0:
        lines = result.stderr.strip().splitlines() or ["no output"]
        kind = PermanentError if result.returncode == PERMANENT_EXIT_CODE else TransientError
        msg = f"{module} failed: {lines[-1]}"
        raise kind(msg)
    return json.loads(result.stdout)
