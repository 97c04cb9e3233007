"""Ingest the landing partitions of an interval: bronze, silver, what was refused, and the audit.

``python -m spark_jobs.ingest.run --start 2026-01-05 [--end 2026-01-06]``
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from habitlake.clock import Interval
from habitlake.contracts import FAMILIES
from habitlake.job import JobContext, run_job
from habitlake.lake import replace_nights, stored_nights
from habitlake.settings import Settings
from spark_jobs.common.delta import read_table, write_nights
from spark_jobs.common.session import spark_session
from spark_jobs.ingest.bronze import empty_bronze, parse_landing
from spark_jobs.ingest.dedupe import LINE_KEY, repeats, touched
from spark_jobs.ingest.plan import cut, landing_files
from spark_jobs.ingest.silver import Audit, audit_files, audit_table, check_identity, family_events, rejected_lines

BEGINNING = date(1970, 1, 1)
PARALLEL_WRITES = 3
PROFILE_FAMILY = "profile"


def ingest(spark: SparkSession, interval: Interval, settings: Settings, ingested_at: datetime) -> Audit:
    """Ingest the nights; return the audit of every file.

    Raises
    ------
    PermanentError
        If landing cannot be read or the audit does not add up.
    """
    landing = landing_files(interval, settings)
    chunks = [chunk for night, files in landing.items() for file in files for chunk in cut(night, file)]
    parsed = parse_landing(spark, chunks, settings, ingested_at) if chunks else empty_bronze(spark, ingested_at)
    write_nights(parsed, "bronze.events", interval, settings, gather=False)

    bronze = read_table(spark, "bronze.events", settings, nights=interval)
    lines = bronze.groupBy("batch_date", "_source_file", "reason", "event_date").count().collect()
    repeated = _repeats(spark, bronze, lines_dates(lines), interval, settings)
    repeated.persist()
    try:
        repeat_counts = repeated.groupBy("batch_date", "_source_file", "conflict").count().collect()
        audit = audit_files(
            ((night, file.relative) for night, files in landing.items() for file in files),
            ((row.batch_date, row["_source_file"], row.reason, row["count"]) for row in lines),
            ((row.batch_date, row["_source_file"], row.conflict, row["count"]) for row in repeat_counts),
        )
        _write_silver(bronze, repeated, interval, settings)
    finally:
        repeated.unpersist()
    replace_nights(audit_table(audit), "silver.batch_audit", interval, settings)
    check_identity(audit, _written(spark, interval, settings, repeated))
    return audit


def lines_dates(lines: Sequence[object]) -> list[date]:
    """Return the distinct event dates of accepted lines."""
    return sorted({row.event_date for row in lines if row.event_date is not None and row.reason is None})  # type: ignore[attr-defined]


def _repeats(
    spark: SparkSession, bronze: DataFrame, dates: Sequence[date], interval: Interval, settings: Settings
) -> DataFrame:
    accepted = bronze.where(F.col("reason").isNull())
    earlier = [night for night in stored_nights("bronze.events", settings) if night < interval.start]
    history = None
    if earlier and dates:
        past = Interval(min(earlier), interval.start - timedelta(days=1))
        history = touched(read_table(spark, "bronze.events", settings, nights=past).where(F.col("reason").isNull()), dates)
    return repeats(accepted, history)


def _write_silver(bronze: DataFrame, repeated: DataFrame, interval: Interval, settings: Settings) -> None:
    def write(name: str, frame: DataFrame) -> Callable[[], None]:
        return lambda: write_nights(frame, name, interval, settings)

    writes = [write(family.table, family_events(bronze, repeated, family)) for family in FAMILIES]
    writes.append(write("silver.rejected", rejected_lines(bronze, repeated)))
    with ThreadPoolExecutor(PARALLEL_WRITES) as pool:
        for future in [pool.submit(task) for task in writes]:
            future.result()


def _written(spark: SparkSession, interval: Interval, settings: Settings, repeated: DataFrame) -> Mapping[str, int]:
    """Count what silver now holds for the nights; profile events are counted in bronze, since silver keeps one a user."""
    counts = {"accepted": 0, "rejected": 0}
    for family in FAMILIES:
        if family.name != PROFILE_FAMILY:
            counts["accepted"] += read_table(spark, family.table, settings, nights=interval).count()
    profiles = next(family for family in FAMILIES if family.name == PROFILE_FAMILY)
    bronze = read_table(spark, "bronze.events", settings, nights=interval)
    counts["accepted"] += (
        bronze.where(F.col("reason").isNull() & F.col("event_type").isin(list(profiles.events)))
        .join(F.broadcast(repeated), on=list(LINE_KEY), how="left_anti")
        .count()
    )
    counts["rejected"] = read_table(spark, "silver.rejected", settings, nights=interval).count()
    return counts


def run(context: JobContext) -> Mapping[str, object]:
    """Ingest the interval and report what became of its lines."""
    with spark_session("ingest", context.interval, context.settings) as spark:
        # The audit column records the run; no computation reads it.
        audit = ingest(spark, context.interval, context.settings, datetime.now(UTC))
    if not audit:
        context.log.warning("no landing files; the nights are empty", landing=context.settings.landing)
    reasons: dict[str, int] = {}
    for entry in audit.values():
        for reason, count in entry.reasons.items():
            reasons[reason] = reasons.get(reason, 0) + count
    return {
        "files": len(audit),
        "raw": sum(entry.raw for entry in audit.values()),
        "accepted": sum(entry.accepted for entry in audit.values()),
        "duplicates": sum(entry.duplicates for entry in audit.values()),
        "rejected": sum(reasons.values()),
        **{f"rejected_{reason}": count for reason, count in sorted(reasons.items())},
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job("ingest", run, description=__doc__ or "", argv=argv)


if __name__ == "__main__":
    sys.exit(main())
