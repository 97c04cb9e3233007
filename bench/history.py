"""What one day costs after a short and after a long history: ingestion must not grow with what is stored."""

import statistics
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from bench.ingestion import SEED, ingest, median_seconds
from habitlake.clock import Interval
from habitlake.landing import EVENTS, feed_folder, night_folder
from habitlake.runtime import job_server, postgres, spark_server
from habitlake.settings import Settings
from habitlake.simulator import simulate_nights

DAY = date(2026, 3, 1)


@dataclass(frozen=True, slots=True)
class OneDay:
    """Median seconds to ingest one day of some lines after a history of nights."""

    nights: int
    lines: int
    seconds: float


def _nights_before(count: int) -> Interval:
    return Interval(DAY - timedelta(days=count), DAY - timedelta(days=1))


def _world(settings: Settings, home: Path, count: int) -> Settings:
    """Return a world with a lake of its own, whose landing has the same files back to so many nights and no further."""
    places = {"landing": str(home / f"landing-{count}"), "lake": str(home / f"lake-{count}")}
    world = settings.model_copy(update=places)
    Path(feed_folder(EVENTS, world)).mkdir(parents=True)
    for night in (*_nights_before(count).nights(), DAY):
        source = Path(night_folder(EVENTS, night, settings))
        if source.is_dir():
            Path(night_folder(EVENTS, night, world)).symlink_to(source)
    return world


def measure(home: Path, people: int, histories: tuple[int, ...], dirt: float, rounds: int) -> list[OneDay]:
    """Ingest the same day after each length of history; the history is ingested as one range.

    Raises
    ------
    PermanentError
        If ingestion fails.
    """
    settings = Settings(home=home / "history", _env_file=None)  # type: ignore[call-arg]
    simulate_nights(settings, _nights_before(max(histories)), people=people, dirt=dirt, seed=SEED)
    today = Interval(DAY, DAY)
    lines = simulate_nights(settings, today, people=people, dirt=dirt, seed=SEED).lines
    worlds = [_world(settings, home, count) for count in histories]
    times: dict[int, list[float]] = {count: [] for count in histories}
    try:
        spark_server.ensure(settings)
        for world, count in zip(worlds, histories, strict=True):
            ingest(world, _nights_before(count))
            ingest(world, today)
        # In turns, so that whatever warms up or slows down does so for all.
        for _ in range(rounds):
            for world, count in zip(worlds, histories, strict=True):
                times[count].append(median_seconds(lambda: ingest(world, today), 1))  # noqa: B023
    finally:
        job_server.stop(settings)
        spark_server.stop(settings)
        postgres.stop(settings)
    return [OneDay(count, lines, statistics.median(seconds)) for count, seconds in times.items()]
