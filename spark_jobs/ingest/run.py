"""Ingest the landing partitions of an interval: bronze, silver, what was refused, and the audit.

``python -m spark_jobs.ingest.run --start 2026-01-05 [--end 2026-01-06]``
"""

import contextlib
import sys
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from habitlake.clock import Interval
from habitlake.contracts import FAMILIES
from habitlake.job import JobContext, run_job
from habitlake.lake import count_rows, replace_nights
from habitlake.landing import BESIDE_EVENTS, EVENTS, night_files
from habitlake.settings import Settings
from habitlake.storage import filesystem, is_remote, join
from spark_jobs.common.delta import read_files
from spark_jobs.common.session import spark_session
from spark_jobs.ingest.audit import Audit, audit_files, audit_table, check_identity
from spark_jobs.ingest.bronze import BRONZE, Parsed, parse_landing
from spark_jobs.ingest.dedupe import (
    REPEAT_SCHEMA,
    accepted_lines,
    date_ranges,
    identified,
    repeats,
    superseded,
    suspects,
    within,
)
from spark_jobs.ingest.parts import commit_parts, stored_files
from spark_jobs.ingest.plan import cut
from spark_jobs.ingest.silver import REJECTED, SILVER, read_repeats, write_silver
from spark_jobs.ingest.weather import BRONZE_WEATHER, SILVER_WEATHER, ingest_forecasts

PROFILE_EVENTS = [event for family in FAMILIES if family.name == "profile" for event in family.events]
MAX_REPEAT_FILES = 8


def ingest(spark: SparkSession, interval: Interval, settings: Settings, ingested_at: datetime) -> Audit:
    """Ingest the nights; return the audit of every file.

    Raises
    ------
    PermanentError
        If landing cannot be read or the audit does not add up.
    """
    landing = {night: night_files(EVENTS, night, settings) for night in interval.nights()}
    chunks = [chunk for night, files in landing.items() for file in files for chunk in cut(night, file)]
    # Names of files only: what they hold does not depend on it.
    run_id = uuid.uuid4().hex[:12]
    forecasts = ingest_forecasts(spark, interval, settings, run_id, ingested_at)
    parsed = parse_landing(spark, chunks, settings, run_id, ingested_at)
    for name in (BRONZE, BRONZE_WEATHER):
        commit_parts(name, [*parsed.parts, *forecasts.written.parts], interval, settings)
    with _work_folder(run_id, settings) as folder:
        uri = _find_repeats(spark, parsed, interval, folder, settings)
        repeated = read_repeats(uri, None, settings.s3_endpoint_url)
        written = write_silver(spark, parsed.parts, uri if repeated.num_rows else None, settings, run_id)
    for name in (*SILVER, SILVER_WEATHER):
        commit_parts(name, [*written.parts, *forecasts.written.parts], interval, settings)

    kinds = repeated.group_by(["batch_date", "_source_file", "kind"]).aggregate([([], "count_all")])
    audit = audit_files(
        ((night, file.relative) for night, files in landing.items() for file in files),
        ((kind.batch_date, kind.source_file, kind.reason, count) for kind, count in parsed.counts.items()),
        ((row["batch_date"], row["_source_file"], row["kind"], row["count_all"]) for row in kinds.to_pylist()),
    )
    audit |= forecasts.audit
    replace_nights(audit_table(audit), "silver.batch_audit", interval, settings)
    stored = sum(count_rows(name, settings, interval) for name in (*SILVER, SILVER_WEATHER) if name != REJECTED)
    rejected = count_rows(REJECTED, settings, interval)
    check_identity(audit, written.rows | forecasts.written.rows, (stored, rejected))
    return audit


def _find_repeats(
    spark: SparkSession, parsed: Parsed, interval: Interval, folder: str, settings: Settings
) -> str | None:
    """Write the lines that do not become rows to the folder and return it; None when every accepted line does."""
    accepted = [kind for kind in parsed.counts if kind.reason is None]
    dates = sorted({kind.event_date for kind in accepted if kind.event_date is not None})
    if not dates:
        return None
    bronze = accepted_lines(read_files(spark, BRONZE, [part.path for part in parsed.parts], settings))
    earlier = stored_files(BRONZE, interval.start, date_ranges(dates), settings)
    history = within(accepted_lines(read_files(spark, BRONZE, earlier, settings)), dates) if earlier else None
    uri = folder.replace("s3://", "s3a://", 1) if is_remote(folder) else folder
    lines = identified(bronze, history)
    # Kept, so that its size is known when the plan of the comparison is made: as a rule it is small enough
    # to spare the lines a shuffle.
    suspected = suspects(lines).persist()
    suspected.count()
    repeats(lines, suspected).coalesce(MAX_REPEAT_FILES).write.mode("overwrite").parquet(uri)
    suspected.unpersist()
    if any(kind.event_type in PROFILE_EVENTS for kind in accepted):
        profiles = bronze.where(F.col("event_type").isin(PROFILE_EVENTS))
        found = superseded(profiles, spark.read.schema(REPEAT_SCHEMA).parquet(uri))
        # Written last, beside the files that were read for it.
        found.coalesce(1).write.mode("append").parquet(uri)
    return folder


@contextlib.contextmanager
def _work_folder(run_id: str, settings: Settings) -> Iterator[str]:
    """Name a folder beside the tables that every worker reaches; it is gone afterwards."""
    folder = join(settings.lake, "_work", f"ingest-{run_id}")
    try:
        yield folder
    finally:
        system, path = filesystem(folder, settings.s3_endpoint_url)
        with contextlib.suppress(FileNotFoundError):
            system.delete_dir(path)


def run(context: JobContext) -> Mapping[str, object]:
    """Ingest the interval and report what became of its lines."""
    with spark_session("ingest", context.settings) as spark:
        # The audit column records the run; no computation reads it.
        audit = ingest(spark, context.interval, context.settings, datetime.now(UTC))
    nights = {night for night, file in audit if not file.startswith(BESIDE_EVENTS)}
    empty = [str(night) for night in context.interval.nights() if night not in nights]
    if empty:
        context.log.warning(
            "no landing files of events; these nights are empty", empty=empty, landing=context.settings.landing
        )
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
