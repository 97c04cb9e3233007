"""Check a gate over the nights; a broken ``fail`` expectation stops the night before anything is published.

``python -m expectations.run --gate silver|gold|queue --start 2026-01-05 [--end 2026-01-06]``
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
import pyarrow as pa

from expectations.suites import FAIL, WARN, Suite, suites_of
from expectations.validate import Validator
from habitlake.clock import Interval
from habitlake.errors import GateFailedError
from habitlake.job import JobContext, run_job
from habitlake.lake import arrow_schema, replace_nights, scan_table
from habitlake.settings import Settings
from habitlake.tables import get_table

SHOWN = 12


def partition(suite: Suite, interval: Interval, settings: Settings) -> pl.DataFrame:
    """Return the suite's columns of the nights' partitions, with derived columns."""
    frame = scan_table(suite.table, settings, nights=interval).select(suite.columns())
    return frame.with_columns(**dict(suite.derived)).collect()


def check_gate(gate: Any, interval: Interval, settings: Settings) -> list[dict[str, Any]]:
    """Return the results of every night, table and expectation of a gate; each night is judged by itself."""
    validator = Validator()
    results: list[dict[str, Any]] = []
    for suite in suites_of(gate):
        rows = partition(suite, interval, settings)
        for night in interval.nights():
            results += validator.results(suite, night, rows.filter(pl.col("batch_date") == night))
    return results


def store_results(gate: str, results: list[dict[str, Any]], interval: Interval, settings: Settings) -> None:
    """Replace the gate's results of the nights; those of the other gates are kept."""
    schema = arrow_schema(get_table("ops.gate_results"))
    others = scan_table("ops.gate_results", settings, nights=interval).filter(pl.col("gate") != gate).collect()
    table = pa.concat_tables([others.to_arrow().cast(schema), pa.Table.from_pylist(results, schema=schema)])
    replace_nights(table, "ops.gate_results", interval, settings)


def failure_screen(gate: str, failed: list[dict[str, Any]]) -> str:
    """Return one screen that says what was wrong and where the rows are."""
    lines = [f"gate {gate} failed: {len(failed)} expectations do not hold; nothing was published"]
    for row in failed[:SHOWN]:
        lines += [
            f"  {row['batch_date']} {row['table_name']}: {row['expectation']}",
            f"    observed {row['observed']}, {row['unexpected_count']} of {row['row_count']} rows, such as {row['sample']}",
        ]
    if len(failed) > SHOWN:
        lines.append(f"  and {len(failed) - SHOWN} more")
    first = failed[0]
    lines += [
        f"rows: habitlake sql \"select * from {first['table_name']} where batch_date = '{first['batch_date']}'\"",
        "all results: habitlake sql \"select * from ops.gate_results where not success and severity = 'fail'\"",
        "what to do: docs/runbooks/gate_failed.md",
    ]
    return "\n".join(lines)


def run(context: JobContext) -> Mapping[str, object]:
    """Check the gate, store its results, and stop the night where a fail expectation is broken."""
    gate = context.options.gate
    results = check_gate(gate, context.interval, context.settings)
    store_results(gate, results, context.interval, context.settings)
    broken = [row for row in results if not row["success"]]
    for row in [row for row in broken if row["severity"] == WARN][:SHOWN]:
        context.log.warning(
            "expectation does not hold",
            night=str(row["batch_date"]),
            table=row["table_name"],
            expectation=row["expectation"],
            rows=row["unexpected_count"],
        )
    failed = [row for row in broken if row["severity"] == FAIL]
    if failed:
        raise GateFailedError(failure_screen(gate, failed))
    return {"gate": gate, "held": len(results) - len(broken), "warned": len(broken)}


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--gate", required=True, choices=("silver", "gold", "queue"), help="boundary to check")


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job("gates", run, description=__doc__ or "", argv=argv, add_arguments=_arguments)


if __name__ == "__main__":
    sys.exit(main())
