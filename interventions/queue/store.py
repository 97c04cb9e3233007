"""The queue's database: connection and versioned plain SQL migrations."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import psycopg

from habitlake.runtime import postgres
from habitlake.settings import Settings

DATABASE = "habitlake"
MIGRATIONS = Path(__file__).parent / "migrations"


def connect(settings: Settings) -> "psycopg.Connection[Any]":
    """Connect to the queue's database, its schema up to date."""
    migrated(settings)
    return postgres.connect(DATABASE, settings)


@lru_cache(maxsize=8)
def migrated(settings: Settings) -> None:
    """Run the migrations that this database has not seen, each once, in order of their names."""
    with postgres.connect(DATABASE, settings) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(hashtext('queue.migrations'))")
        connection.execute("CREATE SCHEMA IF NOT EXISTS queue")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS queue.migrations"
            " (name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        done = {row[0] for row in connection.execute("SELECT name FROM queue.migrations")}
        for file in sorted(MIGRATIONS.glob("*.sql")):
            if file.name not in done:
                connection.execute(file.read_bytes())
                connection.execute("INSERT INTO queue.migrations (name) VALUES (%s)", [file.name])
