"""Which tables analysts get, and their shape in Postgres."""

from habitlake.tables import Column, get_table

SCHEMA = "lake"
EXPORTED = (
    "silver.batch_audit",
    "silver.intervention_events",
    "gold.user_day",
    "gold.user_features",
    "gold.predictions",
    "gold.decisions",
    "ops.gate_results",
)
POSTGRES_TYPES = {
    "string": "text",
    "bigint": "bigint",
    "int": "integer",
    "double": "double precision",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamptz",
}
EXPORTED_AT = "_exported_at"


def exported_columns(name: str) -> tuple[Column, ...]:
    """Return the columns that leave the lake: no personal data but the user id, no audit columns."""
    return tuple(
        column
        for column in get_table(name).columns
        if (not column.pii or column.name == "user_id") and not column.is_audit
    )


def postgres_name(name: str) -> str:
    """Return the table's name in Postgres: ``gold.user_day`` is ``lake.gold_user_day``."""
    return name.replace(".", "_")


def postgres_type(sql_type: str) -> str:
    """Return the Postgres type; arrays and maps travel as JSON."""
    return POSTGRES_TYPES.get(sql_type, "jsonb")
