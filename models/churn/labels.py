"""Churn: the first week without any sign of use. Silence is what is predicted, so it censors nothing."""

import polars as pl

from models.lifecycle.outcomes import WEEKS, week


def churn() -> pl.Expr:
    """Return the first of the four weeks after the as-of date without any sign of use or session, 0 where all have one."""
    silent = [
        (week("events", number) <= 0) & (week("workouts_completed", number) <= 0) for number in range(1, WEEKS + 1)
    ]
    return pl.coalesce(
        *(pl.when(quiet).then(pl.lit(float(number))) for number, quiet in enumerate(silent, start=1)), pl.lit(0.0)
    )
