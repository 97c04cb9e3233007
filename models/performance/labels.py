"""Performance: sessions a week over the next four weeks."""

import polars as pl

from models.lifecycle.outcomes import WEEKS, week

MIN_WEEKS = 3


def sessions_by_week() -> tuple[pl.Expr, ...]:
    """Return the sessions of each of the next four weeks; null where a week has no sign of use."""
    return tuple(
        pl.when(week("events", number) > 0).then(week("workouts_completed", number).clip(0))
        for number in range(1, WEEKS + 1)
    )


def weekly_sessions() -> pl.Expr:
    """Return mean sessions of the next four weeks that have any sign of use; null where fewer than 3 have."""
    weeks = sessions_by_week()
    used = pl.sum_horizontal(one.is_not_null().cast(pl.Int64) for one in weeks)
    return pl.when(used >= MIN_WEEKS).then(pl.sum_horizontal(weeks) / used)
