"""Reads and writes gold.habit_state and gold.user_analytics, a bounded stretch of nights at a time."""

from datetime import date

from pyspark.sql import DataFrame, SparkSession

from habitlake.clock import Interval
from habitlake.lake import count_rows, stored_nights
from habitlake.settings import Settings
from spark_jobs.common.delta import read_table, write_nights
from spark_jobs.features import categories
from spark_jobs.features.analytics import user_analytics
from spark_jobs.features.as_known import LOOK_BACK_DAYS, look_back_start, passes, snapshot_before
from spark_jobs.features.habit import habit_states, origin_of

HABIT, ANALYTICS = "gold.habit_state", "gold.user_analytics"
TABLES = (HABIT, ANALYTICS)


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


def build_analytics(spark: SparkSession, interval: Interval, settings: Settings) -> None:
    """Write gold.user_analytics of the nights, pass after pass."""
    for nights in passes(interval, _entries(interval, settings)):
        snapshots = {
            name: read_table(spark, name, settings, nights=nights)
            for name in ("gold.user_features", HABIT, "gold.context_patterns")
        }
        start = look_back_start(nights.start)
        ledgers = {
            name: read_table(
                spark,
                name,
                settings,
                nights=Interval(start, nights.end),
                local_from=look_back_start(nights.start, days),
            )
            for name, days in (("gold.user_day", LOOK_BACK_DAYS), (categories.LEDGER, categories.DAYS))
        }
        profiles = read_table(spark, "silver.profiles", settings, upto=nights.end)
        write_nights(user_analytics(snapshots, ledgers, profiles, nights), ANALYTICS, nights, settings)
