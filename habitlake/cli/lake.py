"""Looking into the lake: SQL over every table, content hashes, the audit of batches."""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from habitlake.clock import Interval
from habitlake.errors import PermanentError
from habitlake.lake import empty_rows, files_of, stored_table, table_uri
from habitlake.settings import Settings
from habitlake.storage import filesystem
from habitlake.tables import TABLES

if TYPE_CHECKING:
    import duckdb
    from pyarrow.dataset import FileSystemDataset


def open_lake(settings: Settings, mentioned_in: str | None = None) -> "duckdb.DuckDBPyConnection":
    """Return an in-memory DuckDB connection that sees the lake's tables as ``layer.table``, read-only.

    Parameters
    ----------
    mentioned_in
        Only tables named in this text are opened; None opens all.
    """
    import duckdb
    from pyarrow.fs import SubTreeFileSystem

    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    for layer in sorted({table.layer for table in TABLES.values()}):
        connection.execute(f'CREATE SCHEMA "{layer}"')
    for table in TABLES.values():
        if mentioned_in is not None and table.name not in mentioned_in:
            continue
        view = table.name.replace(".", "_") + "_data"
        layer, name = table.name.split(".")
        stored = stored_table(table.name, settings)
        if stored is None:
            dataset = empty_rows(table.name)
        else:
            system, path = filesystem(table_uri(table.name, settings), settings.s3_endpoint_url)
            # A native Arrow file system: the one delta-rs brings aborts short processes at exit.
            whole = stored.to_pyarrow_dataset(filesystem=SubTreeFileSystem(path, system))
            nights = dict(files_of(stored).select("path", "batch_date").iter_rows())
            dataset = by_night(whole, nights)
        connection.register(view, dataset)
        connection.execute(f'CREATE VIEW "{layer}"."{name}" AS SELECT * FROM {view}')
    return connection


def by_night(whole: "FileSystemDataset", nights: Mapping[str, date]) -> "FileSystemDataset":
    """Return the table's files, each skipped by its night alone, and inside by what Parquet knows of its row groups.

    delta-rs would also skip files by statistics, and take one that the log does not have for a bound that no value
    meets (like its issue 3201): a filter on a person found nothing in silver, whose log knows event dates only.
    """
    import pyarrow.dataset as ds

    fragments = [
        whole.format.make_fragment(
            fragment.path,
            filesystem=whole.filesystem,
            partition_expression=ds.field("batch_date") == nights[fragment.path],
        )
        for fragment in whole.get_fragments()
    ]
    return ds.FileSystemDataset(fragments, whole.schema, whole.format, whole.filesystem)


def query(sql: str, settings: Settings, limit: int | None = None) -> tuple[list[str], Iterator[tuple[Any, ...]]]:
    """Run SQL over the lake; return the column names and the rows as they come.

    Raises
    ------
    PermanentError
        If the SQL is wrong; the message is the engine's, with the tables there are.
    """
    import duckdb

    connection = open_lake(settings, mentioned_in=re.sub(r'"', "", sql))
    try:
        result = connection.execute(sql)
        columns = [item[0] for item in result.description or []]
    except duckdb.Error as error:
        msg = f"{str(error).strip()}\ntables: {', '.join(TABLES)}"
        raise PermanentError(msg) from error

    def rows() -> Iterator[tuple[Any, ...]]:
        count = 0
        while batch := result.fetchmany(1_000):
            for row in batch:
                if limit is not None and count >= limit:
                    return
                count += 1
                yield row

    return columns, rows()


def table_hashes(settings: Settings, nights: Interval | None = None) -> dict[str, dict[str, Any]]:
    """Return rows and content hash of every table of the registry, of some nights or of all.

    The hash is the sum of the md5 of each row's text, so it does not depend on order or on files; audit
    columns are left out. Two lakes with equal hashes hold the same rows.
    """
    connection = open_lake(settings)
    hashes: dict[str, dict[str, Any]] = {}
    within = f"WHERE batch_date BETWEEN DATE '{nights.start}' AND DATE '{nights.end}'" if nights else ""
    for table in TABLES.values():
        columns = ", ".join(f'"{column}"' for column in table.content_columns)
        layer, name = table.name.split(".")
        # 56 bits of each md5 keep the sum of billions of rows well inside 128 bits.
        row = connection.execute(
            f"SELECT count(*), coalesce(sum(('0x' || left(md5(row({columns})::VARCHAR), 14))::BIGINT::HUGEINT), 0)"
            f' FROM "{layer}"."{name}" {within}'
        ).fetchone()
        rows, total = row or (0, 0)
        hashes[table.name] = {"rows": int(rows), "hash": f"{int(total):032x}"}
    return hashes


def batch_audit(settings: Settings) -> list[dict[str, Any]]:
    """Return the audit of every batch: raw, accepted, duplicates, rejected, reasons, and whether they add up."""
    connection = open_lake(settings, mentioned_in="silver.batch_audit")
    batches = connection.execute(
        "SELECT batch_date, sum(raw_count), sum(accepted_count), sum(duplicate_count), sum(rejected_count)"
        " FROM silver.batch_audit GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    reasons: dict[Any, dict[str, int]] = {}
    for batch, reason, count in connection.execute(
        "SELECT batch_date, entry.key, sum(entry.value) FROM"
        " (SELECT batch_date, unnest(map_entries(reasons)) AS entry FROM silver.batch_audit) GROUP BY ALL ORDER BY ALL"
    ).fetchall():
        reasons.setdefault(batch, {})[reason] = int(count)
    return [
        {
            "batch_date": batch,
            "raw": int(raw),
            "accepted": int(accepted),
            "duplicates": int(duplicates),
            "rejected": int(rejected),
            "reasons": reasons.get(batch, {}),
            "identity_holds": raw == accepted + duplicates + rejected
            and rejected == sum(reasons.get(batch, {}).values()),
        }
        for batch, raw, accepted, duplicates, rejected in batches
    ]
