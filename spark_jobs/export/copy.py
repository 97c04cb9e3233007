"""Copying changed partitions into Postgres."""

import json
from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl
from psycopg import sql

from habitlake.clock import Interval
from habitlake.lake import create_table, scan_table, storage_options, table_uri
from habitlake.runtime import postgres
from habitlake.settings import Settings
from habitlake.tables import get_table
from spark_jobs.export.tables import EXPORTED_AT, SCHEMA, exported_columns, postgres_name, postgres_type

if TYPE_CHECKING:
    import psycopg


def partition_fingerprints(name: str, settings: Settings) -> dict[date, str]:
    """Return a fingerprint per partition from the table's log: the live files' names; reads no data."""
    from deltalake import DeltaTable

    create_table(name, settings)
    files = pl.DataFrame(
        DeltaTable(table_uri(name, settings), storage_options=storage_options(settings)).get_add_actions(flatten=True)
    )
    if files.is_empty():
        return {}
    grouped = (
        files.with_columns(night=pl.col("partition.batch_date").cast(pl.Date))
        .group_by("night")
        .agg(pl.col("path").sort().str.join("\n"))
    )
    return dict(grouped.iter_rows())


def prepare(connection: "psycopg.Connection[Any]", names: Iterable[str]) -> None:
    """Create schema, tables, indexes, comments and the export's own record, where they are missing."""
    connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(SCHEMA)))
    connection.execute(
        "CREATE TABLE IF NOT EXISTS lake._exports (table_name text, batch_date date, fingerprint text NOT NULL,"
        " PRIMARY KEY (table_name, batch_date))"
    )
    for name in names:
        table = sql.Identifier(SCHEMA, postgres_name(name))
        columns = sql.SQL(", ").join(
            sql.SQL("{} {}").format(sql.Identifier(column.name), sql.SQL(postgres_type(column.sql_type)))
            for column in exported_columns(name)
        )
        connection.execute(
            sql.SQL("CREATE TABLE IF NOT EXISTS {} ({}, {} timestamptz NOT NULL DEFAULT now())").format(
                table, columns, sql.Identifier(EXPORTED_AT)
            )
        )
        index = sql.Identifier(f"{postgres_name(name)}_by_night")
        connection.execute(sql.SQL("CREATE INDEX IF NOT EXISTS {} ON {} (batch_date)").format(index, table))
        connection.execute(sql.SQL("COMMENT ON TABLE {} IS {}").format(table, sql.Literal(get_table(name).grain)))


def changed_nights(
    connection: "psycopg.Connection[Any]", name: str, current: dict[date, str], interval: Interval
) -> list[date]:
    """Return the nights to copy: those of the interval, and any whose files differ from what was copied last."""
    recorded = dict(
        connection.execute("SELECT batch_date, fingerprint FROM lake._exports WHERE table_name = %s", [name]).fetchall()
    )
    differing = {night for night in {*recorded, *current} if recorded.get(night) != current.get(night)}
    return sorted(differing | {night for night in interval.nights() if night in current})


def _rows(name: str, nights: list[date], settings: Settings) -> pl.DataFrame:
    selected = []
    for column in exported_columns(name):
        expression = pl.col(column.name)
        if column.sql_type.startswith("array"):
            expression = pl.struct(expression).struct.json_encode().str.json_path_match(f"$.{column.name}")
        elif column.sql_type.startswith("map"):
            expression = expression.map_elements(
                lambda entries: json.dumps(dict(entries), sort_keys=True),
                return_dtype=pl.String,
            )
        selected.append(expression.alias(column.name))
    return scan_table(name, settings).filter(pl.col("batch_date").is_in(nights)).select(selected).collect()


def export_table(
    connection: "psycopg.Connection[Any]", name: str, interval: Interval, settings: Settings
) -> tuple[int, int]:
    """Bring one table's changed nights to Postgres in one transaction; return (nights, rows) copied."""
    import adbc_driver_postgresql.dbapi as adbc

    current = partition_fingerprints(name, settings)
    nights = changed_nights(connection, name, current, interval)
    if not nights:
        return 0, 0
    rows = _rows(name, nights, settings)
    staging = f"_incoming_{postgres_name(name)}"
    with adbc.connect(postgres.url("habitlake", settings)) as bulk, bulk.cursor() as cursor:
        cursor.adbc_ingest(staging, rows.to_arrow(), mode="replace", db_schema_name=SCHEMA)
        bulk.commit()
    table, incoming = sql.Identifier(SCHEMA, postgres_name(name)), sql.Identifier(SCHEMA, staging)
    names = [column.name for column in exported_columns(name)]
    values = sql.SQL(", ").join(
        sql.SQL("{}::{}").format(sql.Identifier(column.name), sql.SQL(postgres_type(column.sql_type)))
        for column in exported_columns(name)
    )
    with connection.transaction():
        connection.execute(sql.SQL("DELETE FROM {} WHERE batch_date = ANY(%s)").format(table), [nights])
        connection.execute(
            sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {}").format(
                table, sql.SQL(", ").join(map(sql.Identifier, names)), values, incoming
            )
        )
        connection.execute("DELETE FROM lake._exports WHERE table_name = %s AND batch_date = ANY(%s)", [name, nights])
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO lake._exports VALUES (%s, %s, %s)",
                [(name, night, current[night]) for night in nights if night in current],
            )
        connection.execute(sql.SQL("DROP TABLE {}").format(incoming))
    return len(nights), rows.height
