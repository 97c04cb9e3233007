"""Which accepted lines are not new: duplicates and conflicts, within the nights and against all history.

An event is identified by its id within its UTC date. The first line in order of batch, file and line is the
event; a later line of the same identity is a duplicate when its content is the same, else a conflict.
"""

from collections.abc import Sequence
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

IDENTITY = ("event_id", "event_date")
LINE_KEY = ("batch_date", "_source_file", "_line")
KEY_COLUMNS = (*LINE_KEY, *IDENTITY, "content_hash", "event_type")
MAX_LISTED_DATES = 200


def touched(frame: DataFrame, dates: Sequence[date]) -> DataFrame:
    """Limit bronze rows to those whose event date the nights touch; file statistics prune the rest."""
    if len(dates) > MAX_LISTED_DATES:
        return frame.where(F.col("event_date").between(F.lit(min(dates)), F.lit(max(dates))))
    return frame.where(F.col("event_date").isin(list(dates)))


def repeats(new: DataFrame, history: DataFrame | None) -> DataFrame:
    """Return the lines of ``new`` that repeat an earlier event.

    Parameters
    ----------
    new
        Accepted bronze lines of the nights.
    history
        Accepted bronze lines of earlier nights on the same event dates; None when there are none.

    Returns
    -------
    DataFrame
        One row per repeating line: batch_date, _source_file, _line, event_type, conflict (boolean).
    """
    keys = new.select(*KEY_COLUMNS).withColumn("is_new", F.lit(True))
    everything = keys
    if history is not None:
        everything = keys.unionByName(history.select(*KEY_COLUMNS).withColumn("is_new", F.lit(False)))
    known = (
        everything.groupBy(*IDENTITY)
        .agg(
            F.count("*").alias("lines"),
            F.max("is_new").alias("has_new"),
            F.min(F.struct(*LINE_KEY, "content_hash")).alias("first"),
        )
        .where((F.col("lines") > 1) & F.col("has_new"))
        .select(*IDENTITY, "first")
    )
    is_first = F.lit(True)
    for column in LINE_KEY:
        is_first = is_first & (F.col(column) == F.col(f"first.{column}"))
    return (
        keys.join(known, on=list(IDENTITY))
        .where(~is_first)
        .select(*LINE_KEY, "event_type", (F.col("content_hash") != F.col("first.content_hash")).alias("conflict"))
    )
