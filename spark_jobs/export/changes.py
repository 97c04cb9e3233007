"""What the marts have to compute again: the keys of rows that went and of rows that came, kept until marts are built.

The keys are written in the transaction that copies the rows. So a build that failed, or an export that found nights
changed by a repair, a late batch or an erasure, leaves the marts' work on record and the next build does it.
"""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from psycopg import sql

if TYPE_CHECKING:
    import psycopg

# Table of changed keys -> its columns.
CHANGED_KEYS: dict[str, dict[str, str]] = {
    "_changed_nights": {"batch_date": "date"},
    "_changed_days": {"user_id": "text", "local_date": "date"},
    "_changed_decision_dates": {"local_date": "date"},
}
# Exported table -> (table of changed keys, the keys of its rows of some nights).
KEYS_OF_NIGHTS: dict[str, tuple[str, str]] = {
    "gold.user_day": (
        "_changed_days",
        "SELECT DISTINCT user_id, local_date FROM lake.gold_user_day WHERE batch_date = ANY({nights})",
    ),
    "gold.decisions": (
        "_changed_decision_dates",
        "SELECT DISTINCT local_date FROM lake.gold_decisions WHERE batch_date = ANY({nights})",
    ),
    "silver.intervention_events": (
        "_changed_decision_dates",
        """
        SELECT DISTINCT decisions.local_date
        FROM lake.silver_intervention_events AS events
        INNER JOIN lake.gold_decisions AS decisions ON decisions.decision_id = events.decision_id
        WHERE events.batch_date = ANY({nights})
        """,
    ),
}


def create_statements() -> list[sql.Composed]:
    """Return the statements that create the tables of changed keys where they are missing."""
    return [
        sql.SQL("CREATE TABLE IF NOT EXISTS {} ({}, PRIMARY KEY ({}))").format(
            sql.Identifier("lake", table),
            sql.SQL(", ").join(
                sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind)) for name, kind in columns.items()
            ),
            sql.SQL(", ").join(map(sql.Identifier, columns)),
        )
        for table, columns in CHANGED_KEYS.items()
    ]


def record_nights(nights: Sequence[date]) -> sql.Composed:
    """Return the statement that records the nights themselves."""
    return sql.SQL("INSERT INTO lake._changed_nights SELECT unnest({}::date[]) ON CONFLICT DO NOTHING").format(
        sql.Literal(list(nights))
    )


def record_keys(name: str, nights: Sequence[date]) -> sql.Composed | None:
    """Return the statement that records the keys which the table holds for the nights now, if marts need them."""
    if name not in KEYS_OF_NIGHTS:
        return None
    target, keys = KEYS_OF_NIGHTS[name]
    dates = sql.SQL("{}::date[]").format(sql.Literal(list(nights)))
    return sql.SQL("INSERT INTO {} {} ON CONFLICT DO NOTHING").format(
        sql.Identifier("lake", target), sql.SQL(keys).format(nights=dates)
    )


def forget(connection: "psycopg.Connection[Any]") -> None:
    """Empty the tables of changed keys: the marts have been built from them."""
    tables = sql.SQL(", ").join(sql.Identifier("lake", table) for table in CHANGED_KEYS)
    connection.execute(sql.SQL("TRUNCATE {}").format(tables))
