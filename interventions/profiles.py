"""Profiles as they were known on a night."""

from datetime import date

import polars as pl

from habitlake.clock import Interval
from habitlake.lake import scan_table
from habitlake.settings import Settings

PROFILE_COLUMNS = (
    "age", "primary_goal", "fitness_level", "communication_style", "language", "notifications_allowed",
    "preferred_times", "target_sessions_per_week",
)  # fmt: skip


def read_profiles(interval: Interval, settings: Settings) -> pl.DataFrame:
    """Return every profile version known by the end of the interval, oldest first."""
    columns = ["batch_date", "user_id", "event_at", *PROFILE_COLUMNS]
    versions = scan_table("silver.profiles", settings, upto=interval.end).select(columns).collect()
    return versions.sort("user_id", "event_at", "batch_date")


def newest_profiles(versions: pl.DataFrame, night: date) -> pl.DataFrame:
    """Return each person's profile as known on the night: the version with the greatest event time."""
    known = versions.filter(pl.col("batch_date") <= night)
    return known.unique("user_id", keep="last", maintain_order=True).select("user_id", *PROFILE_COLUMNS)
