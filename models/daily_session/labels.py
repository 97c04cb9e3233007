"""Daily session: each of the seven days after the as-of date, with a session or without."""

import polars as pl

from models.lifecycle.outcomes import DAYS, day


def session_days() -> tuple[pl.Expr, ...]:
    """Return 1 where each of the seven days holds a session, else 0; null on days without any sign of use: censored."""
    return tuple(
        pl.when(day("events", ahead) > 0).then((day("workouts_completed", ahead) > 0).cast(pl.Float64))
        for ahead in range(1, DAYS + 1)
    )


def session_share() -> pl.Expr:
    """Return the share of the seven days with any sign of use that hold a session; null where no day has one."""
    return pl.mean_horizontal(session_days())
