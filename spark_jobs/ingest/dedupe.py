"""Which accepted lines do not become rows: duplicates and conflicts over all history, and superseded profiles.

An event is identified by its id within its UTC date. The first line in order of batch, file and line is the
event; a later line of the same identity is a duplicate when its content is the same, else a conflict. Of the
profile events of a person in one batch, the newest is kept as the version; the others are superseded.
"""

import operator
from collections.abc import Iterable
from datetime import date, timedelta
from functools import reduce
from itertools import pairwise

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

IDENTITY = ("event_id", "event_date")
LINE_KEY = ("batch_date", "_source_file", "_line")
PROFILE_COLUMNS = ("event_type", "user_id", "event_at")
KEY_COLUMNS = (*LINE_KEY, *IDENTITY, "content_hash")
REPEAT_SCHEMA = "batch_date date, _source_file string, _line bigint, kind string"
DUPLICATE, CONFLICT, SUPERSEDED = "duplicate", "conflict", "superseded"
MAX_RANGES = 32


def date_ranges(dates: Iterable[date], limit: int = MAX_RANGES) -> list[tuple[date, date]]:
    """Return at most ``limit`` closed ranges that cover the dates, leaving out the widest gaps."""
    days = sorted(set(dates))
    if not days:
        return []
    gaps = sorted(((after - before, after) for before, after in pairwise(days)), reverse=True)
    starts = sorted([days[0], *(after for gap, after in gaps[: limit - 1] if gap > timedelta(days=1))])
    ends = [max(day for day in days if day < start) for start in starts[1:]]
    return list(zip(starts, [*ends, days[-1]], strict=True))


def accepted_lines(bronze: DataFrame) -> DataFrame:
    """Return the accepted lines of bronze, with the columns that tell events apart."""
    return bronze.where(F.col("reason").isNull()).select(*KEY_COLUMNS, *PROFILE_COLUMNS)


def within(frame: DataFrame, dates: Iterable[date]) -> DataFrame:
    """Limit lines to the ranges of event dates around these dates; Parquet's statistics spare the rest."""
    ranges = [F.col("event_date").between(F.lit(first), F.lit(last)) for first, last in date_ranges(dates)]
    return frame.where(reduce(operator.or_, ranges))


def identified(new: DataFrame, history: DataFrame | None) -> DataFrame:
    """Return the accepted lines with the 64-bit hash of their identity.

    Parameters
    ----------
    new
        Accepted bronze lines of the nights.
    history
        Accepted bronze lines of earlier nights on the same event dates; None when there are none.

    Returns
    -------
    DataFrame
        The lines' keys, ``is_new`` (1 for lines of the nights, 0 for history), and ``identity``.
    """
    lines = new.select(*KEY_COLUMNS, F.lit(1).alias("is_new"))
    if history is not None:
        lines = lines.unionByName(history.select(*KEY_COLUMNS, F.lit(0).alias("is_new")))
    return lines.withColumn("identity", F.xxhash64(*IDENTITY))


def suspects(lines: DataFrame) -> DataFrame:
    """Return the identities that more than one line has, a new one among them.

    Identities are counted by their hash, which aggregates several times faster than text; the few found
    (or, by a rare accident, sharing a hash) are then compared exactly by ``repeats``.
    """
    counted = lines.groupBy("identity").agg(F.count(F.lit(1)).alias("lines"), F.sum("is_new").alias("new_lines"))
    return counted.where((F.col("lines") > 1) & (F.col("new_lines") > 0)).select("identity")


def repeats(lines: DataFrame, suspected: DataFrame) -> DataFrame:
    """Return the new lines that repeat an earlier event.

    Parameters
    ----------
    lines
        What ``identified`` returns.
    suspected
        What ``suspects`` returns of them.

    Returns
    -------
    DataFrame
        One row per repeating line: batch_date, _source_file, _line, kind (duplicate or conflict).
    """
    in_order = Window.partitionBy(*IDENTITY).orderBy(*LINE_KEY)
    return (
        lines.join(suspected, on="identity", how="left_semi")
        .select(
            *LINE_KEY,
            "is_new",
            "content_hash",
            F.row_number().over(in_order).alias("position"),
            F.first("content_hash").over(in_order).alias("first_content"),
        )
        .where((F.col("position") > 1) & (F.col("is_new") == 1))
        .select(
            *LINE_KEY,
            F.when(F.col("content_hash") == F.col("first_content"), DUPLICATE).otherwise(CONFLICT).alias("kind"),
        )
    )


def superseded(profiles: DataFrame, repeated: DataFrame) -> DataFrame:
    """Return the profile lines that a newer one of the same person and batch replaces; shape as ``repeats``.

    Newest by event time; ties go to the greater event id.
    """
    newest_first = Window.partitionBy("batch_date", "user_id").orderBy(F.desc("event_at"), F.desc("event_id"))
    return (
        profiles.join(repeated.select(*LINE_KEY), on=list(LINE_KEY), how="left_anti")
        .select(*LINE_KEY, F.row_number().over(newest_first).alias("position"))
        .where(F.col("position") > 1)
        .select(*LINE_KEY, F.lit(SUPERSEDED).alias("kind"))
    )
