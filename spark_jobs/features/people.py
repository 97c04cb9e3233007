"""Reads and writes gold.habit_state and gold.user_analytics, a bounded stretch of nights at a time."""

from collections.abc import Iterator
from datetime import date
from functools import partial

import polars as pl
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from habitlake.clock import Interval
from habitlake.lake import count_rows, replace_nights_stream, scan_table, stored_nights
from habitlake.settings import Settings
from spark_jobs.common.delta import read_table, write_nights
from spark_jobs.features import categories
from spark_jobs.features.analytics import TABLE as ANALYTICS
from spark_jobs.features.analytics import known_of_people, user_analytics
from spark_jobs.features.as_known import LOOK_BACK_DAYS, PLAN_DAYS, look_back_start, passes, snapshot_before
from spark_jobs.features.habit import habit_states, origin_of

HABIT = "gold.habit_state"
TABLES = (HABIT, ANALYTICS)
PEOPLE_PER_CHUNK = 100_000


def build_habit(spark: SparkSession, interval: Interval, settings: Settings) -> None:
    """Write gold.habit_state of the nights, pass after pass; each starts from the snapshot of the pass before."""
    for nights in passes(interval, _entries(interval, settings)):
        _habit_pass(spark, nights, settings)


def _entries(interval: Interval, settings: Settings) -> int:
    return count_rows("gold.user_day", settings, Interval(look_back_start(interval.start), interval.end))


def _night(spark: SparkSession, name: str, night: date, settings: Settings) -> DataFrame:
    return read_table(spark, name, settings, nights=Interval(night, night))


def _habit_pass(spark: SparkSession, interval: Interval, settings: Settings) -> None:
    batches = [night for night in stored_nights("gold.user_day", settings) if night <= interval.end]
    snapshot = snapshot_before(stored_nights(HABIT, settings), interval.start)
    origin = origin_of(snapshot, min(batches, default=interval.start))
    ledger = (
        read_table(spark, "gold.user_day", settings, upto=interval.end)
        if snapshot is None
        else read_table(spark, "gold.user_day", settings, nights=Interval(look_back_start(snapshot), interval.end))
    )
    rows = habit_states(
        read_table(spark, "gold.user_features", settings, nights=interval),
        ledger,
        None if snapshot is None else _night(spark, HABIT, snapshot, settings),
        read_table(spark, "silver.profiles", settings, upto=interval.end),
        interval,
        origin=origin,
        snapshot=snapshot,
    )
    write_nights(rows, HABIT, interval, settings)


def build_analytics(interval: Interval, settings: Settings) -> None:
    """Write gold.user_analytics of the nights, night by night."""
    for nights in passes(interval, _entries(interval, settings)):
        replace_nights_stream(partial(_records, nights, *_read(nights, settings)), ANALYTICS, nights, settings)


Frames = dict[str, pl.LazyFrame]


def _read(nights: Interval, settings: Settings) -> tuple[Frames, Frames, pl.LazyFrame]:
    """Return the snapshots and the ledgers of the nights by table name, and the profile versions."""
    snapshots = {
        name: scan_table(name, settings, nights=nights)
        for name in ("gold.user_features", HABIT, "gold.context_patterns")
    }
    ledgers = {
        name: scan_table(name, settings, Interval(look_back_start(nights.start, days + ahead), nights.end)).filter(
            pl.col("local_date") >= look_back_start(nights.start, days)
        )
        for name, days, ahead in (("gold.user_day", LOOK_BACK_DAYS, PLAN_DAYS), (categories.LEDGER, categories.DAYS, 0))
    }
    if len(nights) > 1:
        # Every night looks back to much of the same, which is opened once.
        ledgers = {name: ledger.collect().lazy() for name, ledger in ledgers.items()}
    return snapshots, ledgers, scan_table("silver.profiles", settings, upto=nights.end)


def _records(nights: Interval, snapshots: Frames, ledgers: Frames, profiles: pl.LazyFrame) -> Iterator[pa.Table]:
    for night in nights.nights():
        of_night = {name: rows.filter(pl.col("batch_date") == night) for name, rows in snapshots.items()}
        people = known_of_people(of_night, ledgers, profiles, night)
        for some in people.iter_slices(PEOPLE_PER_CHUNK):
            yield user_analytics(some).to_arrow()
