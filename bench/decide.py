"""The night of the decide job over many people, as the DAG runs it: seconds by table, and memory.

What the job reads is drawn (``bench.known``): goals and plans began on all days of the week alike, so a seventh is due,
and four weeks of decisions lie behind the night.
"""

import resource
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from bench.known import generate
from bench.lake import NIGHT
from bench.processes import run_logged
from habitlake.runtime import postgres
from habitlake.settings import Settings


@dataclass(frozen=True, slots=True)
class Night:
    """Seconds of the job with the start of its process, those of each table, what it wrote, and its peak memory in GiB."""

    seconds: float
    tables: dict[str, float]
    goals: int
    plans: int
    decisions: int
    gib: float


def measure(home: Path, people: int) -> Night:
    """Run the job for one night over so many people.

    Raises
    ------
    PermanentError
        If the job fails.
    """
    settings = Settings(home=home / "decide", _env_file=None)  # type: ignore[call-arg]
    generate(settings, people)
    postgres.start(settings)
    try:
        started = time.monotonic()
        log = run_logged("interventions.decide", settings, "--start", str(NIGHT))
        seconds = time.monotonic() - started
    finally:
        postgres.stop(settings)
        shutil.rmtree(settings.home, ignore_errors=True)
    done = next(line for line in log if line["event"] == "done")
    return Night(
        seconds,
        {line["table"]: line["seconds"] for line in log if line["event"] == "written"},
        done["goals"],
        done["plans"],
        done["decisions"],
        resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20,
    )
