"""What people did in the eight weeks before a night, as known on it, and the goals in force before."""

from datetime import date

import numpy as np
import polars as pl

from interventions.goals.kinds import DAILY_STEPS, PERIOD_DAYS, PERIODS, WEEKLY_MINUTES, WEEKLY_SESSIONS
from interventions.goals.model import Floats
from interventions.reading import GOALS, LEDGER, Reader

SECONDS_PER_MINUTE = 60
# A week's mean of fewer days with a step count says little.
MIN_STEP_DAYS = 3
# How old the goals before may be: with no newer ones the history starts anew.
MAX_GAP_NIGHTS = 28
SUMS = ("events", "workouts_completed", "duration_s", "steps", "steps_count")


def weekly_sums(people: pl.DataFrame, night: date, reader: Reader) -> pl.DataFrame:
    """Return per person and week what the ledger's entries up to the night add up to.

    Parameters
    ----------
    people
        ``row`` (the number of the person), ``user_id``, ``as_of_date``, and ``whole_weeks``: how many weeks the person
        was there for; the broken first one is left out.

    Returns
    -------
    pl.DataFrame
        ``row``, ``week`` (0 is the seven local days up to the as-of date, 1 the seven before), and the sums.
    """
    age = (pl.col("as_of_date") - pl.col("local_date")).dt.total_days()
    return (
        reader.rows(LEDGER, night)
        .lazy()
        .select("user_id", "local_date", *SUMS)
        .join(people.lazy().select("row", "user_id", "as_of_date", "whole_weeks"), on="user_id")
        .with_columns(age=age)
        .filter(
            (pl.col("age") >= 0) & (pl.col("age") < PERIOD_DAYS * pl.min_horizontal("whole_weeks", pl.lit(PERIODS)))
        )
        .group_by("row", week=pl.col("age") // PERIOD_DAYS)
        .agg(pl.col(name).sum() for name in SUMS)
        .collect(engine="streaming")
    )


def _by_week(sums: pl.DataFrame, amount: pl.Expr, known: pl.Expr, people: int) -> Floats:
    values = sums.filter(known).select("row", "week", amount=amount.cast(pl.Float64))
    weeks = np.full((people, PERIODS), np.nan)
    weeks[values["row"].to_numpy(), PERIODS - 1 - values["week"].to_numpy()] = values["amount"].to_numpy()
    return weeks


def amounts_by_kind(people: pl.DataFrame, night: date, reader: Reader) -> dict[str, Floats]:
    """Return per kind of goal the amounts (people, weeks), oldest first.

    A week without any sign of use is not known (NaN): it is no week without training.
    """
    sums = weekly_sums(people, night, reader)
    used = pl.col("events") > 0
    counted = pl.col("steps_count") >= MIN_STEP_DAYS
    return {
        WEEKLY_SESSIONS.name: _by_week(sums, pl.col("workouts_completed"), used, people.height),
        WEEKLY_MINUTES.name: _by_week(sums, pl.col("duration_s") / SECONDS_PER_MINUTE, used, people.height),
        DAILY_STEPS.name: _by_week(sums, pl.col("steps") / pl.col("steps_count"), counted, people.height),
    }


def goals_before(night: date, reader: Reader) -> pl.DataFrame:
    """Return the goals of the newest night before this one; empty where there is none within four weeks."""
    nights = [stored for stored in reader.nights(GOALS.table) if stored < night]
    if not nights or (night - nights[-1]).days > MAX_GAP_NIGHTS:
        return reader.rows(GOALS, night).clear()
    return reader.rows(GOALS, nights[-1])


def goal_matrix(past_goals: pl.Series) -> Floats:
    """Return lists of past goals (eight, oldest first) as an array (people, weeks); NaN where none."""
    goals = np.full((past_goals.len(), PERIODS), np.nan)
    known = past_goals.is_not_null().to_numpy()
    goals[known] = past_goals.drop_nulls().explode().cast(pl.Float64).to_numpy().reshape(-1, PERIODS)
    return goals
