"""The parsing kernel: Arrow lines in, typed and judged lines out, by vectorised SQL in an embedded DuckDB."""

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

import pyarrow as pa

from habitlake.lake import arrow_schema
from habitlake.tables import get_table
from spark_jobs.ingest.kernel_sql import ENVELOPE_SQL, statements

if TYPE_CHECKING:
    import duckdb

LINES_SCHEMA = pa.schema(
    [
        ("batch_date", pa.date32()),
        ("_source_file", pa.string()),
        ("_line", pa.int64()),
        ("raw", pa.string()),
        ("raw_encoding", pa.string()),
        ("reason", pa.string()),
        ("detail", pa.string()),
    ]
)


@lru_cache(maxsize=1)
def output_schema() -> pa.Schema:
    """Return the Arrow schema of judged lines: bronze.events without its audit column."""
    schema = arrow_schema(get_table("bronze.events"))
    return pa.schema([schema.field(name) for name in schema.names if name != "_ingested_at"])


@lru_cache(maxsize=1)
def _statements() -> tuple[str, ...]:
    return tuple(statements())


def open_kernel() -> "duckdb.DuckDBPyConnection":
    """Open a kernel; one per worker process, single-threaded, since Spark runs one worker per core."""
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET preserve_insertion_order = false")
    return connection


def judge(connection: "duckdb.DuckDBPyConnection", lines: pa.Table) -> Iterator[pa.RecordBatch]:
    """Yield every line of the table once, typed and with its verdict; the order is not kept.

    Parameters
    ----------
    lines
        Rows of ``LINES_SCHEMA``; ``reason`` is set for lines that could not even be read as text.
    """
    connection.register("lines", lines)
    connection.execute(ENVELOPE_SQL)
    for statement in _statements():
        result = connection.sql(statement).to_arrow_table()
        if result.num_rows:
            yield from result.cast(output_schema()).to_batches()
    connection.unregister("lines")
