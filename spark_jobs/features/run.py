"""Build the ledgers and the feature snapshots of an interval.

``python -m spark_jobs.features.run --start 2026-01-05 [--end 2026-01-06]``
"""

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from pyspark.sql import SparkSession

from habitlake.clock import ONE_DAY, Interval
from habitlake.job import JobContext, run_job
from habitlake.lake import count_rows, stored_nights
from habitlake.settings import Settings
from spark_jobs.common.delta import read_table, write_nights
from spark_jobs.common.session import spark_session
from spark_jobs.features import categories, contexts, patterns, people, sequences
from spark_jobs.features.as_known import (
    LOOK_BACK_DAYS,
    PLAN_DAYS,
    look_back_start,
    passes,
    people_by_night,
    snapshot_before,
    with_profile,
)
from spark_jobs.features.categories import category_entries
from spark_jobs.features.contexts import context_entries
from spark_jobs.features.user_day import ledger_entries
from spark_jobs.features.user_features import snapshots

EVENT_TABLES = (
    "silver.workouts",
    "silver.interactions",
    "silver.wellbeing",
    "silver.intervention_events",
    "silver.profiles",
)


# Every grouping and join of a snapshot is by person first. Spark would broadcast the joins of a small lake (a
# range of 60 nights and 2,000 people took 20 s instead of 12) and distribute a large one again for each of them.
BY_PERSON = {
    "spark.sql.autoBroadcastJoinThreshold": "-1",
    "spark.sql.requireAllClusterKeysForCoPartition": "false",
}
# A small night's work is planning, compiling and starting tasks. Planning once and not again after every stage took a
# night of 2,000 people 38 s of processor time instead of 47.
SMALL = {"spark.sql.adaptive.enabled": "false"}
SMALL_ROWS = 2_000_000
# Compiling the generated code of these wide plans takes the smallest nights longer than interpreting them: one night of
# 60 people took 27 s of processor time compiled and 14 s interpreted, 29 nights of them 35 s and 25 s. Above about twice
# as many rows compiling wins. Results are the same.
INTERPRETED = {"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN"}
INTERPRETED_ROWS = 60_000


def suit_size(spark: SparkSession, interval: Interval, settings: Settings) -> None:
    """Set how Spark plans and runs by the rows of the nights, each ledger entry counted on every night."""
    window = Interval(look_back_start(interval.start), interval.end)
    rows = count_rows("gold.user_day", settings, window) * len(interval)
    rows += sum(count_rows(name, settings, interval) for name in EVENT_TABLES)
    chosen = {}
    if rows <= SMALL_ROWS:
        # One file a night, as adaptive planning would make; a range gathers its nights when it writes them.
        chosen = SMALL | {"spark.sql.shuffle.partitions": "1" if len(interval) == 1 else "2"}
    if rows <= INTERPRETED_ROWS:
        chosen |= INTERPRETED
    for name, value in chosen.items():
        spark.conf.set(name, value)


def build_ledgers(spark: SparkSession, interval: Interval, settings: Settings) -> None:
    """Write the ledgers of the nights: facts, circumstances and categories of local days."""
    events = {name: read_table(spark, name, settings, nights=interval) for name in EVENT_TABLES}
    profiles = read_table(spark, "silver.profiles", settings, upto=interval.end)
    workouts, interactions = events["silver.workouts"], events["silver.interactions"]
    ledgers = {
        "gold.user_day": ledger_entries(events, profiles),
        contexts.LEDGER: context_entries(workouts, profiles),
        categories.LEDGER: category_entries(workouts, interactions, profiles),
    }
    # A small night's write is waiting more than work, so the three go side by side.
    with ThreadPoolExecutor(len(ledgers)) as pool:
        writes = [pool.submit(write_nights, entries, name, interval, settings) for name, entries in ledgers.items()]
        for write in writes:
            write.result()


def build_user_features(spark: SparkSession, interval: Interval, settings: Settings) -> None:
    """Write gold.user_features of the nights, pass after pass; each starts from the snapshot of the pass before."""
    for name, value in BY_PERSON.items():
        spark.conf.set(name, value)
    entries = count_rows("gold.user_day", settings, Interval(look_back_start(interval.start), interval.end))
    for nights in passes(interval, entries):
        _build_pass(spark, nights, settings)


def _build_pass(spark: SparkSession, interval: Interval, settings: Settings) -> None:
    snapshot = snapshot_before(stored_nights("gold.user_features", settings), interval.start)
    before = (
        None
        if snapshot is None
        else read_table(spark, "gold.user_features", settings, nights=Interval(snapshot, snapshot))
    )
    ledgers = {
        name: read_table(
            spark,
            name,
            settings,
            nights=Interval(look_back_start(interval.start, days + ahead), interval.end),
            local_from=look_back_start(interval.start, days),
        )
        for name, days, ahead in (
            ("gold.user_day", LOOK_BACK_DAYS, PLAN_DAYS),
            (contexts.LEDGER, contexts.DAYS, 0),
            (categories.LEDGER, categories.DAYS, 0),
        )
    }
    since = (
        read_table(spark, "gold.user_day", settings, upto=interval.end)
        if snapshot is None
        else read_table(spark, "gold.user_day", settings, nights=Interval(snapshot + ONE_DAY, interval.end))
    )
    profiles = read_table(spark, "silver.profiles", settings, upto=interval.end)
    known = with_profile(people_by_night(since, before, interval), profiles).persist()
    try:
        write_nights(snapshots(ledgers, known, interval), "gold.user_features", interval, settings)
    finally:
        known.unpersist()


def _timed(context: JobContext, what: str, build: Callable[[], None]) -> None:
    """Build and log the seconds it took."""
    started = time.monotonic()
    build()
    context.log.info("written", table=what, seconds=round(time.monotonic() - started, 2))


def run(context: JobContext) -> Mapping[str, object]:
    """Build the ledgers and what is made of them, table by table; report their rows."""
    interval, settings = context.interval, context.settings
    with spark_session("features", settings) as spark:
        suit_size(spark, interval, settings)
        _timed(context, "ledgers", lambda: build_ledgers(spark, interval, settings))
        _timed(context, "gold.user_features", lambda: build_user_features(spark, interval, settings))
        _timed(context, patterns.TABLE, lambda: patterns.build_patterns(interval, settings))
        _timed(context, "gold.habit_state", lambda: people.build_habit(spark, interval, settings))
        _timed(context, "gold.user_analytics", lambda: people.build_analytics(interval, settings))
        _timed(context, sequences.TABLE, lambda: sequences.build_user_sequences(interval, settings))
    tables = (
        "gold.user_day", contexts.LEDGER, categories.LEDGER, "gold.user_features", patterns.TABLE, *people.TABLES,
        sequences.TABLE,
    )  # fmt: skip
    return {name.removeprefix("gold."): count_rows(name, settings, interval) for name in tables}


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job("features", run, description=__doc__ or "", argv=argv)


if __name__ == "__main__":
    sys.exit(main())
