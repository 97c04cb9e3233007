"""Which tables analysts' marts are built from, and their shape in Postgres: all of it derived from the registry."""

import polars as pl
from psycopg import sql

from habitlake.tables import Column, get_table

SCHEMA = "lake"
# Decisions before the events that answer them: a changed event is traced to the date of its decision.
EXPORTED = (
    "silver.batch_audit",
    "silver.profiles",
    "silver.workouts",
    "silver.wellbeing",
    "gold.user_day",
    "gold.user_day_category",
    "gold.user_features",
    "gold.habit_state",
    "gold.user_analytics",
    "gold.predictions",
    "gold.decisions",
    "silver.intervention_events",
    "ops.gate_results",
)
TRACE = frozenset({"content_hash", "schema_version", "_source_file", "_line"})
# What no mart reads: where an event came from, bulky lists and JSON. `habitlake sql` and `explain` read it in the lake.
LEFT_IN_LAKE: dict[str, frozenset[str]] = {
    "silver.profiles": TRACE
    | {"event_offset_s", "secondary_goals", "goal_timeline", "workout_types", "workout_duration_min"}
    | {"preferred_times", "equipment", "language", "available_time_min", "schedule_json"},
    "silver.workouts": TRACE
    | {"heart_rate_avg", "calories_burned", "equipment", "day_of_week", "stress_level", "sleep_hours"},
    "silver.wellbeing": TRACE
    | {"event_offset_s", "sleep_duration_s", "sleep_efficiency", "sleep_started_at", "hrv_ms", "resting_heart_rate"}
    | {"stress", "energy", "soreness", "mood", "steps", "injury_severity", "injury_status"},
    "gold.user_analytics": frozenset({"event_timestamp", "created_timestamp", "successful_contexts", "risk_factors"}),
    "gold.predictions": frozenset({"top_factors", "value", "value_low", "value_high", "trajectory", "days", "skips"}),
    "gold.decisions": frozenset({"candidates", "features", "payload", "arms", "arm_actions", "arm_probabilities"}),
}
# Days since the start of a habit at which it is looked at: each week, and the day on which it is expected to be one.
HABIT_DAY = 66
AT_END_OF_WEEK = pl.col("as_of_date").dt.weekday() == 7
# Which rows leave the lake; of other tables all. A snapshot repeats every person each night: one a week is enough.
ROWS: dict[str, pl.Expr] = {
    "silver.wellbeing": pl.col("event_type") == "satisfaction_reported",
    "gold.user_day_category": pl.col("kind") == "app_feature",
    "gold.user_features": AT_END_OF_WEEK,
    "gold.habit_state": (pl.col("days_since_start") % 7 == 0) | (pl.col("days_since_start") == HABIT_DAY),
    "gold.user_analytics": AT_END_OF_WEEK,
    # The model that the marts hold against what came true.
    "gold.predictions": pl.col("model") == "adherence",
}
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
# The record of copies, lake._exports.
EXPORTS = {
    "table_name": ("text", "table of the lake"),
    "batch_date": ("date", "the night"),
    "fingerprint": ("text", "hash of the night's files, empty when it has none"),
    "row_count": ("bigint", "rows of the night in the lake, exported or not"),
    "exported_at": ("timestamp with time zone", "when the night was copied last"),
}
# How the marts look rows up, beside the key: a changed day over all nights, the events of a changed decision.
INDEXES: dict[str, tuple[tuple[str, ...], ...]] = {
    "silver.profiles": (("user_id",),),
    "silver.workouts": (("user_id", "workout_id"),),
    "gold.user_day": (("user_id", "local_date"),),
    "gold.user_day_category": (("local_date",),),
    "gold.habit_state": (("first_session_date", "days_since_start"),),
    "gold.user_analytics": (("as_of_date",),),
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
