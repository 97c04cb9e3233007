"""What one day costs after a short and after a long history: ingestion must not grow with what is stored."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from bench.ingestion import SEED, ingest, median_seconds
from habitlake.clock import Interval
from habitlake.runtime import spark_server
from habitlake.settings import Settings
from habitlake.simulator import simulate_nights

FIRST = date(2026, 1, 1)


@dataclass(frozen=True, slots=True)
class OneDay:
    """Median seconds to ingest one day of some lines after a history of nights."""

    nights: int
    lines: int
    seconds: float


def measure(home: Path, people: int, histories: tuple[int, ...], dirt: float, rounds: int) -> list[OneDay]:
    """Ingest a day after each length of history, as a job of its own; the nights between are ingested as one range.

    Raises
    ------
    PermanentError
        If ingestion fails.
    """
    settings = Settings(home=home / "history", _env_file=None)  # type: ignore[call-arg]
    found, done = [], FIRST
    try:
        spark_server.ensure(settings)
        for nights in histories:
            before = Interval(done, FIRST + timedelta(days=nights - 1))
            day = Interval(before.end + timedelta(days=1), before.end + timedelta(days=1))
            simulate_nights(settings, before, people=people, dirt=dirt, seed=SEED)
            lines = simulate_nights(settings, day, people=people, dirt=dirt, seed=SEED).lines
            ingest(settings, before)
            ingest(settings, day)
            found.append(OneDay(nights, lines, median_seconds(lambda: ingest(settings, day), rounds)))  # noqa: B023
            done = day.end + timedelta(days=1)
    finally:
        spark_server.stop(settings)
    return found
