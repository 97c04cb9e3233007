"""What every DAG shares: how a job module runs as a task, defaults, tags, and what happens on failure."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from habitlake.errors import NOTHING_TO_DO_EXIT_CODE, PERMANENT_EXIT_CODE
from habitlake.runtime.job_server import socket_path, start_job

PROJECT_ROOT = Path(__file__).resolve().parents[2]
TAIL_LINES = 40

START = "{{ params.start or (data_interval_start | ds) }}"
END = "{{ params.end or params.start or (data_interval_start | ds) }}"


class Tag(StrEnum):
    """Tags by which the UI filters: how much a failure hurts, and whose domain it is."""

    TIER_1 = "impact/tier_1"
    TIER_2 = "impact/tier_2"
    PLATFORM = "domain/platform"
    MODELS = "domain/models"


class JobOperator(BaseOperator):
    """Run ``python -m <module> --start --end`` in a process of its own and stream its lines to the task's log.

    The world's job server forks that process where one runs: the libraries are then loaded already.

    Exit code 2 (a permanent error) fails the task without a retry, exit code 3 (nothing is due) skips it and what follows;
    any other failure is retried.
    """

    template_fields: Sequence[str] = ("arguments",)
    ui_color = "#dcebf7"

    def __init__(
        self, *, module: str, arguments: Sequence[str] = (), start: str = START, end: str = END, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.module = module
        self.arguments = [*arguments, "--start", start, "--end", end]

    def execute(self, context: Any) -> None:  # noqa: ARG002 - Airflow passes it
        """Run the job; raise with the last lines it wrote when it fails."""
        # Reading DAG files needs no settings; running a task does.
        from habitlake.settings import get_settings

        command = [self.module, *self.arguments]
        self.log.info("running -m %s", " ".join(command))
        tail: list[str] = []
        self.job = start_job(command, PROJECT_ROOT, socket_path(get_settings().home))
        with self.job.stdout as lines:
            for line in lines:
                self.log.info("%s", line.rstrip())
                tail = [*tail[1 - TAIL_LINES :], line.rstrip()]
        code = self.job.wait()
        if code == 0:
            return
        if code == NOTHING_TO_DO_EXIT_CODE:
            raise AirflowSkipException(tail[-1] if tail else "nothing to do")
        message = f"{self.module} ended with exit code {code}:\n" + "\n".join(tail)
        if code == PERMANENT_EXIT_CODE:
            raise AirflowFailException(message)
        raise RuntimeError(message)

    def on_kill(self) -> None:
        """End the job and its children when the task is cleared or times out."""
        if getattr(self, "job", None) is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.job.pid, signal.SIGTERM)


def record_failure(context: Any) -> None:
    """Write the failed task into the ledger of nights, so that ``habitlake status`` names it."""
    params = context["params"]
    # A run triggered without a logical date has no data interval; its nights are in the params.
    start = params.get("start") or context["data_interval_start"].date().isoformat()
    end = params.get("end") or start
    task = context["task_instance"].task_id
    subprocess.run(
        [sys.executable, "-m", "habitlake.nights", "fail", "--task", task, "--start", start, "--end", end],
        cwd=PROJECT_ROOT,
        check=False,
    )


DEFAULT_ARGS: dict[str, Any] = {
    "owner": "data-platform",
    "retries": 2,
    "retry_delay": timedelta(seconds=20),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(minutes=5),
    "execution_timeout": timedelta(hours=1),
}
