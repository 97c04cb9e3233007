"""Bring the nights' changes to Postgres and build the marts.

``python -m spark_jobs.export.run --start 2026-01-05 [--end 2026-01-06] [--full-refresh] [--all-tests]``

The interval's nights are always copied; so is any other night whose files changed since its last copy (a repair,
a late batch, an erasure).
"""

import argparse
import sys
import time
from collections.abc import Sequence

from habitlake.job import JobContext, Summary, run_job
from habitlake.nights.ledger import MIGRATIONS as LEDGER_MIGRATIONS
from habitlake.runtime import postgres
from spark_jobs.export.copy import bulk_connection, export_table, prepare
from spark_jobs.export.marts import build, marts_lock
from spark_jobs.export.tables import EXPORTED


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--full-refresh", action="store_true", help="build the marts anew from the whole export")
    parser.add_argument("--all-tests", action="store_true", help="run unit tests and tests over the whole history too")


def run(context: JobContext) -> Summary:
    """Export every table, then build the marts from what changed."""
    settings, options = context.settings, context.options
    started = time.monotonic()
    nights = rows = 0
    with postgres.connect("habitlake", settings) as connection:
        connection.autocommit = True
        with marts_lock(connection):
            # The ledger of nights is a source of the marts and may not have been opened in this world.
            connection.execute(LEDGER_MIGRATIONS.read_text())
            prepare(connection, EXPORTED)
            with bulk_connection(settings) as bulk:
                for name in EXPORTED:
                    table_nights, table_rows = export_table(bulk, name, context.interval, settings)
                    nights, rows = nights + table_nights, rows + table_rows
                    context.log.debug("exported", table=name, nights_copied=table_nights, rows=table_rows)
            copied = time.monotonic()
            nodes = build(connection, settings, full_refresh=options.full_refresh, all_tests=options.all_tests)
    return {
        "partitions": nights,
        "rows": rows,
        "copy_seconds": round(copied - started, 2),
        "rows_per_s": round(rows / max(copied - started, 0.001)),
        "dbt_seconds": round(time.monotonic() - copied, 2),
        "dbt_nodes": nodes,
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job("export", run, description=__doc__ or "", argv=argv, add_arguments=_add_arguments)


if __name__ == "__main__":
    sys.exit(main())
