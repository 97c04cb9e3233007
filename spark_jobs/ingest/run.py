"""Ingest the landing partitions of an interval: bronze, silver, what was refused, and the audit.

``python -m spark_jobs.ingest.run --start 2026-01-05 [--end 2026-01-06]``
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from habitlake.clock import ONE_DAY, Interval
from habitlake.contracts import FAMILIES, FAMILY_OF
from habitlake.job import JobContext, run_job
from habitlake.lake import count_rows, replace_nights, stored_nights
from habitlake.settings import Settings
from spark_jobs.common.delta import read_table, write_nights
from spark_jobs.common.session import spark_session
from spark_jobs.ingest.bronze import empty_bronze, parse_landing
from spark_jobs.ingest.dedupe import repeats, touched
from spark_jobs.ingest.plan import cut, landing_files
from spark_jobs.ingest.silver import Audit, audit_files, audit_table, check_identity, family_events, rejected_lines

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
    lines = bronze.groupBy("batch_date", "_source_file", "reason", "event_type", "event_date").count().collect()
    accepted = [line for line in lines if line.reason is None]
    repeated = _repeats(spark, bronze, sorted({line.event_date for line in accepted}), interval, settings)
    repeated.persist()
    try:
        counted = repeated.groupBy("batch_date", "_source_file", "event_type", "conflict").count().collect()
        audit = audit_files(
            ((night, file.relative) for night, files in landing.items() for file in files),
            ((line.batch_date, line["_source_file"], line.reason, line["count"]) for line in lines),
            ((line.batch_date, line["_source_file"], line.conflict, line["count"]) for line in counted),
        )
        _write_silver(bronze, repeated, {FAMILY_OF[line.event_type].name for line in accepted}, interval, settings)
    finally:
        repeated.unpersist()
    replace_nights(audit_table(audit), "silver.batch_audit", interval, settings)
    # Silver keeps one profile a user and batch, so accepted profile events are counted before that choice.
    profiles = sum(line["count"] for line in accepted if FAMILY_OF[line.event_type].name == PROFILE_FAMILY) - sum(
        line["count"] for line in counted if FAMILY_OF[line.event_type].name == PROFILE_FAMILY
    )
    check_identity(audit, _written(interval, settings, profiles))
    return audit


def _repeats(
    spark: SparkSession, bronze: DataFrame, dates: Sequence[date], interval: Interval, settings: Settings
) -> DataFrame:
    accepted = bronze.where(F.col("reason").isNull())
    earlier = [night for night in stored_nights("bronze.events", settings) if night < interval.start]
    history = None
    if earlier and dates:
        past = Interval(min(earlier), interval.start - ONE_DAY)
        history = touched(
            read_table(spark, "bronze.events", settings, nights=past).where(F.col("reason").isNull()), dates
        )
    return repeats(accepted, history)


def _write_silver(
    bronze: DataFrame, repeated: DataFrame, families: set[str], interval: Interval, settings: Settings
) -> None:
    """Write the families that have events, and clear those that had some in an earlier run of these nights."""

    def write(name: str, frame: DataFrame) -> Callable[[], None]:
        return lambda: write_nights(frame, name, interval, settings)

    writes = [
        write(family.table, family_events(bronze, repeated, family))
        for family in FAMILIES
        if family.name in families or count_rows(family.table, settings, interval)
    ]
    writes.append(write("silver.rejected", rejected_lines(bronze, repeated)))
    with ThreadPoolExecutor(PARALLEL_WRITES) as pool:
        for future in [pool.submit(task) for task in writes]:
            future.result()


def _written(interval: Interval, settings: Settings, accepted_profiles: int) -> Mapping[str, int]:
    """Count what silver holds for the nights, from the tables' logs."""
    events = sum(count_rows(family.table, settings, interval) for family in FAMILIES if family.name != PROFILE_FAMILY)
    return {"accepted": events + accepted_profiles, "rejected": count_rows("silver.rejected", settings, interval)}


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
