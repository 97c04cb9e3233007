"""The lake for processes without Spark: where each table is, reading with Polars, writing whole nights with delta-rs.

Spark jobs read and write the same tables through ``spark_jobs.common.delta``; both replace the partitions of
the nights they were asked for and nothing else. Engines are imported inside the functions.
"""

import itertools
import time
from collections.abc import Callable, Iterator
from datetime import date
from functools import cache
from typing import TYPE_CHECKING

from habitlake.clock import Interval
from habitlake.errors import PermanentError, TransientError
from habitlake.settings import Settings
from habitlake.storage import is_remote, join, s3_environment
from habitlake.tables import Table, get_table

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa
    from deltalake import DeltaTable, Schema, WriterProperties

COMMIT_ATTEMPTS = 5
TABLE_PROPERTIES = {
    # Skipping by these statistics is how a late event's date is found without scanning history.
    "delta.dataSkippingNumIndexedCols": "16",
    "delta.checkpointInterval": "20",
    "delta.logRetentionDuration": "interval 30 days",
    "delta.deletedFileRetentionDuration": "interval 7 days",
}
ARROW_PRIMITIVES = {
    "string": "string",
    "bigint": "int64",
    "int": "int32",
    "double": "float64",
    "float": "float32",
    "boolean": "bool_",
    "date": "date32",
}


def table_uri(name: str, settings: Settings, scheme: str = "s3") -> str:
    """Return where the table is; ``scheme`` is ``s3`` for delta-rs and ``s3a`` for Spark."""
    layer, table = get_table(name).name.split(".")
    uri = join(settings.lake, layer, table)
    return uri.replace("s3://", f"{scheme}://", 1) if is_remote(uri) else uri


def storage_options(settings: Settings) -> dict[str, str] | None:
    """Return delta-rs storage options for an S3 lake; None for a local one."""
    if not is_remote(settings.lake):
        return None
    access_key, secret_key, region = s3_environment()
    options = {"AWS_REGION": region, "conditional_put": "etag"}
    if access_key and secret_key:
        options |= {"AWS_ACCESS_KEY_ID": access_key, "AWS_SECRET_ACCESS_KEY": secret_key}
    if settings.s3_endpoint_url:
        options |= {
            "AWS_ENDPOINT_URL": settings.s3_endpoint_url,
            "AWS_ALLOW_HTTP": "true",
            "AWS_S3_ADDRESSING_STYLE": "path",
        }
    return options


def _split_top_level(text: str) -> list[str]:
    parts, depth, start = [], 0, 0
    for position, char in enumerate(text):
        depth += (char == "<") - (char == ">")
        if char == "," and depth == 0:
            parts.append(text[start:position])
            start = position + 1
    return [*parts, text[start:]]


def arrow_type(sql_type: str) -> "pa.DataType":
    """Return the Arrow type of a Spark DDL type as used in the registry."""
    import pyarrow as pa

    sql_type = sql_type.strip()
    if sql_type == "timestamp":
        return pa.timestamp("us", tz="UTC")
    if sql_type in ARROW_PRIMITIVES:
        return getattr(pa, ARROW_PRIMITIVES[sql_type])()
    kind, _, inner = sql_type.removesuffix(">").partition("<")
    if kind == "array":
        return pa.list_(arrow_type(inner))
    if kind == "map":
        key, value = _split_top_level(inner)
        return pa.map_(arrow_type(key), arrow_type(value))
    if kind == "struct":
        fields = (part.partition(":") for part in _split_top_level(inner))
        return pa.struct([pa.field(name.strip(), arrow_type(inner_type)) for name, _, inner_type in fields])
    msg = f"type {sql_type!r} is not used in this lake; add it to habitlake.lake.arrow_type"
    raise PermanentError(msg)


@cache
def arrow_schema(table: Table) -> "pa.Schema":
    """Return the Arrow schema of a table of the registry."""
    import pyarrow as pa

    return pa.schema([pa.field(column.name, arrow_type(column.sql_type)) for column in table.columns])


_opened: "dict[str, DeltaTable]" = {}


def stored_table(name: str, settings: Settings) -> "DeltaTable | None":
    """Return the table as it is now, None if it is not there; a process reads the log once and then what was added."""
    from deltalake import DeltaTable

    uri, options = table_uri(name, settings), storage_options(settings)
    if not DeltaTable.is_deltatable(uri, storage_options=options):
        return None
    if uri in _opened:
        _opened[uri].update_incremental()
    else:
        _opened[uri] = DeltaTable(uri, storage_options=options)
    return _opened[uri]


def open_table(name: str, settings: Settings) -> "DeltaTable":
    """Return the table, made with the registry's schema if it is not there yet; safe to call from many processes.

    A table that was made before the registry gained a column, or a field of a struct, gains it too; its older rows hold
    null.
    """
    from deltalake import DeltaTable, Schema
    from deltalake.exceptions import DeltaError

    uri, table = table_uri(name, settings), get_table(name)
    stored = stored_table(name, settings)
    if stored is None:
        try:
            stored = DeltaTable.create(
                uri,
                schema=Schema.from_arrow(arrow_schema(table)),
                mode="ignore",
                partition_by=["batch_date"],
                name=table.name.replace(".", "_"),
                description=table.grain,
                configuration=TABLE_PROPERTIES,
                storage_options=storage_options(settings),
            )
        except (DeltaError, OSError) as error:
            stored = stored_table(name, settings)
            if stored is None:
                msg = f"cannot create table {name} at {uri}: {error}"
                raise PermanentError(msg) from error
        _opened[uri] = stored
    _add_columns(stored, table)
    return stored


@cache
def _wanted_schema(table: Table) -> "Schema":
    from deltalake import Schema

    return Schema.from_arrow(arrow_schema(table))


def _names(schema: "Schema") -> set[tuple[str, str | None]]:
    """Return the names of a schema's columns, and those of the fields of its structs beside their column's."""
    from deltalake.schema import StructType

    return {
        (column.name, inner)
        for column in schema.fields
        for inner in (
            None,
            *((field.name for field in column.type.fields) if isinstance(column.type, StructType) else ()),
        )
    }


def _add_columns(stored: "DeltaTable", table: Table) -> None:
    """Add the columns, and the fields of structs, that the registry has and the stored table lacks."""
    from deltalake.exceptions import CommitFailedError

    wanted = _wanted_schema(table)

    def missing() -> set[str]:
        return {column for column, _ in _names(wanted) - _names(stored.schema())}

    lacking = missing()
    if not lacking:
        return
    try:
        # A struct that is there gains the fields that it lacks.
        stored.alter.add_columns([column for column in wanted.fields if column.name in lacking])
    except CommitFailedError:
        # Another process was first.
        stored.update_incremental()
        if missing():
            raise


def scan_table(
    name: str, settings: Settings, nights: Interval | None = None, upto: date | None = None
) -> "pl.LazyFrame":
    """Return a lazy Polars frame of the table, limited to the nights' partitions or to all up to a night."""
    import polars as pl

    frame = pl.scan_delta(open_table(name, settings))
    if nights is not None:
        frame = frame.filter(pl.col("batch_date").is_between(nights.start, nights.end))
    if upto is not None:
        frame = frame.filter(pl.col("batch_date") <= upto)
    return frame


def table_files(name: str, settings: Settings) -> "pl.DataFrame":
    """Return the files that make up the table, as its log lists them; reads no data.

    Columns: ``path`` below the table, ``batch_date``, ``num_records``, and the statistics that the files have, as
    ``min.column``, ``max.column``, ``null_count.column``. A table that is not there has none.
    """
    return files_of(stored_table(name, settings))


def files_of(stored: "DeltaTable | None") -> "pl.DataFrame":
    """Return the files of a table that is open already, as ``table_files`` does; None has none."""
    import polars as pl

    nothing = pl.DataFrame(schema={"path": pl.String, "batch_date": pl.Date, "num_records": pl.Int64})
    if stored is None:
        return nothing
    files = pl.DataFrame(stored.get_add_actions(flatten=True))
    return files.with_columns(batch_date=pl.col("partition.batch_date").cast(pl.Date)) if files.height else nothing


def stored_nights(name: str, settings: Settings) -> list[date]:
    """Return the batch dates that have at least one file in the table, sorted; reads the log alone."""
    return table_files(name, settings)["batch_date"].unique().sort().to_list()


def count_rows(name: str, settings: Settings, nights: Interval) -> int:
    """Return the rows of the nights' partitions as the table's log counts them; reads no data."""
    files = table_files(name, settings)
    return int(files.filter(files["batch_date"].is_between(nights.start, nights.end))["num_records"].sum())


def replace_nights(data: "pa.Table", name: str, interval: Interval, settings: Settings) -> int:
    """Replace the partitions of the interval by the rows given; an empty table clears them.

    Parameters
    ----------
    data
        Rows with every column of the registry, batch dates inside the interval; other columns are dropped.

    Returns
    -------
    int
        Rows written.

    Raises
    ------
    PermanentError
        If a column is missing or a row lies outside the interval.
    TransientError
        If other writers kept winning the commit.
    """
    from deltalake import write_deltalake
    from deltalake.exceptions import CommitFailedError

    table = get_table(name)
    rows = _checked(data, name, interval)
    predicate = _nights_predicate(interval)
    for attempt in range(COMMIT_ATTEMPTS):
        try:
            if rows.num_rows:
                write_deltalake(
                    open_table(name, settings),
                    rows.sort_by(
                        [("batch_date", "ascending"), *((key, "ascending") for key in table.key if key != "batch_date")]
                    ),
                    mode="overwrite",
                    predicate=predicate,
                    writer_properties=_writer_properties(),
                )
            else:
                open_table(name, settings).delete(predicate)
        except CommitFailedError as error:
            if attempt + 1 == COMMIT_ATTEMPTS:
                msg = f"{name} {interval}: another writer won the commit {COMMIT_ATTEMPTS} times; run it again"
                raise TransientError(msg) from error
            time.sleep(0.2 * 2**attempt)
        else:
            return int(rows.num_rows)
    return 0


def replace_nights_stream(
    chunks: "Callable[[], Iterator[pa.Table]]", name: str, interval: Interval, settings: Settings
) -> int:
    """Replace the partitions of the interval by rows that come in chunks, so that a large night fits in memory.

    Parameters
    ----------
    chunks
        Called for each attempt; yields tables with every column of the registry, batch dates inside the
        interval, in the order of the table's key (the order is kept, not made).

    Returns
    -------
    int
        Rows written.

    Raises
    ------
    PermanentError
        If a column is missing or a row lies outside the interval.
    TransientError
        If other writers kept winning the commit.
    """
    import pyarrow as pa
    from deltalake import write_deltalake
    from deltalake.exceptions import CommitFailedError

    schema = arrow_schema(get_table(name))
    for attempt in range(COMMIT_ATTEMPTS):
        rows = 0
        failures: list[PermanentError] = []

        def batches() -> "Iterator[pa.RecordBatch]":
            nonlocal rows
            for chunk in chunks():
                try:
                    table = _checked(chunk, name, interval)
                except PermanentError as error:
                    # The writer would wrap it into its own error; it is raised again below.
                    failures.append(error)  # noqa: B023 - used within this attempt
                    raise
                rows += table.num_rows
                yield from table.to_batches()

        stream = batches()
        first = next(stream, None)
        if first is None:
            return replace_nights(empty_rows(name), name, interval, settings)
        reader = pa.RecordBatchReader.from_batches(schema, itertools.chain([first], stream))
        try:
            write_deltalake(
                open_table(name, settings),
                reader,
                mode="overwrite",
                predicate=_nights_predicate(interval),
                writer_properties=_writer_properties(),
            )
        except CommitFailedError as error:
            if attempt + 1 == COMMIT_ATTEMPTS:
                msg = f"{name} {interval}: another writer won the commit {COMMIT_ATTEMPTS} times; run it again"
                raise TransientError(msg) from error
            time.sleep(0.2 * 2**attempt)
        except Exception:
            if failures:
                raise failures[0] from None
            raise
        else:
            return rows
    return 0


@cache
def _writer_properties() -> "WriterProperties":
    """Return how files are written: on the JSON of decisions Zstandard takes a third of Snappy's space and less time."""
    from deltalake import WriterProperties

    return WriterProperties(compression="ZSTD", compression_level=1)


def _nights_predicate(interval: Interval) -> str:
    return f"batch_date >= '{interval.start}' AND batch_date <= '{interval.end}'"


def _checked(data: "pa.Table", name: str, interval: Interval) -> "pa.Table":
    """Return the rows with the registry's columns and types; refuse missing columns and rows of other nights."""
    import pyarrow.compute as pc

    table = get_table(name)
    missing = [column for column in table.column_names if column not in data.column_names]
    if missing:
        msg = f"cannot write {name}: columns missing: {', '.join(missing)}"
        raise PermanentError(msg)
    rows = data.select(list(table.column_names)).cast(arrow_schema(table))
    if rows.num_rows:
        bounds = pc.min_max(rows["batch_date"]).as_py()
        if rows["batch_date"].null_count or bounds["min"] < interval.start or bounds["max"] > interval.end:
            msg = f"cannot write {name}: rows of {bounds['min']}..{bounds['max']} lie outside the nights {interval}"
            raise PermanentError(msg)
    return rows


def empty_rows(name: str) -> "pa.Table":
    """Return an empty Arrow table with the registry's schema."""
    return arrow_schema(get_table(name)).empty_table()
