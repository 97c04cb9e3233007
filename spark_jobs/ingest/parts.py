"""Parquet files written by the workers themselves and committed to Delta by the job, night by night.

Arrow to Parquet without a detour through Spark's rows costs a tenth of the time; the commit is the same
Delta transaction that a Spark write ends in, so readers see all of a night's new files or none.
"""

import contextlib
import json
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from habitlake.clock import Interval
from habitlake.errors import TransientError
from habitlake.lake import (
    COMMIT_ATTEMPTS,
    arrow_schema,
    count_rows,
    open_table,
    table_files,
    table_uri,
)
from habitlake.settings import Settings
from habitlake.storage import filesystem, is_remote, join
from habitlake.tables import get_table

# Late events go to files of their own, so that they do not widen the event dates of every file: the search
# for an old date then opens few files, however long the history is.
LATE_AFTER = timedelta(days=2)
EPOCH = date(1970, 1, 1)
# Text that rarely repeats gains nothing from a dictionary and costs the time to build one.
NO_DICTIONARY = frozenset(
    {"raw", "detail", "event_id", "content_hash", "user_id", "workout_id", "decision_id", "extras"}
)
STATISTICS = ["event_date", "event_type", "reason"]


@dataclass(frozen=True, slots=True)
class Part:
    """A written file: its table, path below the table, night, bytes, rows, and the event dates it spans."""

    table: str
    path: str
    batch_date: date
    size: int
    rows: int
    first_date: date | None
    last_date: date | None
    undated: int

    @property
    def weight(self) -> int:
        """Bytes of the file."""
        return self.size

    def as_json(self) -> dict[str, Any]:
        """Return the description as JSON values."""
        return {
            "table": self.table,
            "path": self.path,
            "batch_date": str(self.batch_date),
            "size": self.size,
            "rows": self.rows,
            "first_date": self.first_date and str(self.first_date),
            "last_date": self.last_date and str(self.last_date),
            "undated": self.undated,
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Part":
        """Return the description that ``as_json`` wrote."""
        dates = {
            name: values[name] and date.fromisoformat(values[name])
            for name in ("batch_date", "first_date", "last_date")
        }
        return cls(**(values | dates))

    def statistics(self) -> str:
        """Return Delta's file statistics."""
        values: dict[str, Any] = {"numRecords": self.rows, "nullCount": {"event_date": self.undated}}
        if self.first_date is not None:
            values["minValues"] = {"event_date": str(self.first_date)}
            values["maxValues"] = {"event_date": str(self.last_date)}
        return json.dumps(values)


def dictionary_columns(schema: pa.Schema) -> list[str]:
    """Return the leaves that are worth a dictionary: text and lists of text that repeats."""
    leaves = []
    for field in schema:
        children = (
            [(f"{field.name}.{child.name}", child) for child in field.type]
            if pa.types.is_struct(field.type)
            else [(field.name, field)]
        )
        for path, leaf in children:
            if leaf.name in NO_DICTIONARY:
                continue
            if pa.types.is_string(leaf.type):
                leaves.append(path)
            elif pa.types.is_list(leaf.type) and pa.types.is_string(leaf.type.value_type):
                leaves.append(f"{path}.list.element")
    return leaves


def by_night(rows: pa.Table) -> Iterator[tuple[date, pa.Table, bool]]:
    """Yield (night, its rows, whether their events came late), by night; the order within is kept.

    Rows that already stand by night are sliced, not copied; the others are put in order by one copy.
    """
    if not rows.num_rows:
        return
    nights = rows["batch_date"].combine_chunks().cast(pa.int32()).to_numpy()
    late = np.zeros(len(nights), dtype=bool)
    if "event_date" in rows.column_names:
        events = rows["event_date"].combine_chunks().cast(pa.int32()).fill_null(np.iinfo(np.int32).max).to_numpy()
        late = events < nights - LATE_AFTER.days
    keys = nights.astype(np.int64) * 2 + late
    if np.any(keys[1:] < keys[:-1]):
        order = np.argsort(keys, kind="stable")
        rows, keys = rows.take(pa.array(order)), keys[order]
    starts = [0, *(np.flatnonzero(np.diff(keys)) + 1)]
    for start, end in zip(starts, [*starts[1:], len(keys)], strict=True):
        key = int(keys[start])
        yield EPOCH + timedelta(days=key // 2), rows.slice(start, end - start), bool(key % 2)


class _Open:
    """A file being written."""

    def __init__(self, table: str, path: str, night: date, target: tuple[Any, str], schema: pa.Schema) -> None:
        self.table, self.path, self.night = table, path, night
        self.rows = self.undated = 0
        self.first: date | None = None
        self.last: date | None = None
        system, inner = target
        self._info = lambda: system.get_file_info(inner)
        self._writer = pq.ParquetWriter(
            inner,
            schema,
            filesystem=system,
            compression="snappy",
            use_dictionary=dictionary_columns(schema),
            write_statistics=[name for name in STATISTICS if name in schema.names],
        )

    def write(self, rows: pa.Table) -> None:
        self._writer.write_table(rows)
        self.rows += rows.num_rows
        if "event_date" not in rows.column_names:
            self.undated += rows.num_rows
            return
        self.undated += rows["event_date"].null_count
        bounds = pc.min_max(rows["event_date"]).as_py()
        if bounds["min"] is not None:
            self.first = min(filter(None, (self.first, bounds["min"])))
            self.last = max(filter(None, (self.last, bounds["max"])))

    def close(self) -> Part:
        self._writer.close()
        return Part(
            self.table, self.path, self.night, self._info().size, self.rows, self.first, self.last, self.undated
        )

    def abandon(self) -> None:
        """Leave the file unfinished; on a full disk the writer would fail once more, and complain, when it is deleted."""
        with contextlib.suppress(OSError):
            self._writer.close()
        self._writer.is_open = False


class PartWriter:
    """Writes rows of lake tables to files, one per table and night (two where events came late).

    Parameters
    ----------
    roots
        Location of each table that may be written.
    name
        Stem of the file names; unique in the run, the same in every attempt of a task.
    """

    def __init__(self, roots: dict[str, str], name: str, s3_endpoint_url: str | None) -> None:
        self._roots, self._name, self._endpoint = roots, name, s3_endpoint_url
        self._open: dict[tuple[str, date, bool], _Open] = {}
        self._count = 0
        self._parts: list[Part] = []

    def write(self, table: str, rows: pa.Table) -> None:
        """Write rows with the table's columns (any order) to the files of their nights, as one row group each."""
        with self._abandoned_on_failure():
            for night, own, late in by_night(rows):
                self._append(table, night, own, late=late)

    def _append(self, table: str, night: date, rows: pa.Table, *, late: bool) -> None:
        key = (table, night, late)
        schema = arrow_schema(get_table(table))
        schema = schema.remove(schema.get_field_index("batch_date"))
        if key not in self._open:
            path = f"batch_date={night}/{self._name}-{self._count}.parquet"
            self._count += 1
            system, inner = filesystem(join(self._roots[table], path), self._endpoint)
            if not is_remote(self._roots[table]):
                system.create_dir(inner.rpartition("/")[0], recursive=True)
            self._open[key] = _Open(table, path, night, (system, inner), schema)
        self._open[key].write(rows.select(schema.names).cast(schema))

    def close_before(self, night: date) -> None:
        """Finish the files of nights before this one; tasks go through nights in order."""
        with self._abandoned_on_failure():
            for key in [key for key in self._open if key[1] < night]:
                self._parts.append(self._open[key].close())
                del self._open[key]

    @contextlib.contextmanager
    def _abandoned_on_failure(self) -> Iterator[None]:
        try:
            yield
        except OSError:
            for part in self._open.values():
                part.abandon()
            raise

    def close(self) -> list[Part]:
        """Finish every file; return all that were written."""
        self.close_before(date.max)
        return self._parts


def table_roots(names: Iterable[str], settings: Settings) -> dict[str, str]:
    """Return where each table is."""
    return {name: table_uri(name, settings) for name in names}


def stored_files(name: str, before: date, ranges: Sequence[tuple[date, date]], settings: Settings) -> list[str]:
    """Return the table's files of nights before one that may hold events of the date ranges, by the table's log.

    Paths are relative to the table. A file without statistics is always returned.
    """
    import polars as pl

    files = table_files(name, settings)
    files = files.filter(pl.col("batch_date") < before)
    if not files.height or not ranges:
        return []
    if "min.event_date" not in files.columns:
        return sorted(files["path"])
    first, last = pl.col("min.event_date").cast(pl.Date), pl.col("max.event_date").cast(pl.Date)
    undated = pl.col("null_count.event_date") == pl.col("num_records")
    overlap = pl.any_horizontal([(first <= end) & (last >= start) for start, end in ranges])
    return sorted(
        files.filter(pl.when(first.is_null()).then(undated.not_().fill_null(value=True)).otherwise(overlap))["path"]
    )


def commit_parts(name: str, parts: Iterable[Part], interval: Interval, settings: Settings) -> None:
    """Replace the nights' partitions of a table by the files given, in one transaction.

    Raises
    ------
    TransientError
        If other writers kept winning the commit.
    """
    from deltalake import Schema
    from deltalake.exceptions import CommitFailedError
    from deltalake.transaction import AddAction

    own = [part for part in parts if part.table == name]
    open_table(name, settings)
    if not own and not count_rows(name, settings, interval):
        return
    # The log's time is the commit's; no content depends on it.
    now_ms = time.time_ns() // 1_000_000
    actions = [
        AddAction(part.path, part.size, {"batch_date": str(part.batch_date)}, now_ms, True, part.statistics())
        for part in own
    ]
    for attempt in range(COMMIT_ATTEMPTS):
        try:
            open_table(name, settings).create_write_transaction(
                actions,
                mode="overwrite",
                schema=Schema.from_arrow(arrow_schema(get_table(name))),
                partition_by=["batch_date"],
                partition_filters=[("batch_date", ">=", str(interval.start)), ("batch_date", "<=", str(interval.end))],
            )
        except CommitFailedError as error:
            if attempt + 1 == COMMIT_ATTEMPTS:
                msg = f"{name} {interval}: another writer won the commit {COMMIT_ATTEMPTS} times; run it again"
                raise TransientError(msg) from error
            time.sleep(0.2 * 2**attempt)
        else:
            return
