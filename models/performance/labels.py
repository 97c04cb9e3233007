"""Performance: sessions a week over the next four weeks."""

import polars as pl

from models.lifecycle.outcomes import WEEKS, week

MIN_WEEKS = 3


def weekly_sessions() -> pl.Expr:
    """Return mean sessions of the next four weeks that have any sign of use; null where fewer than 3 have."""
    used = [week("events", number) > 0 for number in range(1, WEEKS + 1)]
    weeks = pl.sum_horizontal(one.cast(pl.Int64) for one in used)
    sessions = pl.sum_horizontal(
        pl.when(one).then(week("workouts_completed", number)).otherwise(0) for number, one in enumerate(used, start=1)
    )
    return pl.when(weeks >= MIN_WEEKS).then(sessions.clip(0) / weeks)
