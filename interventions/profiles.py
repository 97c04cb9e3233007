"""Profiles as they were known on a night."""

from datetime import date

import polars as pl

from habitlake.clock import Interval
from habitlake.lake import scan_table
from habitlake.settings import Settings
from interventions.health import conditions_changed
from interventions.policy import ADULT_AGE, NO_USE_DAYS

PROFILE_COLUMNS = (
    "age", "primary_goal", "fitness_level", "communication_style", "language", "notifications_allowed",
    "preferred_times", "target_sessions_per_week", "health_conditions",
)  # fmt: skip
# What plans and onboarding read beside them; decisions carry no more columns than they need.
TRAINING_COLUMNS = (
    "workout_types", "workout_duration_min", "available_time_min", "equipment", "injury_history", "schedule_json",
    "signup_date",
)  # fmt: skip


def addressable() -> pl.Expr:
    """Return whether a person gets goals and plans: an adult in use of the app who did not opt out.

    Needs ``observed_days_28d``, ``days_since_first_event``, ``age`` and ``notifications_allowed``.
    """
    seen = pl.col("days_since_first_event").fill_null(0)
    in_use = (pl.col("observed_days_28d").fill_null(0) > 0) | (seen < NO_USE_DAYS)
    adult = pl.col("age").fill_null(ADULT_AGE) >= ADULT_AGE
    return in_use & adult & pl.col("notifications_allowed").fill_null(value=True)


def read_profiles(interval: Interval, settings: Settings) -> pl.DataFrame:
    """Return every profile version known by the end of the interval, oldest first."""
    columns = ["batch_date", "user_id", "event_at", *PROFILE_COLUMNS, *TRAINING_COLUMNS]
    versions = scan_table("silver.profiles", settings, upto=interval.end).select(columns).collect()
    return versions.sort("user_id", "event_at", "batch_date")


def newest_profiles(versions: pl.DataFrame, night: date) -> pl.DataFrame:
    """Return each person's profile as known on the night: the version with the greatest event time.

    ``conditions_changed_on`` is the night that brought its health conditions; null for who never stated any.
    """
    known = versions.filter(pl.col("batch_date") <= night)
    newest = known.unique("user_id", keep="last", maintain_order=True).drop("batch_date", "event_at")
    return newest.join(conditions_changed(known), on="user_id", how="left", maintain_order="left")
