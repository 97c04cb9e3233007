"""Burnout from logs: a proxy of its signs (exhaustion, devaluation under strain: Raedeke 1997), no diagnosis."""

import polars as pl

from models.lifecycle.outcomes import after, before

# Points of 1 to 10 by which the mean of four weeks falls.
FALL = 0.5
LOAD_RISE = 1.1
SKIP_RISE = 0.1
MIN_REPORTS = 4


def falls(level: str) -> pl.Expr:
    """Return whether the mean report falls by half a point or more; null with fewer than 4 reports on either side."""
    counts, sums = f"{level}_count", f"{level}_permille"
    fall = before(sums) / before(counts) - after(sums) / after(counts)
    known = (before(counts) >= MIN_REPORTS) & (after(counts) >= MIN_REPORTS)
    return pl.when(known).then(fall >= FALL * 1000)


def skip_share(skipped: pl.Expr, completed: pl.Expr) -> pl.Expr:
    """Return skipped over skipped plus completed workouts; 0 without any."""
    return skipped / pl.max_horizontal(skipped + completed, pl.lit(1))


def burnout() -> pl.Expr:
    """Return 1 where energy or motivation falls over the next four weeks while load or skipping rises, else 0.

    Against the four weeks before: the mean report falls by 0.5 of 10, and session load rises by a tenth or the share of
    skipped workouts by 10 points. Null where neither energy nor motivation was reported 4 times on both sides.
    """
    worse = pl.any_horizontal(falls("energy").fill_null(value=False), falls("motivation").fill_null(value=False))
    known = falls("energy").is_not_null() | falls("motivation").is_not_null()
    more_load = (after("load_au") > LOAD_RISE * before("load_au")) & (before("load_au") > 0)
    more_skips = (
        skip_share(after("workouts_skipped"), after("workouts_completed"))
        - skip_share(before("workouts_skipped"), before("workouts_completed"))
        >= SKIP_RISE
    )
    return pl.when(known).then((worse & (more_load | more_skips)).cast(pl.Float64))
