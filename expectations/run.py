"""Check a gate over the nights; a broken ``fail`` expectation stops the night before anything is published.

``python -m expectations.run --gate silver|gold|queue --start 2026-01-05 [--end 2026-01-06]``
"""

import argparse
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl
import pyarrow as pa

from expectations.checks import FAIL, WARN, Check, Gate, Suite
from expectations.suites import suites_of
from expectations.validate import Validator, result_row
from habitlake.cli.lake import open_lake
from habitlake.clock import Interval
from habitlake.errors import GateFailedError
from habitlake.job import JobContext, run_job
from habitlake.lake import arrow_schema, count_rows, replace_nights, scan_table
from habitlake.settings import Settings
from habitlake.tables import get_table

SHOWN = 5
ROWS_AT_ONCE = 2_000_000


def partitions(suite: Suite, interval: Interval, settings: Settings) -> Iterator[tuple[list[date], pl.DataFrame]]:
    """Yield nights and what the suite looks at of them, sorted; as many are read at once as fit in memory.

    DuckDB computes the derived columns while it reads, so that of a large night only what is checked becomes rows
    in this process.
    """
    lake = open_lake(settings, mentioned_in=suite.table)
    per_night = count_rows(suite.table, settings, interval) // len(interval)
    step = max(1, ROWS_AT_ONCE // max(per_night, 1))
    nights = list(interval.nights())
    for first in range(0, len(nights), step):
        part = nights[first : first + step]
        predicate = f"batch_date BETWEEN DATE '{part[0]}' AND DATE '{part[-1]}'"
        rows = pl.DataFrame(lake.sql(suite.partitions_sql(predicate)).to_arrow_table())
        yield part, rows.sort("batch_date", *suite.columns)


def judge(validator: Validator, suite: Suite, nights: Sequence[date], rows: pl.DataFrame) -> list[dict[str, Any]]:
    """Return the results of each night by itself; what holds for the rows of all nights together is looked at once.

    Parameters
    ----------
    rows
        What the suite looks at of all the nights, sorted by night and key.
    """
    by_night = {night: rows.filter(pl.col("batch_date") == night).drop("batch_date") for night in nights}
    together = {check: check.over_nights for check in suite.checks if check.over_nights} if len(nights) > 1 else {}
    holds = set[Check]()
    if together:
        outcomes = validator.outcomes(list(together.values()), rows)
        holds = {check for check, wider in together.items() if outcomes[wider.name].success}
    results = []
    for night, of_night in by_night.items():
        rest = [check for check in suite.checks if check not in holds or of_night.is_empty()]
        outcomes = validator.outcomes(rest, of_night)
        results += [
            result_row(suite, check, night, of_night.height, outcomes.get(check.name)) for check in suite.checks
        ]
    return results


def check_gate(gate: Gate, interval: Interval, settings: Settings) -> list[dict[str, Any]]:
    """Return the results of every night, table and expectation of a gate; each night is judged by itself."""
    validator = Validator()
    results: list[dict[str, Any]] = []
    for suite in suites_of(gate):
        for nights, rows in partitions(suite, interval, settings):
            results += judge(validator, suite, nights, rows)
    return results


def store_results(gate: str, results: list[dict[str, Any]], interval: Interval, settings: Settings) -> None:
    """Replace the gate's results of the nights; those of the other gates are kept."""
    schema = arrow_schema(get_table("ops.gate_results"))
    others = scan_table("ops.gate_results", settings, nights=interval).filter(pl.col("gate") != gate).collect()
    table = pa.concat_tables([others.to_arrow().cast(schema), pa.Table.from_pylist(results, schema=schema)])
    replace_nights(table, "ops.gate_results", interval, settings)


def show_command(row: Mapping[str, Any]) -> str:
    """Return the ``habitlake sql`` line that shows the rows behind a result, ready for a shell."""
    suite = next(suite for suite in suites_of(row["gate"]) if suite.table == row["table_name"])
    check = next(check for check in suite.checks if check.name == row["expectation"])
    sql = suite.rows_sql(check, str(row["batch_date"]), json.loads(row["sample"]))
    return 'habitlake sql "' + re.sub(r'(["$`\\\\])', r"\\\1", sql) + '"'


def failure_screen(gate: str, failed: Sequence[Mapping[str, Any]]) -> str:
    """Return one screen that says what was wrong and where the rows are."""
    count = f"{len(failed)} expectation does" if len(failed) == 1 else f"{len(failed)} expectations do"
    lines = [f"gate {gate} failed: {count} not hold; nothing was published"]
    for row in failed[:SHOWN]:
        sample = f", such as {row['sample']}" if row["sample"] != "[]" else ""
        lines += [
            f"  {row['batch_date']} {row['table_name']}: {row['expectation']}",
            f"    observed {row['observed']}, {row['unexpected_count']} of {row['row_count']} rows{sample}",
            f"    rows: {show_command(row)}",
        ]
    if len(failed) > SHOWN:
        lines.append(f"  and {len(failed) - SHOWN} more")
    lines += [
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
