"""Bronze to silver: accepted events by family, refused lines with their reason, and the audit of every file."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from habitlake.contracts import Family, Reason
from habitlake.errors import PermanentError
from habitlake.lake import arrow_schema
from habitlake.tables import get_table
from habitlake.tables.events import CONTEXT_COLUMNS
from spark_jobs.ingest.dedupe import LINE_KEY

READ_REASONS = (Reason.UNREADABLE_FILE, Reason.INVALID_ENCODING, Reason.OVERSIZED_LINE, Reason.EMPTY_LINE)
ENVELOPE = (
    "batch_date",
    "event_id",
    "content_hash",
    "user_id",
    "event_type",
    "event_at",
    "event_offset_s",
    "event_date",
    "schema_version",
)
CONFLICT_DETAIL = "an earlier line has this event id on this date with other content"


def family_events(bronze: DataFrame, repeated: DataFrame, family: Family) -> DataFrame:
    """Return the family's accepted events, one row each; for profiles the newest version per batch and user."""
    events = (
        bronze.where(F.col("reason").isNull() & F.col("event_type").isin(list(family.events)))
        .join(F.broadcast(repeated.select(*LINE_KEY)), on=list(LINE_KEY), how="left_anti")
        .select(
            *ENVELOPE,
            *(F.col(f"payload.{spec.column}").alias(spec.column) for spec in family.fields()),
            *(
                (F.col(f"context.{column.name}").alias(column.name) for column in CONTEXT_COLUMNS)
                if family.with_context
                else ()
            ),
            "extras",
            "_source_file",
            "_line",
            "_ingested_at",
        )
    )
    return newest_profiles(events) if family.name == "profile" else events


def newest_profiles(events: DataFrame) -> DataFrame:
    """Return per batch and user the profile event with the latest event time; ties go to the greater event id."""
    # A map cannot be compared, so the order is given apart from the row it picks.
    row = F.struct(*events.columns)
    newest = events.groupBy("batch_date", "user_id").agg(F.max_by(row, F.struct("event_at", "event_id")).alias("row"))
    return newest.select("row.*")


def rejected_lines(bronze: DataFrame, repeated: DataFrame) -> DataFrame:
    """Return every refused line with reason, detail and the stage that refused it."""
    stage = F.when(F.col("reason").isin([str(reason) for reason in READ_REASONS]), "read").otherwise("parse")
    columns = get_table("silver.rejected").column_names
    refused = bronze.where(F.col("reason").isNotNull()).withColumn("stage", stage).select(*columns)
    conflicts = (
        bronze.where(F.col("reason").isNull())
        .join(F.broadcast(repeated.where("conflict").select(*LINE_KEY)), on=list(LINE_KEY), how="left_semi")
        .withColumns(
            {"reason": F.lit(str(Reason.CONFLICT)), "detail": F.lit(CONFLICT_DETAIL), "stage": F.lit("dedupe")}
        )
        .select(*columns)
    )
    return refused.unionByName(conflicts)


@dataclass(slots=True)
class FileAudit:
    """Counts of one landing file."""

    raw: int = 0
    accepted: int = 0
    duplicates: int = 0
    reasons: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    @property
    def rejected(self) -> int:
        """Refused lines."""
        return sum(self.reasons.values())


Audit = dict[tuple[date, str], FileAudit]


def audit_files(
    files: Iterable[tuple[date, str]],
    line_counts: Iterable[tuple[date, str, str | None, int]],
    repeat_counts: Iterable[tuple[date, str, bool, int]],
) -> Audit:
    """Add up the audit of every file; a file without lines has one too.

    Parameters
    ----------
    files
        Landing files of the nights: (batch date, file).
    line_counts
        (batch date, file, reason of the parse or None, lines).
    repeat_counts
        (batch date, file, whether a conflict, lines).
    """
    audit: Audit = {key: FileAudit() for key in files}
    for night, file, reason, count in line_counts:
        entry = audit[night, file]
        entry.raw += count
        if reason is None:
            entry.accepted += count
        else:
            entry.reasons[reason] += count
    for night, file, conflict, count in repeat_counts:
        entry = audit[night, file]
        entry.accepted -= count
        if conflict:
            entry.reasons[str(Reason.CONFLICT)] += count
        else:
            entry.duplicates += count
    return audit


def audit_table(audit: Audit) -> pa.Table:
    """Return the audit as rows of silver.batch_audit."""
    rows = [
        {
            "batch_date": night,
            "_source_file": file,
            "raw_count": entry.raw,
            "accepted_count": entry.accepted,
            "duplicate_count": entry.duplicates,
            "rejected_count": entry.rejected,
            "reasons": sorted(entry.reasons.items()),
        }
        for (night, file), entry in sorted(audit.items())
    ]
    return pa.Table.from_pylist(rows, schema=arrow_schema(get_table("silver.batch_audit")))


def check_identity(audit: Audit, written: Mapping[str, int]) -> None:
    """Check that what was written is what was read: no line lost, none counted twice.

    Parameters
    ----------
    written
        Rows found in silver after the write: ``accepted`` (profile events included) and ``rejected``.

    Raises
    ------
    PermanentError
        If a count differs; nothing downstream may run on such a night.
    """
    expected: dict[str, Any] = {
        "accepted": sum(entry.accepted for entry in audit.values()),
        "rejected": sum(entry.rejected for entry in audit.values()),
    }
    raw = sum(entry.raw for entry in audit.values())
    duplicates = sum(entry.duplicates for entry in audit.values())
    if expected != dict(written) or raw != expected["accepted"] + duplicates + expected["rejected"]:
        msg = (
            f"the audit does not add up: raw {raw}, duplicates {duplicates}, expected {expected}, written {dict(written)};"
            " the night is not to be used; run ingestion again and report it"
        )
        raise PermanentError(msg)
