"""Which tables analysts' marts are built from, and their shape in Postgres: all of it derived from the registry."""

from psycopg import sql

from habitlake.tables import Column, get_table

SCHEMA = "lake"
# Decisions before the events that answer them: a changed event is traced to the date of its decision.
EXPORTED = (
    "silver.batch_audit",
    "gold.user_day",
    "gold.user_features",
    "gold.predictions",
    "gold.decisions",
    "silver.intervention_events",
    "ops.gate_results",
)
# Bulky JSON that no mart reads, half the bytes of a night: `habitlake explain` reads it in the lake.
LEFT_IN_LAKE: dict[str, frozenset[str]] = {"gold.decisions": frozenset({"candidates", "features", "payload"})}
POSTGRES_TYPES = {
    "string": "text",
    "bigint": "bigint",
    "int": "integer",
    "double": "double precision",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamp with time zone",
    "array<string>": "text[]",
}
EXPORTED_AT = Column("_exported_at", "timestamp", "when the row was copied (audit)")
# How the marts look rows up, beside the key: a changed day over all nights, the events of a changed decision.
INDEXES: dict[str, tuple[tuple[str, ...], ...]] = {
    "gold.user_day": (("local_date", "user_id"),),
    "gold.decisions": (("local_date",), ("decision_id",)),
    "silver.intervention_events": (("decision_id",),),
}


def exported_columns(name: str) -> tuple[Column, ...]:
    """Return the columns that leave the lake: no personal data but the user id, no audit columns, no bulk."""
    return tuple(
        column
        for column in get_table(name).columns
        if (not column.pii or column.name == "user_id")
        and not column.is_audit
        and column.name not in LEFT_IN_LAKE.get(name, ())
    )


def postgres_name(name: str) -> str:
    """Return the table's name in Postgres: ``gold.user_day`` is ``lake.gold_user_day``."""
    return name.replace(".", "_")


def postgres_type(sql_type: str) -> str:
    """Return the Postgres type; maps travel as JSON text, which staging reads."""
    return POSTGRES_TYPES.get(sql_type, "text")


def postgres_columns(name: str) -> dict[str, str]:
    """Return the columns of the table in Postgres with their types, in storage order."""
    return {column.name: postgres_type(column.sql_type) for column in (*exported_columns(name), EXPORTED_AT)}


def primary_key(name: str) -> tuple[str, ...]:
    """Return the key within the night: until a repair, the same event may stand in two nights."""
    return ("batch_date", *(column for column in get_table(name).key if column != "batch_date"))


def create_statements(name: str) -> list[sql.Composed]:
    """Return the statements that create the table, its indexes and its comments."""
    table = sql.Identifier(SCHEMA, postgres_name(name))
    columns = [
        sql.SQL("{} {}").format(sql.Identifier(column), sql.SQL(kind))
        for column, kind in postgres_columns(name).items()
    ]
    columns[-1] += sql.SQL(" NOT NULL DEFAULT now()")
    key = sql.SQL(", ").join(map(sql.Identifier, primary_key(name)))
    return [
        sql.SQL("CREATE TABLE {} ({}, PRIMARY KEY ({}))").format(table, sql.SQL(", ").join(columns), key),
        *(
            sql.SQL("CREATE INDEX ON {} ({})").format(table, sql.SQL(", ").join(map(sql.Identifier, index)))
            for index in INDEXES.get(name, ())
        ),
        sql.SQL("COMMENT ON TABLE {} IS {}").format(table, sql.Literal(get_table(name).grain)),
        *(
            sql.SQL("COMMENT ON COLUMN {} IS {}").format(
                sql.Identifier(SCHEMA, postgres_name(name), column.name), sql.Literal(column.description)
            )
            for column in (*exported_columns(name), EXPORTED_AT)
        ),
    ]
