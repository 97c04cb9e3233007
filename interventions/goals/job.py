"""Job: the goals of every person into gold.goals.

    python -m interventions.goals --start 2026-03-01 --end 2026-03-07

Reads gold.user_features, gold.user_day, silver.profiles, silver.wellbeing (injuries), the goals of the night before and
the plans of the four weeks before; replaces each night of gold.goals. A goal holds for seven local days; until they are
over it is carried on, unless an injury lowers it or a new plan begins.
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
from interventions.goals.kinds import DAILY_STEPS, KINDS, PERIOD_DAYS, PERIODS, WEEKLY_MINUTES, WEEKLY_SESSIONS, Kind
from interventions.goals.model import Floats
from interventions.goals.recommend import RULES, People, Recommendation, difficulty, recommend
from interventions.health import HELD, states
from interventions.plans.job import weeks_of
from interventions.plans.minutes import longest_session
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
    wanted = profiles.select(
        "user_id", "age", "notifications_allowed", "target_sessions_per_week", "available_time_min",
        "workout_duration_min", held=states(HELD), walks_little=states(("limited_walking",)),
    )  # fmt: skip
    known = features.join(wanted, on="user_id", how="left")
    return (
        with_first_local_date(known, night)
        .filter(addressable())
        .select(
            "user_id", "as_of_date", "whole_weeks", "injured", "worn_out", "target_sessions_per_week",
            "available_time_min", "workout_duration_min", pl.col("held", "walks_little").fill_null(value=False),
            valid_for="first_decision_date",
        )
        .sort("user_id")
    )  # fmt: skip


def with_week(people: pl.DataFrame, before: pl.DataFrame, weeks: pl.DataFrame) -> pl.DataFrame:
    """Add ``week_start``, ``passed`` (weeks since the goals before were set), ``due``, and ``unloads`` of the plan's week.

    Goals of all kinds share their week, the one of the weekly sessions, which everybody has, and begin it with the plan:
    they are due when there were none before, when their seven days are over or the plan begins anew, and on every night
    of an injury.

    Parameters
    ----------
    weeks
        The weeks of plans, as of ``interventions.plans.people.plan_weeks``.
    """
    starts = before.filter(pl.col("kind") == WEEKLY_SESSIONS.name).select("user_id", before_start="week_start")
    passed = (pl.col("valid_for") - pl.col("before_start")).dt.total_days() // PERIOD_DAYS
    # A first plan beside a goal in force is one that was missing.
    anew = (pl.col("due_reason") != "first").fill_null(value=False)
    known = (
        people.join(starts, on="user_id", how="left", maintain_order="left")
        .join(weeks.select("user_id", "due_reason", "unloads"), on="user_id", how="left", maintain_order="left")
        .with_columns(passed=passed, anew=anew)
    )
    return known.with_columns(
        due=pl.col("before_start").is_null() | (pl.col("passed") > 0) | pl.col("anew") | pl.col("injured"),
        week_start=pl.when((pl.col("passed") == 0) & ~pl.col("anew")).then("before_start").otherwise("valid_for"),
    )


def _past_goals(due: pl.DataFrame, last: Floats) -> Floats:
    """Return the past goals: the weeks that passed since the last goal was set push it into the past."""
    past = goal_matrix(due["past_goals"])
    weeks = due["passed"].fill_null(0).to_numpy()
    for passed in range(1, PERIODS + 1):
        rows = weeks == passed
        # Weeks without a night had no goal but the last one.
        past[rows] = np.concatenate([past[rows, passed:], np.repeat(last[rows, None], passed, axis=1)], axis=1)
    return past


def goal_rows(due: pl.DataFrame, amounts: Floats, kind: Kind, night: date) -> pl.DataFrame:
    """Return rows of gold.goals for people whose goal is to be set, rows alike with ``amounts``."""

    def column(name: str, of_kind: Kind = kind) -> Floats:
        return due[name].to_numpy().astype(np.float64) if kind is of_kind else np.full(due.height, np.nan)

    asked = column("recommended_goal")
    past = _past_goals(due, asked)
    people = People(
        amounts,
        past,
        last_goal=column("full_goal"),
        last_asked=asked,
        target=column("target_sessions_per_week", WEEKLY_SESSIONS),
        injured=due["injured"].to_numpy(),
        worn_out=due["worn_out"].to_numpy(),
        held=due["held"].to_numpy(),
        unloading_sessions=column("unloading_sessions", WEEKLY_MINUTES),
        longest_session=column("longest_session"),
    )
    found = recommend(people, kind)
    rounded = {
        field.name: pl.Series(getattr(found, field.name)).fill_nan(None).round(6)
        for field in fields(Recommendation)
        if getattr(found, field.name).dtype == np.float64
    }
    return due.select(
        pl.lit(night).alias("batch_date"), "user_id", pl.lit(kind.name).alias("kind"), "valid_for", "week_start",
        recommended_goal=rounded["goal"],
        full_goal=rounded["full_goal"],
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


def with_unloading(due: pl.DataFrame, sessions: pl.DataFrame) -> pl.DataFrame:
    """Add ``unloading_sessions``, those of a plan that unloads, from the goals of sessions; null where it does not."""
    goals = sessions.select("user_id", goal_sessions="recommended_goal")
    with_goals = due.join(goals, on="user_id", how="left", maintain_order="left")
    eases = pl.col("unloads") & (pl.col("goal_sessions") >= 1)
    return with_goals.with_columns(unloading_sessions=pl.when(eases).then("goal_sessions")).drop("goal_sessions")


def goals_of_night(
    people: pl.DataFrame, before: pl.DataFrame, weeks: pl.DataFrame, night: date, reader: Reader
) -> pl.DataFrame:
    """Return the night's rows of gold.goals, by user and kind: goals carried on, and goals set anew."""
    columns = get_table(TABLE).column_names
    # Nights before the column was there eased nothing.
    before = before.with_columns(full_goal=pl.coalesce("full_goal", "recommended_goal"))
    known = with_week(people, before, weeks)
    carried = known.filter(~pl.col("due")).select("user_id", "valid_for")
    parts = [
        before.drop("valid_for").join(carried, on="user_id").with_columns(batch_date=pl.lit(night)).select(columns)
    ]
    due = known.filter("due").with_columns(longest_session=longest_session())
    if due.height:
        amounts = amounts_by_kind(due.with_row_index("row"), night, reader)
        for kind in KINDS:
            last = before.filter(pl.col("kind") == kind.name)
            last = last.select("user_id", "recommended_goal", "full_goal", "past_goals")
            own = due.join(last, on="user_id", how="left", maintain_order="left")
            rows = goal_rows(own, amounts[kind.name], kind, night).select(columns)
            parts.append(rows)
            if kind is WEEKLY_SESSIONS:
                due = with_unloading(due, rows)
    # Who does not walk far is asked for no steps, from the night on that says so.
    no_steps = people.filter("walks_little").select("user_id", kind=pl.lit(DAILY_STEPS.name))
    return pl.concat(parts).join(no_steps, on=["user_id", "kind"], how="anti").sort("user_id", "kind")


def write_goals(night: date, profiles: pl.DataFrame, weeks: pl.DataFrame, reader: Reader) -> int:
    """Write the night's goals; return how many. Needs the weeks of plans, and the newest profiles known on the night."""
    rows = goals_of_night(read_people(night, profiles, reader), goals_before(night, reader), weeks, night, reader)
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
    written = 0
    for night in context.interval.nights():
        newest = newest_profiles(profiles, night)
        written += write_goals(night, newest, weeks_of(night, newest, reader), reader)
    return {"goals": written}
