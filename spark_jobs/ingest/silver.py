"""Bronze to silver: accepted events by family, refused lines with their reason; one task reads some bronze files."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyspark.sql import SparkSession

from habitlake.contracts import FAMILIES, FAMILY_OF, Family, Reason
from habitlake.settings import Settings
from habitlake.storage import filesystem, join
from habitlake.tables import get_table
from habitlake.tables.events import CONTEXT_COLUMNS
from spark_jobs.common.tasks import run_tasks
from spark_jobs.ingest.bronze import BRONZE, TASK_BYTES
from spark_jobs.ingest.dedupe import CONFLICT
from spark_jobs.ingest.parts import Part, PartWriter, table_roots
from spark_jobs.ingest.plan import share_out

REJECTED = "silver.rejected"
SILVER = (*(family.table for family in FAMILIES), REJECTED)
READ_REASONS = (Reason.UNREADABLE_FILE, Reason.INVALID_ENCODING, Reason.OVERSIZED_LINE, Reason.EMPTY_LINE)
TOP_LEVEL = (
    "event_id",
    "content_hash",
    "user_id",
    "event_type",
    "event_at",
    "event_offset_s",
    "event_date",
    "schema_version",
    "extras",
    "_source_file",
    "_line",
    "_ingested_at",
)
REFUSED = tuple(name for name in get_table(REJECTED).column_names if name not in ("batch_date", "stage"))
CONFLICT_DETAIL = "an earlier line has this event id on this date with other content"
LINE_IN_FILE = ["_source_file", "_line"]
MAX_FILE_LINES = 2**40


@dataclass(frozen=True, slots=True)
class Written:
    """The silver files of a run, and the rows written per (batch date, file): accepted, rejected."""

    parts: list[Part]
    rows: dict[tuple[date, str], tuple[int, int]]


def family_columns(family: Family) -> list[str]:
    """Return the bronze columns that the family's silver table is made of."""
    context = [f"context.{column.name}" for column in CONTEXT_COLUMNS] if family.with_context else []
    return [*TOP_LEVEL, *(f"payload.{spec.column}" for spec in family.fields()), *context]


def family_events(bronze: pa.Table, family: Family) -> pa.Table:
    """Return accepted bronze lines of a family as rows of its silver table (without ``batch_date``)."""
    columns = {name: bronze[name] for name in TOP_LEVEL}
    nested = [("payload", spec.column) for spec in family.fields()]
    if family.with_context:
        nested += [("context", column.name) for column in CONTEXT_COLUMNS]
    for parent, name in nested:
        columns[name] = pc.struct_field(bronze[parent], name)
    return pa.table(columns)


def refused_lines(bronze: pa.Table) -> pa.Table:
    """Return refused bronze lines as rows of silver.rejected (without ``batch_date``)."""
    at_reading = pc.is_in(bronze["reason"], pa.array([str(reason) for reason in READ_REASONS]))
    return bronze.append_column("stage", pc.if_else(at_reading, "read", "parse"))


def conflicting_lines(bronze: pa.Table, told: str = CONFLICT_DETAIL) -> pa.Table:
    """Return conflicting bronze lines as rows of silver.rejected (without ``batch_date``); ``told`` is their detail."""
    rows = bronze.drop_columns(["reason", "detail"])
    for name, text in (("reason", str(Reason.CONFLICT)), ("detail", told), ("stage", "dedupe")):
        rows = rows.append_column(name, pa.repeat(text, rows.num_rows))
    return rows


def without(rows: pa.Table, lines: pa.Table) -> pa.Table:
    """Return the rows whose (_source_file, _line) is not among the lines, in order."""
    return rows.filter(pc.invert(_among(rows, lines))) if lines.num_rows else rows


def only(rows: pa.Table, lines: pa.Table) -> pa.Table:
    """Return the rows whose (_source_file, _line) is among the lines, in order."""
    return rows.filter(_among(rows, lines))


def _among(rows: pa.Table, lines: pa.Table) -> pa.Array:
    """Return for each row whether its (_source_file, _line) is among the lines."""
    files = pa.chunked_array([*rows["_source_file"].chunks, *lines["_source_file"].chunks])
    codes = files.combine_chunks().dictionary_encode().indices.to_numpy().astype(np.int64)
    numbers = np.concatenate([rows["_line"].to_numpy(), lines["_line"].to_numpy()])
    # A file has fewer lines than 2^40, so file and line fit one number.
    keys = codes * MAX_FILE_LINES + numbers
    return pa.array(np.isin(keys[: rows.num_rows], keys[rows.num_rows :]))


class CountedWriter:
    """Writes silver rows and counts them by landing file."""

    def __init__(self, writer: PartWriter) -> None:
        self._writer = writer
        self.rows: Counter[tuple[str, str, bool]] = Counter()

    def write(self, table: str, night: date, rows: pa.Table) -> None:
        """Write rows (without ``batch_date``) to the night's file of the table."""
        if not rows.num_rows:
            return
        for entry in pc.value_counts(rows["_source_file"].combine_chunks()).to_pylist():
            self.rows[str(night), entry["values"], table == REJECTED] += entry["counts"]
        nights = pa.repeat(pa.scalar(night, pa.date32()), rows.num_rows)
        self._writer.write(table, rows.append_column("batch_date", nights))

    def by_file(self) -> dict[tuple[date, str], tuple[int, int]]:
        """Return the rows written per (batch date, file): accepted, rejected."""
        return rows_by_file([*key, count] for key, count in self.rows.items())


def rows_by_file(counted: Iterable[Sequence[Any]]) -> dict[tuple[date, str], tuple[int, int]]:
    """Add up (night as text, file, whether rejected, rows) to the rows per (batch date, file): accepted, rejected."""
    rows: dict[tuple[date, str], tuple[int, int]] = {}
    for night, source_file, is_rejected, count in counted:
        key = (date.fromisoformat(night), source_file)
        accepted, rejected = rows.get(key, (0, 0))
        rows[key] = (accepted, rejected + count) if is_rejected else (accepted + count, rejected)
    return rows


def refine_part(file: pq.ParquetFile, night: date, repeated: pa.Table, out: CountedWriter) -> None:
    """Write the silver rows of one bronze file.

    Parameters
    ----------
    repeated
        Lines of this night that do not become rows: _source_file, _line, kind.
    """
    conflicts = repeated.filter(pc.equal(repeated["kind"], CONFLICT)) if repeated.num_rows else repeated
    positions = {
        file.metadata.row_group(0).column(index).path_in_schema: index for index in range(file.metadata.num_columns)
    }
    for group in range(file.num_row_groups):
        metadata = file.metadata.row_group(group)
        if metadata.column(positions["reason"]).statistics.null_count < metadata.num_rows:
            out.write(
                REJECTED, night, refused_lines(file.read_row_group(group, columns=list(REFUSED), use_threads=False))
            )
            continue
        family = FAMILY_OF[metadata.column(positions["event_type"]).statistics.min]
        rows = file.read_row_group(group, columns=family_columns(family), use_threads=False)
        out.write(family.table, night, family_events(without(rows, repeated), family))
        if conflicts.num_rows and only(rows.select(LINE_IN_FILE), conflicts).num_rows:
            raw = file.read_row_group(group, columns=list(REFUSED), use_threads=False)
            out.write(REJECTED, night, conflicting_lines(only(raw, conflicts)))


def write_silver(
    spark: SparkSession, bronze: Sequence[Part], repeats_uri: str | None, settings: Settings, run_id: str
) -> Written:
    """Write the silver files of these bronze files, not yet committed.

    Parameters
    ----------
    repeats_uri
        Parquet files of the lines that do not become rows; None when every accepted line does.
    """
    endpoint = settings.s3_endpoint_url
    roots = table_roots([BRONZE, *SILVER], settings)
    ordered = sorted(bronze, key=lambda part: (part.batch_date, part.path))
    tasks = share_out(ordered, 1 + sum(part.weight for part in bronze) // TASK_BYTES)

    def refine(task: tuple[int, list[Part]]) -> dict[str, Any]:
        writer = PartWriter(roots, f"{run_id}-{task[0]}", endpoint)
        out = CountedWriter(writer)
        for part in task[1]:
            writer.close_before(part.batch_date)
            system, path = filesystem(join(roots[BRONZE], part.path), endpoint)
            repeated = read_repeats(repeats_uri, part.batch_date, endpoint)
            with pq.ParquetFile(path, filesystem=system) as file:
                refine_part(file, part.batch_date, repeated, out)
        return {
            "parts": [part.as_json() for part in writer.close()],
            "rows": [[*key, n] for key, n in out.rows.items()],
        }

    results = run_tasks(spark, list(enumerate(tasks)), refine)
    return Written(
        [Part.from_json(part) for result in results for part in result["parts"]],
        rows_by_file(row for result in results for row in result["rows"]),
    )


def read_repeats(uri: str | None, night: date | None, s3_endpoint_url: str | None) -> pa.Table:
    """Return the lines that do not become rows: batch_date, _source_file, _line, kind; of one night or of all."""
    schema = pa.schema(
        [("batch_date", pa.date32()), ("_source_file", pa.string()), ("_line", pa.int64()), ("kind", pa.string())]
    )
    if uri is None:
        return schema.empty_table()
    system, path = filesystem(uri, s3_endpoint_url)
    filters = None if night is None else pc.field("batch_date") == pa.scalar(night)
    return pq.read_table(path, filesystem=system, schema=schema, filters=filters, use_threads=False)
