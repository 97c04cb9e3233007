"""Hand-made people: one row each with everything known, so a test changes only what it is about."""

from datetime import date
from typing import Any

import polars as pl
import pytest

from habitlake.lake import arrow_schema
from habitlake.tables import get_table
from interventions.catalogue import catalogue
from interventions.policy import decide
from interventions.response.effects import unlearned
from interventions.values import DERIVED, SCHEMA

NIGHT = date(2026, 1, 4)
WELL: dict[str, Any] = {
    "time_zone": "Europe/Berlin", "as_of_date": date(2026, 1, 3), "days_since_first_event": 60, "observed_days_28d": 28,
    "sessions_7d": 3, "sessions_28d": 12, "habitual_weekly_sessions": 3.0, "days_since_last_session": 1,
    "streak_length_current": 2, "streak_length_longest": 9, "goal_progress_rate": 1.0, "sleep_debt_hours": 0.5, "sleep_hours_7d": 7.5,
    "stress_level": 4.0, "energy_level": 6.0, "preparation_time_avg": 5.0, "partner_share_30d": 0.0, "injured": 0,
    "interventions_7d": 0, "app_minutes_7d": 30.0, "age": 35, "notifications_allowed": True,
    "sleep_reports_7n": 7, "stress_reports_7n": 7, "energy_reports_7n": 7, "preparation_reports_7n": 7,
}  # fmt: skip


def _people(*changes: dict[str, Any]) -> pl.DataFrame:
    empty = pl.DataFrame(arrow_schema(get_table("gold.user_features")).empty_table()).drop("batch_date")
    schema = {**empty.schema, **SCHEMA}
    rows = [{"user_id": f"u{number}", **WELL, **change} for number, change in enumerate(changes)]
    return pl.DataFrame([{column: row.get(column) for column in schema} for row in rows], schema=schema, orient="row")


def _stated(*changes: dict[str, Any]) -> pl.DataFrame:
    known = {**_people().schema, **dict.fromkeys(DERIVED, pl.Float64), "streak_milestone": pl.Int64}
    return pl.DataFrame([{name: row.get(name) for name in known} for row in changes], schema=known, orient="row")


@pytest.fixture(scope="session")
def stated():
    """Return a function: one person per change given, of whom nothing else is known."""
    return _stated


@pytest.fixture
def people():
    """Return a function: one healthy person per change given; ``user_id`` defaults to u0, u1, ..."""
    return _people


@pytest.fixture
def decided():
    """Return a function: the decisions of a night about people, as gold.decisions has them."""

    def decide_about(
        frame: pl.DataFrame, night: date = NIGHT, seed: int = 7, known: pl.DataFrame | None = None
    ) -> pl.DataFrame:
        known = unlearned(catalogue()) if known is None else known
        return decide(frame, night, seed, catalogue(), known).select(get_table("gold.decisions").column_names)

    return decide_about
