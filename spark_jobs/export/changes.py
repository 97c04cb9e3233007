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
    "_changed_users": {"user_id": "text"},
    "_changed_workouts": {"user_id": "text", "workout_id": "text"},
    "_changed_habit_points": {"first_session_date": "date", "days_since_start": "bigint"},
    "_changed_week_ends": {"as_of_date": "date"},
    "_changed_decision_dates": {"local_date": "date"},
    "_changed_outcome_dates": {"local_date": "date"},
}
DATES_ANSWERED = """
SELECT DISTINCT decisions.local_date
FROM lake.silver_intervention_events AS events
INNER JOIN lake.gold_decisions AS decisions ON decisions.decision_id = events.decision_id
WHERE events.batch_date = ANY({nights})
"""
# Exported table -> (table of changed keys, the keys of its rows of some nights).
KEYS_OF_NIGHTS: dict[str, tuple[tuple[str, str], ...]] = {
    "silver.profiles": (
        ("_changed_users", "SELECT DISTINCT user_id FROM lake.silver_profiles WHERE batch_date = ANY({nights})"),
    ),
    "silver.workouts": (
        (
            "_changed_workouts",
            "SELECT DISTINCT user_id, workout_id FROM lake.silver_workouts WHERE batch_date = ANY({nights})",
        ),
    ),
    "gold.user_day": (
        (
            "_changed_days",
            "SELECT DISTINCT user_id, local_date FROM lake.gold_user_day WHERE batch_date = ANY({nights})",
        ),
        # People whose first day is among the rows: when they joined may be another day now.
        (
            "_changed_users",
            """
            SELECT days.user_id
            FROM (
                SELECT user_id, min(local_date) AS local_date
                FROM lake.gold_user_day WHERE batch_date = ANY({nights}) GROUP BY user_id
            ) AS days
            WHERE NOT EXISTS (
                SELECT FROM lake.gold_user_day AS earlier
                WHERE earlier.user_id = days.user_id AND earlier.local_date < days.local_date
            )
            """,
        ),
        # What follows a decision counts for a week (int_intervention_days).
        (
            "_changed_outcome_dates",
            """
            SELECT DISTINCT local_date
            FROM lake.gold_user_day WHERE batch_date = ANY({nights}) AND batch_date <= local_date + 7
            """,
        ),
    ),
    "gold.habit_state": (
        (
            "_changed_habit_points",
            """
            SELECT DISTINCT first_session_date, days_since_start
            FROM lake.gold_habit_state WHERE batch_date = ANY({nights})
            """,
        ),
    ),
    "gold.user_analytics": (
        (
            "_changed_week_ends",
            "SELECT DISTINCT as_of_date FROM lake.gold_user_analytics WHERE batch_date = ANY({nights})",
        ),
    ),
    "gold.decisions": (
        (
            "_changed_decision_dates",
            "SELECT DISTINCT local_date FROM lake.gold_decisions WHERE batch_date = ANY({nights})",
        ),
        (
            "_changed_outcome_dates",
            "SELECT DISTINCT local_date FROM lake.gold_decisions WHERE batch_date = ANY({nights})",
        ),
    ),
    "silver.intervention_events": (
        ("_changed_decision_dates", DATES_ANSWERED),
        ("_changed_outcome_dates", DATES_ANSWERED),
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


def record_keys(name: str, nights: Sequence[date]) -> list[sql.Composed]:
    """Return the statements that record the keys which the table holds for the nights now, as marts need them."""
    dates = sql.SQL("{}::date[]").format(sql.Literal(list(nights)))
    return [
        sql.SQL("INSERT INTO {} {} ON CONFLICT DO NOTHING").format(
            sql.Identifier("lake", target), sql.SQL(keys).format(nights=dates)
        )
        for target, keys in KEYS_OF_NIGHTS.get(name, ())
    ]


def forget(connection: "psycopg.Connection[Any]") -> None:
    """Empty the tables of changed keys: the marts have been built from them."""
    tables = sql.SQL(", ").join(sql.Identifier("lake", table) for table in CHANGED_KEYS)
    connection.execute(sql.SQL("TRUNCATE {}").format(tables))
