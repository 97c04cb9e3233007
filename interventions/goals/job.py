"""Job: the goals of every person into gold.goals.

    python -m interventions.goals --start 2026-03-01 --end 2026-03-07

Reads gold.user_features, gold.user_day, silver.profiles and the goals of the night before; replaces each night of
gold.goals. A goal holds for seven local days; until they are over it is carried on, unless an injury lowers it.
"""

from dataclasses import fields
from datetime import date

import numpy as np
import polars as pl

from habitlake.clock import Interval
from habitlake.job import JobContext, Summary
from habitlake.lake import replace_nights_stream
from habitlake.tables import get_table
from interventions.goals.history import amounts_by_kind, goal_matrix, goals_before
from interventions.goals.kinds import KINDS, PERIOD_DAYS, PERIODS, WEEKLY_SESSIONS, Kind
from interventions.goals.model import Floats
from interventions.goals.recommend import RULES, People, Recommendation, difficulty, recommend
from interventions.profiles import addressable, newest_profiles, read_profiles
from interventions.reading import FEATURES, Reader
from interventions.schedule import with_first_local_date
from interventions.strain import load_rises, tired

TABLE = "gold.goals"
ROWS_PER_CHUNK = 150_000


def worn_out() -> pl.Expr:
    """Return whether sleep, stress or load speak against more than last week."""
    return tired().fill_null(value=False) | load_rises().fill_null(value=False)


def read_people(night: date, profiles: pl.DataFrame, reader: Reader) -> pl.DataFrame:
    """Return who gets goals on a night, by user: adults in use of the app who did not opt out; ``profiles`` are its newest."""
    features = reader.rows(FEATURES, night).select(
        "user_id", "time_zone", "as_of_date", "observed_days_28d", "days_since_first_event",
        whole_weeks=(pl.col("days_since_first_event").fill_null(0) + 1) // PERIOD_DAYS,
        injured=pl.col("injured").fill_null(0) == 1, worn_out=worn_out(),
    )  # fmt: skip
    wanted = profiles.select("user_id", "age", "notifications_allowed", "target_sessions_per_week")
    known = features.join(wanted, on="user_id", how="left")
    return (
        with_first_local_date(known, night)
        .filter(addressable())
        .select("user_id", "as_of_date", "whole_weeks", "injured", "worn_out", "target_sessions_per_week", valid_for="first_decision_date")
        .sort("user_id")
    )  # fmt: skip


def with_week(people: pl.DataFrame, before: pl.DataFrame) -> pl.DataFrame:
    """Add ``week_start``, ``passed`` (weeks since the goals before were set) and ``due``.

    Goals of all kinds share their week, the one of the weekly sessions, which everybody has. They are due when there
    were none before, when their seven days are over, and on every night of an injury.
    """
    weeks = before.filter(pl.col("kind") == WEEKLY_SESSIONS.name).select("user_id", before_start="week_start")
    passed = (pl.col("valid_for") - pl.col("before_start")).dt.total_days() // PERIOD_DAYS
    known = people.join(weeks, on="user_id", how="left", maintain_order="left").with_columns(passed=passed)
    return known.with_columns(
        due=pl.col("before_start").is_null() | (pl.col("passed") > 0) | pl.col("injured"),
        week_start=pl.when(pl.col("passed") == 0).then("before_start").otherwise("valid_for"),
    )


def _past_goals(due: pl.DataFrame) -> tuple[Floats, Floats]:
    """Return (past goals, last goal): the weeks that passed since the last goal was set push it into the past."""
    past = goal_matrix(due["past_goals"])
    last = due["recommended_goal"].to_numpy().astype(np.float64)
    weeks = due["passed"].fill_null(0).to_numpy()
    for passed in range(1, PERIODS + 1):
        rows = weeks == passed
        # Weeks without a night had no goal but the last one.
        past[rows] = np.concatenate([past[rows, passed:], np.repeat(last[rows, None], passed, axis=1)], axis=1)
    return past, last


def goal_rows(due: pl.DataFrame, amounts: Floats, kind: Kind, night: date) -> pl.DataFrame:
    """Return rows of gold.goals for people whose goal is to be set, rows alike with ``amounts``."""
    past, last = _past_goals(due)
    target = np.full(due.height, np.nan)
    if kind is WEEKLY_SESSIONS:
        target = due["target_sessions_per_week"].to_numpy().astype(np.float64)
    people = People(amounts, past, last, target, due["injured"].to_numpy(), due["worn_out"].to_numpy())
    found = recommend(people, kind)
    rounded = {
        field.name: pl.Series(getattr(found, field.name)).fill_nan(None).round(6)
        for field in fields(Recommendation)
        if getattr(found, field.name).dtype == np.float64
    }
    return due.select(
        pl.lit(night).alias("batch_date"), "user_id", pl.lit(kind.name).alias("kind"), "valid_for", "week_start",
        recommended_goal=rounded["goal"],
        planned_goal=rounded["planned"],
        usual_amount=rounded["usual"],
        difficulty_level=pl.Series(difficulty(found.success_probability)),
        success_probability=rounded["success_probability"],
        adaptation_strategy=pl.Series(found.strategy),
        reasons=pl.concat_list(
            [pl.when(pl.Series(getattr(found, rule))).then(pl.lit(rule)) for rule in RULES]
        ).list.drop_nulls(),
        weeks_known=pl.Series(found.periods),
        baseline=rounded["baseline"],
        responsiveness=rounded["responsiveness"],
        self_efficacy_gain=rounded["gain"],
        past_goals=pl.Series(past.tolist(), dtype=pl.List(pl.Float64)).list.eval(pl.element().fill_nan(None)),
    ).drop_nulls("recommended_goal")  # fmt: skip


def goals_of_night(people: pl.DataFrame, before: pl.DataFrame, night: date, reader: Reader) -> pl.DataFrame:
    """Return the night's rows of gold.goals, by user and kind: goals carried on, and goals set anew."""
    columns = get_table(TABLE).column_names
    known = with_week(people, before)
    carried = known.filter(~pl.col("due")).select("user_id", "valid_for")
    parts = [
        before.drop("valid_for").join(carried, on="user_id").with_columns(batch_date=pl.lit(night)).select(columns)
    ]
    due = known.filter("due")
    if due.height:
        amounts = amounts_by_kind(due.with_row_index("row"), night, reader)
        for kind in KINDS:
            last = before.filter(pl.col("kind") == kind.name).select("user_id", "recommended_goal", "past_goals")
            own = due.join(last, on="user_id", how="left", maintain_order="left")
            parts.append(goal_rows(own, amounts[kind.name], kind, night).select(columns))
    return pl.concat(parts).sort("user_id", "kind")


def write_goals(night: date, profiles: pl.DataFrame, reader: Reader) -> int:
    """Write the night's goals; return how many. ``profiles`` are the newest ones known on it."""
    rows = goals_of_night(read_people(night, profiles, reader), goals_before(night, reader), night, reader)
    return replace_nights_stream(
        lambda: (part.to_arrow() for part in rows.iter_slices(ROWS_PER_CHUNK)),
        TABLE,
        Interval(night, night),
        reader.settings,
    )


def run(context: JobContext) -> Summary:
    """Set the goals of every night of the interval, one after the other: each rests on the night before."""
    reader = Reader(context.settings, context.interval.end)
    profiles = read_profiles(context.interval, context.settings)
    written = (write_goals(night, newest_profiles(profiles, night), reader) for night in context.interval.nights())
    return {"goals": sum(written)}
