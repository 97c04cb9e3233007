"""Ingestion in lines per second, beside DuckDB and Polars doing the same work, and bare Spark as the engine's limit.

All read the same landing files on the same machine in the same run: thirty nights, after a first night that is
already history. Warm: the platform has ingested the same nights once (they are replaced), the peers the first.
"""

import shutil
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from bench.peers import PEERS
from bench.processes import run_module
from habitlake.clock import Interval
from habitlake.landing import EVENTS, night_folder
from habitlake.runtime import job_server, postgres, spark_server
from habitlake.settings import Settings
from habitlake.simulator import simulate_nights

FIRST = date(2026, 1, 31)
NIGHTS = 30
LINES_PER_PERSON_AND_NIGHT = 4.8
SEED = 7


@dataclass(frozen=True, slots=True)
class Measured:
    """Median seconds of one way to ingest the lines, and what it does or leaves out."""

    name: str
    lines: int
    seconds: float
    does: str


def median_seconds(work: Callable[[], object], rounds: int) -> float:
    """Return the median wall time of the work over some rounds, in seconds."""
    times = []
    for _ in range(rounds):
        started = time.monotonic()
        work()
        times.append(time.monotonic() - started)
    return statistics.median(times)


def ingest(settings: Settings, interval: Interval) -> None:
    """Run the ingestion job over the interval as the DAG runs it, forked by the job server."""
    run_module("spark_jobs.ingest.run", settings, "--start", str(interval.start), "--end", str(interval.end))


def _bare_spark(files: list[str], out: Path, settings: Settings) -> None:
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.remote(spark_server.ensure(settings)).create()
    schema = "eventId string, userId string, eventType string, timestamp string, data string, context string"
    spark.read.schema(schema).json(files).write.mode("overwrite").parquet(str(out))
    spark.stop()


def measure(home: Path, lines: int, dirt: float, rounds: int) -> list[Measured]:
    """Simulate about so many lines with this share of dirt, then ingest them in each way.

    Raises
    ------
    PermanentError
        If ingestion fails.
    """
    settings = Settings(home=home / f"dirt-{dirt}", _env_file=None)  # type: ignore[call-arg]
    first = Interval(FIRST, FIRST)
    interval = Interval(FIRST + timedelta(days=1), FIRST + timedelta(days=NIGHTS))
    people = max(int(lines / NIGHTS / LINES_PER_PERSON_AND_NIGHT), 1)
    simulate_nights(settings, first, people=people, dirt=dirt, seed=SEED)
    landed = simulate_nights(settings, interval, people=people, dirt=dirt, seed=SEED).lines
    nights = [night_folder(EVENTS, night, settings) for night in interval.nights()]
    nights = [night for night in nights if Path(night).is_dir()]
    work = home / "out"
    try:
        spark_server.ensure(settings)
        ingest(settings, first)
        ingest(settings, interval)  # warm: classes loaded, workers started
        own = median_seconds(lambda: ingest(settings, interval), rounds)
        found = [
            Measured("habitlake", landed, own, "contracts, reasons, raw text, history dedupe, Delta, audit, resume")
        ]
        for peer in PEERS:
            history, out = work / peer.name / "history", work / peer.name / "new"
            peer.ingest([f"{night_folder(EVENTS, FIRST, settings)}/*"], None, history)
            seconds = median_seconds(lambda: peer.ingest([f"{night}/*" for night in nights], history, out), rounds)  # noqa: B023
            found.append(Measured(peer.name, landed, seconds, peer.does))
        limit = median_seconds(lambda: _bare_spark(nights, work / "spark", settings), rounds)
        return [*found, Measured("bare Spark", landed, limit, "JSON to strings, Parquet: the engine's limit")]
    finally:
        job_server.stop(settings)
        spark_server.stop(settings)
        postgres.stop(settings)
        shutil.rmtree(work, ignore_errors=True)
