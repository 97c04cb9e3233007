"""Bring the nights' changes to Postgres and build the marts.

``python -m spark_jobs.export.run --start 2026-01-05 [--end 2026-01-06]``
"""

import sys
import time
from collections.abc import Mapping, Sequence
from datetime import date

from habitlake.job import JobContext, run_job
from habitlake.nights.ledger import MIGRATIONS as LEDGER_MIGRATIONS
from habitlake.runtime import postgres
from spark_jobs.export.copy import changed_nights, export_table, partition_fingerprints, prepare
from spark_jobs.export.dbt import build
from spark_jobs.export.tables import EXPORTED


def run(context: JobContext) -> Mapping[str, object]:
    """Export every table, then run dbt."""
    settings, interval = context.settings, context.interval
    started = time.monotonic()
    total = 0
    copied_before: set[date] = set()
    touched = set(interval.nights())
    with postgres.connect("habitlake", settings) as connection:
        connection.autocommit = True
        # One dbt run at a time: Postgres deadlocks on concurrent builds of the same relations.
        connection.execute("SELECT pg_advisory_lock(hashtext('habitlake.marts'))")
        connection.execute(LEDGER_MIGRATIONS.read_text())
        prepare(connection, EXPORTED)
        copied_before = {row[0] for row in connection.execute("SELECT DISTINCT batch_date FROM lake._exports")}
        for name in EXPORTED:
            touched |= set(changed_nights(connection, name, partition_fingerprints(name, settings), interval))
            nights, rows = export_table(connection, name, interval, settings)
            total += rows
            context.log.debug("exported", table=name, nights_copied=nights, rows=rows)
        copied = time.monotonic() - started
        # A night that is copied again may have lost rows; then only a full build forgets them.
        nodes = build(sorted(touched), settings, full_refresh=bool(touched & copied_before))
    return {
        "rows": total,
        "copy_seconds": round(copied, 2),
        "rows_per_s": round(total / max(copied, 0.001)),
        "dbt_nodes": nodes,
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job("export", run, description=__doc__ or "", argv=argv)


if __name__ == "__main__":
    sys.exit(main())
