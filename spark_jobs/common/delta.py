"""Reading and writing the lake's tables from Spark; a write replaces whole nights and nothing else."""

import time
from collections.abc import Sequence
from datetime import date

import polars as pl
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from habitlake.clock import Interval
from habitlake.errors import PermanentError, TransientError
from habitlake.lake import open_table, table_files, table_uri
from habitlake.settings import Settings
from habitlake.storage import join
from habitlake.tables import get_table

COMMIT_ATTEMPTS = 4
CONFLICTS = ("DELTA_CONCURRENT", "ConcurrentAppendException", "ConcurrentDeleteReadException", "ConcurrentTransaction")


def read_table(
    spark: SparkSession,
    name: str,
    settings: Settings,
    *,
    nights: Interval | None = None,
    upto: date | None = None,
    local_from: date | None = None,
) -> DataFrame:
    """Return a table, limited to the partitions of the nights, or to all up to a night (included).

    Parameters
    ----------
    local_from
        First local date that is of use: files that hold earlier ones alone, by their statistics, are not read.
        Rows of earlier dates in the other files stay.
    """
    files = table_files(name, settings)
    if nights is not None:
        files = files.filter(pl.col("batch_date").is_between(nights.start, nights.end))
    if upto is not None:
        files = files.filter(pl.col("batch_date") <= upto)
    if local_from is not None and "max.local_date" in files.columns:
        newest = pl.col("max.local_date")
        files = files.filter(newest.is_null() | (newest >= local_from))
    return read_files(spark, name, files["path"].sort().to_list(), settings)


def read_files(spark: SparkSession, name: str, paths: Sequence[str], settings: Settings) -> DataFrame:
    """Return the rows of some of a table's files (paths below the table).

    The files are named by the job, which knows them from the table's log: having Spark reconstruct the table's whole
    state costs a small night more than its work, and a cost that grows with history.
    """
    root = table_uri(name, settings, scheme="s3a")
    schema = ", ".join(f"`{column.name}` {column.sql_type}" for column in get_table(name).columns)
    if not paths:
        return spark.createDataFrame([], schema)
    return spark.read.schema(schema).option("basePath", root).parquet(*(join(root, path) for path in paths))


def conform(frame: DataFrame, name: str) -> DataFrame:
    """Return the frame with the registry's columns, in its order and types.

    Raises
    ------
    PermanentError
        If a column is missing.
    """
    table = get_table(name)
    missing = [column for column in table.column_names if column not in frame.columns]
    if missing:
        msg = f"cannot write {name}: columns missing: {', '.join(missing)}"
        raise PermanentError(msg)
    return frame.select(*(F.col(column.name).cast(column.sql_type).alias(column.name) for column in table.columns))


def write_nights(frame: DataFrame, name: str, interval: Interval, settings: Settings, *, gather: bool = True) -> None:
    """Replace the partitions of the interval by the frame's rows; no rows clear them.

    One night keeps the frame's own partitioning, so that a large night uses every core. Many nights are
    gathered to one file each, unless ``gather`` is False (a frame whose tasks already hold whole nights).

    Raises
    ------
    PermanentError
        If a column is missing or a row lies outside the interval.
    TransientError
        If other writers kept winning the commit.
    """
    open_table(name, settings)
    rows = conform(frame, name)
    if gather and len(interval) > 1:
        rows = rows.repartition("batch_date")
    where = f"batch_date >= DATE'{interval.start}' AND batch_date <= DATE'{interval.end}'"
    for attempt in range(COMMIT_ATTEMPTS):
        try:
            (
                rows.write.format("delta")
                .mode("overwrite")
                .option("replaceWhere", where)
                .save(table_uri(name, settings, scheme="s3a"))
            )
        except PySparkException as error:
            text = str(error)
            if "DELTA_REPLACE_WHERE_MISMATCH" in text:
                msg = f"cannot write {name}: a row lies outside the nights {interval}"
                raise PermanentError(msg) from error
            if not any(conflict in text for conflict in CONFLICTS):
                raise
            if attempt + 1 == COMMIT_ATTEMPTS:
                msg = f"{name} {interval}: another writer won the commit {COMMIT_ATTEMPTS} times; run it again"
                raise TransientError(msg) from error
            time.sleep(0.5 * 2**attempt)
        else:
            return
