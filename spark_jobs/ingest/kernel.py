"""The parsing kernel: Arrow lines in, typed and judged lines out, by vectorised SQL in an embedded DuckDB."""

from collections.abc import Iterator
from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc

from habitlake.contracts import FAMILIES, FAMILY_OF
from habitlake.lake import arrow_schema
from habitlake.tables import get_table
from spark_jobs.ingest.kernel_sql import ENVELOPE_SQL, ENVELOPE_TABLE, family_sql, rejected_sql
from spark_jobs.ingest.leaf_sql import LINES_TABLE

LINES_SCHEMA = pa.schema(
    [
        ("batch_date", pa.date32()),
        ("_source_file", pa.string()),
        ("_line", pa.int64()),
        ("raw", pa.large_string()),
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


class Kernel:
    """A parsing kernel: one per worker process, single-threaded, since Spark runs one worker per core.

    Planning the generated SQL takes longer than parsing a few thousand lines with it, so every statement is
    prepared at most once, and only for the families that occur.
    """

    def __init__(self) -> None:
        import duckdb

        self._connection = duckdb.connect()
        self._prepared: set[str] = set()
        for setting in ("threads = 1", "TimeZone = 'UTC'", "preserve_insertion_order = false"):
            self._connection.execute(f"SET {setting}")
        self._connection.execute(LINES_TABLE)
        self._connection.execute(ENVELOPE_TABLE)

    def judge(self, lines: pa.Table) -> Iterator[pa.Table]:
        """Yield every line of the table once, typed and with its verdict; the order is not kept.

        A table yielded holds accepted lines of one family, or refused lines; these have no content hash, payload or context.

        Parameters
        ----------
        lines
            Rows of ``LINES_SCHEMA``; ``reason`` is set for lines that could not even be read as text.
        """
        self._connection.register("arrived", lines)
        self._connection.execute("TRUNCATE lines")
        self._connection.execute("INSERT INTO lines SELECT * FROM arrived")
        self._connection.unregister("arrived")
        self._connection.execute("TRUNCATE envelope")
        self._connection.execute(self._prepare("envelope", ENVELOPE_SQL))
        present = self._connection.execute(
            "SELECT DISTINCT CASE WHEN reason IS NULL THEN event_type END FROM envelope"
        ).fetchall()
        families = {FAMILY_OF[event_type].name for (event_type,) in present if event_type is not None}
        wanted = [family for family in FAMILIES if family.name in families]
        refused = []
        if (None,) in present:
            refused.append(self._fetch("refused", rejected_sql()))
        for family in wanted:
            judged = self._fetch(family.name, family_sql(family))
            if judged["reason"].null_count < judged.num_rows:
                accepted = pc.is_null(judged["reason"])
                refused.append(_untyped(judged.filter(pc.invert(accepted))))
                judged = judged.filter(accepted)
            yield judged
        if refused:
            yield pa.concat_tables(refused)

    def _prepare(self, name: str, sql: str) -> str:
        if name not in self._prepared:
            self._connection.execute(f'PREPARE "judge_{name}" AS {sql}')
            self._prepared.add(name)
        return f'EXECUTE "judge_{name}"'

    def _fetch(self, name: str, sql: str) -> pa.Table:
        return self._connection.sql(self._prepare(name, sql)).to_arrow_table().cast(output_schema())


def _untyped(refused: pa.Table) -> pa.Table:
    # Blanked here and not in SQL, where a CASE around a struct costs as much as typing it.
    for name in ("content_hash", "payload", "context"):
        position = refused.schema.get_field_index(name)
        field = refused.schema.field(position)
        refused = refused.set_column(position, field, pa.nulls(refused.num_rows, field.type))
    return refused


@lru_cache(maxsize=1)
def worker_kernel() -> Kernel:
    """Return this process's kernel, with the statements that its earlier tasks prepared."""
    return Kernel()
