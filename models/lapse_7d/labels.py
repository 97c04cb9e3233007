"""Lapse: a week of use without a session."""

import polars as pl

from models.lifecycle.outcomes import week


def lapse() -> pl.Expr:
    """Return 1 where the 7 local days after the as-of date hold no session, else 0; null without any sign of use."""
    none_done = week("workouts_completed", 1) <= 0
    return pl.when(week("events", 1) > 0).then(none_done.cast(pl.Float64))
