"""The ledger of nights in Postgres (``ops.nights``): opened before a night reads, closed when it ended well."""

import importlib.metadata
import json
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from habitlake.clock import Interval
from habitlake.errors import PermanentError
from habitlake.landing import landed_nights, landing_files
from habitlake.nights.staleness import (
    FIRST_LINK,
    ProcessedNight,
    StaleNight,
    fingerprint,
    links_of,
    pending_nights,
    stale_nights,
)
from habitlake.runtime import postgres
from habitlake.settings import PROJECT_ROOT, Settings

if TYPE_CHECKING:
    import psycopg

MIGRATIONS = Path(__file__).with_name("migrations.sql")
MANIFEST_LIBRARIES = (
    "pyspark",
    "delta-spark",
    "deltalake",
    "duckdb",
    "polars",
    "numpy",
    "scikit-learn",
    "xgboost",
    "feast",
)


@dataclass(frozen=True, slots=True)
class NightRow:
    """One row of ``ops.nights`` as a person wants to see it."""

    batch_date: date
    status: str
    models: dict[str, str] | None
    failed_task: str | None
    started_at: datetime
    finished_at: datetime | None


def landing_fingerprints(settings: Settings, nights: Iterable[date] | None = None) -> dict[date, str]:
    """Return the fingerprint of what every feed has landed, by night that has files, or of the nights given."""
    return {night: fingerprint(files) for night, files in landing_files(settings, nights).items()}


def connect(settings: Settings) -> "psycopg.Connection[Any]":
    """Connect to the platform's database with the ledger's table in place."""
    connection = postgres.connect("habitlake", settings)
    with connection.transaction():
        # The advisory lock keeps two first starts from creating the same schema at once.
        connection.execute("SELECT pg_advisory_xact_lock(hashtext('habitlake.nights.migrations'))")
        connection.execute(MIGRATIONS.read_text())
    return connection


def code_commit() -> str:
    """Return the commit of the running code, or ``unknown`` outside a git checkout."""
    try:
        result = subprocess.run(
            ["git", "rev-parse", "HEAD"],  # noqa: S607 - git is found on the PATH like any tool
            cwd=PROJECT_ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return result.stdout.strip()


def manifest(settings: Settings) -> dict[str, Any]:
    """Return what a night depends on beside its data: code, libraries, seed and thresholds."""
    return {
        "code_commit": code_commit(),
        "libraries": {name: importlib.metadata.version(name) for name in MANIFEST_LIBRARIES},
        "seed": settings.seed,
        "holdout_share": settings.holdout_share,
        "max_line_bytes": settings.max_line_bytes,
    }


def processed_nights(connection: "psycopg.Connection[Any]") -> dict[date, ProcessedNight]:
    """Return every night that was ever opened."""
    rows = connection.execute("SELECT batch_date, fingerprint, link, status = 'done' FROM ops.nights").fetchall()
    return {row[0]: ProcessedNight(*row) for row in rows}


def night_rows(connection: "psycopg.Connection[Any]", limit: int = 10) -> list[NightRow]:
    """Return the newest nights, newest first."""
    rows = connection.execute(
        "SELECT batch_date, status, models, failed_task, started_at, finished_at"
        " FROM ops.nights ORDER BY batch_date DESC LIMIT %s",
        [limit],
    ).fetchall()
    return [NightRow(*row) for row in rows]


def last_night(connection: "psycopg.Connection[Any]") -> date | None:
    """Return the newest night that ended well."""
    row = connection.execute("SELECT max(batch_date) FROM ops.nights WHERE status = 'done'").fetchone()
    return row[0] if row else None


def open_nights(interval: Interval, settings: Settings, started_at: datetime) -> None:
    """Record what the nights are about to read; a rerun keeps model versions and share of holdout of the first run."""
    landing, empty = landing_fingerprints(settings, interval.nights()), fingerprint([])
    document = json.dumps(manifest(settings))
    with connect(settings) as connection, connection.transaction():
        row = connection.execute(
            "SELECT link FROM ops.nights WHERE status = 'done' AND batch_date < %s ORDER BY batch_date DESC LIMIT 1",
            [interval.start],
        ).fetchone()
        links = links_of(interval, landing, row[0] if row else FIRST_LINK, empty)
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO ops.nights (batch_date, status, fingerprint, link, manifest, started_at)"
                " VALUES (%s, 'running', %s, %s, %s, %s)"
                " ON CONFLICT (batch_date) DO UPDATE SET status = 'running', fingerprint = excluded.fingerprint,"
                " link = excluded.link, started_at = excluded.started_at, finished_at = NULL, failed_task = NULL,"
                " manifest = excluded.manifest || jsonb_build_object('holdout_share',"
                " coalesce(nights.manifest -> 'holdout_share', excluded.manifest -> 'holdout_share'))",
                [(night, landing.get(night, empty), own, document, started_at) for night, own in links.items()],
            )


def close_nights(interval: Interval, settings: Settings, finished_at: datetime) -> None:
    """Record that the nights ended well.

    Raises
    ------
    PermanentError
        If a night of the interval was never opened.
    """
    with connect(settings) as connection, connection.transaction():
        closed = connection.execute(
            "UPDATE ops.nights SET status = 'done', finished_at = %s, failed_task = NULL"
            " WHERE batch_date BETWEEN %s AND %s",
            [finished_at, interval.start, interval.end],
        ).rowcount
        if closed != len(interval):
            msg = (
                f"{len(interval) - closed} of the nights {interval} were never opened; run the DAG from its first task"
            )
            raise PermanentError(msg)


def fail_nights(interval: Interval, settings: Settings, task: str, finished_at: datetime) -> None:
    """Record the task at which the nights stopped; nights that were never opened stay unknown."""
    with connect(settings) as connection, connection.transaction():
        connection.execute(
            "UPDATE ops.nights SET status = 'failed', failed_task = %s, finished_at = %s"
            " WHERE batch_date BETWEEN %s AND %s",
            [task, finished_at, interval.start, interval.end],
        )


def pinned_models(interval: Interval, settings: Settings) -> dict[date, dict[str, str]]:
    """Return the model versions that scored each night of the interval; a night never scored is absent."""
    return _pinned("models", interval, settings)


def pinned_challengers(interval: Interval, settings: Settings) -> dict[date, dict[str, str]]:
    """Return the versions that scored each night of the interval in shadow; a night never scored is absent."""
    return _pinned("challengers", interval, settings)


def _pinned(column: str, interval: Interval, settings: Settings) -> dict[date, dict[str, str]]:
    with connect(settings) as connection:
        rows = connection.execute(
            f"SELECT batch_date, {column} FROM ops.nights WHERE {column} IS NOT NULL AND batch_date BETWEEN %s AND %s",
            [interval.start, interval.end],
        ).fetchall()
    return dict(rows)


def pin_models(
    versions: Mapping[date, Mapping[str, str]], challengers: Mapping[date, Mapping[str, str]], settings: Settings
) -> None:
    """Record the versions that scored each night, and those in shadow; nights outside the ledger (jobs run by hand) are left out."""
    with connect(settings) as connection, connection.transaction(), connection.cursor() as cursor:
        cursor.executemany(
            "UPDATE ops.nights SET models = %s, challengers = %s WHERE batch_date = %s",
            [
                (json.dumps(dict(models)), json.dumps(dict(challengers.get(night, {}))), night)
                for night, models in versions.items()
            ],
        )


def holdout_shares(interval: Interval, settings: Settings) -> dict[date, float]:
    """Return the share of people held out on each night of the interval, as it was when the night was first opened.

    Nights outside the ledger (jobs run by hand) are absent.
    """
    with connect(settings) as connection:
        rows = connection.execute(
            "SELECT batch_date, (manifest ->> 'holdout_share')::float FROM ops.nights"
            " WHERE manifest ->> 'holdout_share' IS NOT NULL AND batch_date BETWEEN %s AND %s",
            [interval.start, interval.end],
        ).fetchall()
    return dict(rows)


@dataclass(frozen=True, slots=True)
class LedgerState:
    """What the ledger says about the whole world: last night, stale nights and nights that wait."""

    last_night: date | None
    stale: list[StaleNight]
    pending: list[date]
    processed: dict[date, ProcessedNight]


def ledger_state(settings: Settings) -> LedgerState:
    """Compare the ledger with what has landed; lists the landing folders, reads no data."""
    landing = landing_fingerprints(settings)
    with connect(settings) as connection:
        processed = processed_nights(connection)
        newest = last_night(connection)
    landed = {night: landing[night] for night in landed_nights(settings) if night in landing}
    return LedgerState(newest, stale_nights(processed, landing), pending_nights(processed, landed), processed)
