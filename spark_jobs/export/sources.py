"""dbt's description of its sources, derived from the registry so that the two cannot drift apart.

``python -m spark_jobs.export.sources`` writes ``dbt/models/staging/lake/_lake__sources.yml``.
"""

import sys
from typing import Any

import yaml

from habitlake.settings import PROJECT_ROOT
from habitlake.tables import get_table
from spark_jobs.export.changes import CHANGED_KEYS
from spark_jobs.export.tables import (
    EXPORTED,
    EXPORTED_AT,
    EXPORTS,
    SCHEMA,
    exported_columns,
    postgres_name,
    postgres_type,
)

PATH = PROJECT_ROOT / "dbt" / "models" / "staging" / "lake" / "_lake__sources.yml"
HEADER = "# Written by `python -m spark_jobs.export.sources` from the table registry; change the registry instead.\n"
WARN_AFTER_HOURS, ERROR_AFTER_HOURS = 36, 72
NIGHTS = {
    "batch_date": ("date", "the night"),
    "status": ("text", "running, failed or done"),
    "failed_task": ("text", "task that failed last, null when none did"),
    "started_at": ("timestamp with time zone", "when its last run began"),
    "finished_at": ("timestamp with time zone", "when its last run ended well"),
}


class _Dumper(yaml.SafeDumper):
    """Lists are indented below their key, as yamllint wants them."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001
        super().increase_indent(flow, indentless=False)


def _columns(columns: dict[str, tuple[str, str]]) -> list[dict[str, str]]:
    return [{"name": name, "description": text, "data_type": kind} for name, (kind, text) in columns.items()]


def _exported(name: str) -> dict[str, Any]:
    return {
        "name": postgres_name(name),
        "description": get_table(name).grain,
        "config": {
            # The export's own record: a table without a row tonight is fresh too, and nothing large is scanned.
            "loaded_at_query": f"select max(exported_at) from lake._exports where table_name = '{name}'",
        },
        "columns": _columns(
            {
                column.name: (postgres_type(column.sql_type), column.description)
                for column in (*exported_columns(name), EXPORTED_AT)
            }
        ),
    }


def sources() -> dict[str, Any]:
    """Return the content of the sources file."""
    freshness = {
        "warn_after": {"count": WARN_AFTER_HOURS, "period": "hour"},
        "error_after": {"count": ERROR_AFTER_HOURS, "period": "hour"},
    }
    return {
        "version": 2,
        "sources": [
            {
                "name": "lake",
                "schema": SCHEMA,
                "description": "Partitions of the lake, copied by spark_jobs.export",
                "config": {"freshness": freshness},
                "tables": [_exported(name) for name in EXPORTED],
            },
            {
                "name": "changes",
                "schema": SCHEMA,
                "description": "Keys whose rows changed since the marts were last built, kept by spark_jobs.export",
                "tables": [
                    {
                        "name": table,
                        "description": f"One row per changed {', '.join(columns)}",
                        "columns": _columns({name: (kind, "changed key") for name, kind in columns.items()}),
                    }
                    for table, columns in CHANGED_KEYS.items()
                ],
            },
            {
                "name": "exports",
                "schema": SCHEMA,
                "description": "What spark_jobs.export has copied",
                "tables": [
                    {
                        "name": "_exports",
                        "description": "One row per exported table and night",
                        "columns": _columns(EXPORTS),
                    }
                ],
            },
            {
                "name": "ops",
                "schema": "ops",
                "description": "The platform's own tables",
                "tables": [
                    {
                        "name": "nights",
                        "description": "One row per night: how it ended",
                        "columns": _columns(NIGHTS),
                    }
                ],
            },
        ],
    }


def sources_yaml() -> str:
    """Return the text of the sources file."""
    return HEADER + yaml.dump(sources(), Dumper=_Dumper, sort_keys=False, width=120)


def main() -> int:
    """Write the sources file."""
    PATH.write_text(sources_yaml())
    return 0


if __name__ == "__main__":
    sys.exit(main())
