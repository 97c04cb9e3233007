"""The audit of every landing file: what became of its lines, and the proof that none was lost."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

import pyarrow as pa

from habitlake.contracts import Reason
from habitlake.errors import PermanentError
from habitlake.lake import arrow_schema
from habitlake.tables import get_table
from spark_jobs.ingest.dedupe import CONFLICT, DUPLICATE, SUPERSEDED


@dataclass(slots=True)
class FileAudit:
    """Counts of one landing file; ``superseded`` profile events are among the accepted."""

    raw: int = 0
    accepted: int = 0
    duplicates: int = 0
    superseded: int = 0
    reasons: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    @property
    def rejected(self) -> int:
        """Refused lines."""
        return sum(self.reasons.values())


Audit = dict[tuple[date, str], FileAudit]


def audit_files(
    files: Iterable[tuple[date, str]],
    line_counts: Iterable[tuple[date, str, str | None, int]],
    repeat_counts: Iterable[tuple[date, str, str, int]],
) -> Audit:
    """Add up the audit of every file; a file without lines has one too.

    Parameters
    ----------
    files
        Landing files of the nights: (batch date, file).
    line_counts
        (batch date, file, reason of the parse or None, lines).
    repeat_counts
        (batch date, file, duplicate | conflict | superseded, lines).
    """
    audit: Audit = {key: FileAudit() for key in files}
    for night, file, reason, count in line_counts:
        entry = audit[night, file]
        entry.raw += count
        if reason is None:
            entry.accepted += count
        else:
            entry.reasons[reason] += count
    for night, file, kind, count in repeat_counts:
        entry = audit[night, file]
        if kind == SUPERSEDED:
            entry.superseded += count
            continue
        entry.accepted -= count
        if kind == CONFLICT:
            entry.reasons[str(Reason.CONFLICT)] += count
        elif kind == DUPLICATE:
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


def check_identity(audit: Audit, written: Mapping[tuple[date, str], tuple[int, int]], stored: tuple[int, int]) -> None:
    """Check that what was written is what was read: no line lost, none counted twice.

    Parameters
    ----------
    written
        Rows put into silver per file: (accepted, rejected).
    stored
        Rows that the tables hold for the nights after the commits: (accepted, rejected).

    Raises
    ------
    PermanentError
        If a count differs; nothing downstream may run on such a night.
    """
    for key, entry in audit.items():
        accepted, rejected = written.get(key, (0, 0))
        kept = (accepted + entry.superseded, rejected)
        if kept != (entry.accepted, entry.rejected) or entry.raw != sum(kept) + entry.duplicates:
            msg = (
                f"the audit of {key[1]} (night {key[0]}) does not add up: raw {entry.raw}, accepted {entry.accepted},"
                f" duplicates {entry.duplicates}, rejected {entry.rejected}, but written {kept};"
                " the night is not to be used: run ingestion again and report it"
            )
            raise PermanentError(msg)
    total = (sum(accepted for accepted, _ in written.values()), sum(rejected for _, rejected in written.values()))
    if stored != total:
        msg = (
            f"silver holds {stored} accepted and rejected rows of these nights, {total} were written;"
            " another run wrote the same nights: run ingestion again"
        )
        raise PermanentError(msg)
