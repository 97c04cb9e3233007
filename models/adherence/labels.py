"""Adherence: 80 % of the sessions that were planned for the coming week, or of the usual ones."""

import polars as pl

from models.lifecycle.outcomes import week

SHARE = 0.8


def adherence() -> pl.Expr:
    """Return 1 where sessions of the 7 local days after the as-of date reach 80 % of the planned ones, else 0.

    Where none was planned, of the habitual weekly count (mean of the last four weeks, rounded, at least 1). Weeks
    without any sign of use are null: censored.
    """
    planned = week("workouts_planned", 1)
    habitual = pl.max_horizontal((pl.col("sessions_28d") / 4).round(), pl.lit(1.0))
    target = pl.when(planned > 0).then(planned.cast(pl.Float64)).otherwise(habitual)
    done = week("workouts_completed", 1) >= SHARE * target
    return pl.when(week("events", 1) > 0).then(done.cast(pl.Float64))
