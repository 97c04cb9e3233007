"""Copying changed partitions into Postgres: whole nights, one transaction a table."""

import contextlib
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl
from psycopg import sql

from habitlake.clock import Interval
from habitlake.errors import PermanentError, TransientError
from habitlake.lake import files_of, open_table, scan_table
from habitlake.runtime import postgres
from habitlake.settings import Settings
from spark_jobs.export import changes
from spark_jobs.export.tables import (
    EXPORTS,
    ROWS,
    SCHEMA,
    create_statements,
    exported_columns,
    postgres_columns,
    postgres_name,
)

if TYPE_CHECKING:
    import adbc_driver_postgresql.dbapi as adbc
    import psycopg

CHUNK_ROWS = 500_000
NO_ROWS = ""


@dataclass(frozen=True, slots=True)
class Partition:
    """A night of a Delta table: a fingerprint of its live files, and its rows as the log counts them."""

    fingerprint: str
    rows: int


def partitions(name: str, settings: Settings) -> dict[date, Partition]:
    """Return the nights of a table from its log alone; a fingerprint changes when any file of the night does."""
    nights = (
        files_of(open_table(name, settings))
        .group_by("batch_date")
        .agg(pl.col("path").sort().str.join("\n"), pl.col("num_records").sum())
    )
    return {
        night: Partition(hashlib.sha256(paths.encode()).hexdigest(), int(rows or 0))
        for night, paths, rows in nights.iter_rows()
    }


def prepare(connection: "psycopg.Connection[Any]", names: Iterable[str]) -> None:
    """Create what is missing; a table whose columns are no longer the registry's is made anew and copied again.

    Its marts are then built from nothing: the views of staging went with the table.
    """
    if _stored_columns(connection, "_exports").keys() not in (set(), EXPORTS.keys()):
        # Another version kept other records of its copies: all are made again.
        connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(SCHEMA)))
    connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(SCHEMA)))
    connection.execute(
        "CREATE TABLE IF NOT EXISTS lake._exports (table_name text, batch_date date, fingerprint text NOT NULL,"
        " row_count bigint NOT NULL, exported_at timestamptz NOT NULL DEFAULT now(),"
        " PRIMARY KEY (table_name, batch_date))"
    )
    # What code built the marts; empty until a build ended well.
    connection.execute("CREATE TABLE IF NOT EXISTS lake._marts_code (fingerprint text PRIMARY KEY)")
    for statement in changes.create_statements():
        connection.execute(statement)
    for name in names:
        if _stored_columns(connection, postgres_name(name)) == postgres_columns(name):
            continue
        with connection.transaction():
            table = sql.Identifier(SCHEMA, postgres_name(name))
            connection.execute(sql.SQL("DROP TABLE IF EXISTS {} CASCADE").format(table))
            connection.execute("DELETE FROM lake._exports WHERE table_name = %s", [name])
            connection.execute("DELETE FROM lake._marts_code")
            for statement in create_statements(name):
                connection.execute(statement)


def _stored_columns(connection: "psycopg.Connection[Any]", table: str) -> dict[str, str]:
    """Return the columns of an exported table with their types, in order; none when the table is not there."""
    return dict(
        connection.execute(
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
            " WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
            [f"{SCHEMA}.{table}"],
        ).fetchall()
    )


def nights_to_copy(recorded: dict[date, str], current: dict[date, Partition], interval: Interval) -> list[date]:
    """Return the interval's nights and every other night whose files differ from those copied last."""
    differing = {
        night
        for night in {*recorded, *current}
        if recorded.get(night, NO_ROWS) != (current[night].fingerprint if night in current else NO_ROWS)
    }
    return sorted(differing | set(interval.nights()))


def chunks(nights: Sequence[date], current: dict[date, Partition], limit: int = CHUNK_ROWS) -> Iterator[list[date]]:
    """Yield the nights that have rows, in groups of about ``limit`` rows, so that a long range fits in memory."""
    group: list[date] = []
    rows = 0
    for night in nights:
        if night not in current:
            continue
        if group and rows + current[night].rows > limit:
            yield group
            group, rows = [], 0
        group.append(night)
        rows += current[night].rows
    if group:
        yield group


def _rows(name: str, nights: list[date], settings: Settings) -> pl.DataFrame:
    selected = []
    for column in exported_columns(name):
        expression = pl.col(column.name)
        if column.sql_type.startswith("map"):
            expression = expression.map_elements(_json_object, return_dtype=pl.String)
        selected.append(expression.alias(column.name))
    frame = scan_table(name, settings, Interval(nights[0], nights[-1]))
    return frame.filter(pl.col("batch_date").is_in(nights), ROWS.get(name, pl.lit(True))).select(selected).collect()


def _json_object(entries: Mapping[str, object]) -> str:
    return json.dumps(dict(entries), sort_keys=True)


@contextlib.contextmanager
def bulk_connection(settings: Settings) -> Iterator["adbc.Connection"]:
    """Open the connection that rows travel through: COPY in binary, straight from Arrow."""
    import adbc_driver_postgresql.dbapi as adbc

    try:
        with adbc.connect(postgres.url("habitlake", settings)) as connection:
            yield connection
    except adbc.OperationalError as error:
        msg = f"the connection to Postgres failed ({error}); run it again"
        raise TransientError(msg) from error
    except adbc.Error as error:
        msg = f"Postgres refused what was copied: {error}"
        raise PermanentError(msg) from error


def export_table(bulk: "adbc.Connection", name: str, interval: Interval, settings: Settings) -> tuple[int, int]:
    """Bring one table's changed nights to Postgres in one transaction, with the keys that marts must recompute.

    ``lake._exports`` keeps how many rows each night has in the lake, those that are left there included.

    Returns
    -------
    tuple of int
        Nights replaced (with or without rows) and rows copied.
    """
    current = partitions(name, settings)
    table = sql.Identifier(SCHEMA, postgres_name(name))
    copied = 0
    with bulk.cursor() as cursor:

        def execute(statement: sql.Composed) -> None:
            cursor.execute(statement.as_string())

        execute(sql.SQL("SELECT batch_date, fingerprint FROM lake._exports WHERE table_name = {}").format(name))
        nights = nights_to_copy(dict(cursor.fetchall()), current, interval)
        dates = sql.SQL("{}::date[]").format(nights)
        found = [current.get(night, Partition(NO_ROWS, 0)) for night in nights]
        execute(changes.record_nights(nights))
        recording = changes.record_keys(name, nights)
        for keys in recording:
            execute(keys)
        execute(sql.SQL("DELETE FROM {} WHERE batch_date = ANY({})").format(table, dates))
        for group in chunks(nights, current):
            rows = _rows(name, group, settings)
            cursor.adbc_ingest(postgres_name(name), rows.to_arrow(), mode="append", db_schema_name=SCHEMA)
            copied += rows.height
        for keys in recording:
            execute(keys)
        execute(sql.SQL("DELETE FROM lake._exports WHERE table_name = {} AND batch_date = ANY({})").format(name, dates))
        execute(
            sql.SQL(
                "INSERT INTO lake._exports (table_name, batch_date, fingerprint, row_count)"
                " SELECT {}, * FROM unnest({}, {}::text[], {}::bigint[])"
            ).format(name, dates, [night.fingerprint for night in found], [night.rows for night in found])
        )
        if copied:
            # The planner must know the new rows before the marts are built.
            execute(sql.SQL("ANALYZE {}").format(table))
        bulk.commit()
    return len(nights), copied
