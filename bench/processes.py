"""Jobs as the DAGs run them: processes of their own on the settings of a world."""

import os
import subprocess
import sys

from habitlake.errors import PermanentError
from habitlake.settings import PROJECT_ROOT, Settings


def run_module(module: str, settings: Settings, *arguments: str) -> str:
    """Run ``python -m module`` on the settings; return its standard output.

    Raises
    ------
    PermanentError
        If it fails; the message ends with the tail of its standard error.
    """
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
    return result.stdout
