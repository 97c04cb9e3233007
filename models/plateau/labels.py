"""Plateau: output of a session at equal effort, as performance_improvement of gold.user_analytics measures it."""

import polars as pl

from models.lifecycle.outcomes import after, before

MIN_SESSIONS = 4
# Change over four weeks below which nothing improved: the threshold of the trigger.
IMPROVED = 0.01


def plateau() -> pl.Expr:
    """Return 1 where output over the next four weeks is less than 1 % above that of the four weeks before, else 0.

    Output is session load per mean heart rate where both sides have 4 heart rates, else minutes per session. Null with
    fewer than 4 sessions on either side.
    """
    done, pulses = "workouts_completed", "heart_rate_count"

    def per_session(total: str) -> pl.Expr:
        return (after(total) / after(done)) / (before(total) / before(done))

    pulse = (after("heart_rate_deci") / after(pulses)) / (before("heart_rate_deci") / before(pulses))
    measured = (before(pulses) >= MIN_SESSIONS) & (after(pulses) >= MIN_SESSIONS) & (before("load_au") > 0)
    change = pl.when(measured).then(per_session("load_au") / pulse).otherwise(per_session("duration_s")) - 1
    known = (before(done) >= MIN_SESSIONS) & (after(done) >= MIN_SESSIONS) & (measured | (before("duration_s") > 0))
    return pl.when(known).then((change < IMPROVED).cast(pl.Float64))
