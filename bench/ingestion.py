"""Ingestion in lines per second, beside DuckDB, Polars and bare Spark on the same landing files and machine.

The peers do less, and the table says what: they are limits, not equals. None of them checks contracts, keeps
raw text, names a reason for a refused line or audits files.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb
import polars as pl

from habitlake.clock import Interval
from habitlake.errors import PermanentError
from habitlake.nights.ledger import landing_events
from habitlake.runtime import spark_server
from habitlake.settings import PROJECT_ROOT, Settings
from habitlake.simulator import simulate_nights

FIRST = date(2026, 2, 1)
NIGHTS = 30
LINES_PER_PERSON_AND_NIGHT = 4.8
SEED = 7


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds that one way of reading the landing files took (None: it could not), and what it does."""

    name: str
    lines: int
    seconds: float | None
    does: str


def _timed(work: Callable[[], object]) -> float:
    started = time.monotonic()
    work()
    return time.monotonic() - started


def _job(settings: Settings, interval: Interval) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "spark_jobs.ingest.run", "--start", str(interval.start), "--end", str(interval.end)],
        cwd=PROJECT_ROOT,
        env={**os.environ, **settings.environment()},
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        msg = f"ingestion failed:\n{result.stderr[-2000:]}"
        raise PermanentError(msg)


def _duckdb(files: str, out: Path) -> None:
    duckdb.connect().execute(
        f"COPY (SELECT DISTINCT ON (eventId) * FROM read_json('{files}', format = 'newline_delimited',"
        " ignore_errors = true, maximum_object_size = 2000000, columns = {eventId: 'VARCHAR', userId: 'VARCHAR',"
        " eventType: 'VARCHAR', \"timestamp\": 'TIMESTAMPTZ', data: 'JSON', context: 'JSON'})"
        f" WHERE userId IS NOT NULL AND \"timestamp\" IS NOT NULL) TO '{out}' (FORMAT parquet)"
    )


def _polars(files: str, out: Path) -> None:
    schema = dict.fromkeys(("eventId", "userId", "eventType", "timestamp"), pl.String)
    (
        pl.scan_ndjson(files, schema=schema, ignore_errors=True)
        .with_columns(pl.col("timestamp").str.to_datetime(strict=False, time_zone="UTC"))
        .filter(pl.col("userId").is_not_null() & pl.col("timestamp").is_not_null())
        .unique("eventId")
        .collect()
        .write_parquet(out)
    )


def _spark(landing: str, out: Path, settings: Settings) -> None:
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.remote(spark_server.ensure(settings)).create()
    schema = "eventId string, userId string, eventType string, timestamp string, data string, context string"
    spark.read.schema(schema).json(landing).write.mode("overwrite").parquet(str(out))
    spark.stop()


def measure(home: Path, lines: int, dirt: float) -> list[Measured]:
    """Simulate about so many lines with this share of dirt, then read them in each way.

    Raises
    ------
    PermanentError
        If ingestion fails.
    """
    settings = Settings(home=home / f"dirt-{dirt}", _env_file=None)  # type: ignore[call-arg]
    interval = Interval(FIRST, FIRST + timedelta(days=NIGHTS - 1))
    people = max(int(lines / NIGHTS / LINES_PER_PERSON_AND_NIGHT), 1)
    landed = simulate_nights(settings, interval, people=people, dirt=dirt, seed=SEED).lines
    landing = landing_events(settings)
    files = f"{landing}/*/*"
    work = home / "out"
    work.mkdir(parents=True, exist_ok=True)
    try:
        spark_server.ensure(settings)
        _job(settings, Interval(FIRST, FIRST))  # warm: classes loaded, workers started
        own = _timed(lambda: _job(settings, interval))
        found = [Measured("habitlake", landed, own, "contracts, reasons, raw text, history dedupe, Delta, audit")]
        ways = [
            ("DuckDB", lambda: _duckdb(files, work / "duckdb.parquet"), "parse, null check, distinct id, one Parquet"),
            ("Polars", lambda: _polars(files, work / "polars.parquet"), "parse without data, distinct id, one Parquet"),
            ("Spark", lambda: _spark(landing, work / "spark", settings), "parse to strings, Parquet"),
        ]
        for name, way, does in ways:
            try:
                found.append(Measured(name, landed, _timed(way), does))
            except pl.exceptions.PolarsError as error:
                found.append(Measured(name, landed, None, f"stops at a damaged line: {error}"))
        return found
    finally:
        spark_server.stop(settings)
        shutil.rmtree(work, ignore_errors=True)
