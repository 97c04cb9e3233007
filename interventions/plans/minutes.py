"""How long the sessions of a plan are: a rule on which the minutes goal of an unloading week rests, too."""

import numpy as np
import polars as pl

from interventions.goals.model import Floats

SHORTEST, LONGEST, MINUTE_STEP = 10, 90, 5
# Share of its time that a session keeps in a week of unloading.
DELOAD_SHARE = 0.6


def wished_minutes() -> pl.Expr:
    """Return the lengths of a session that the profile names, without those of nothing."""
    return pl.col("workout_duration_min").list.eval(pl.element().filter(pl.element() > 0))


def longest_session() -> pl.Expr:
    """Return the most minutes that a session may take by the profile, in whole steps."""
    available = pl.when(pl.col("available_time_min") > 0).then(pl.col("available_time_min"))
    most = pl.min_horizontal(available, wished_minutes().list.max(), pl.lit(float(LONGEST)))
    return pl.max_horizontal(most // MINUTE_STEP * MINUTE_STEP, pl.lit(float(MINUTE_STEP)))


def session_minutes(asked: Floats, longest: Floats, share: Floats | float) -> Floats:
    """Return the minutes of a session: a share of those asked for, in whole steps, within what the profile allows."""
    steps = np.floor(np.round(np.minimum(asked, longest) * share, 6) / MINUTE_STEP)
    return np.maximum(steps * MINUTE_STEP, np.minimum(longest, SHORTEST))


def unloaded_minutes(goal: Floats, sessions: Floats, longest: Floats) -> Floats:
    """Return what a plan of so many sessions asks for in a week of unloading, if the goal of other weeks were ``goal``.

    It is never more than that goal; NaN where ``sessions`` is.
    """
    each = session_minutes(goal / np.maximum(sessions, 1), longest, DELOAD_SHARE)
    return np.minimum(goal, each * sessions)
