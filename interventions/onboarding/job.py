"""Job: where everybody who is new stands in onboarding into gold.onboarding.

    python -m interventions.onboarding --start 2026-03-01 --end 2026-03-07

Reads gold.user_features, gold.habit_state, silver.profiles and the onboarding of the newest night before; replaces each
night of gold.onboarding. A person has a row per night until onboarding is over, and one for the night on which it is.
"""

from datetime import date

import polars as pl

from habitlake.clock import Interval
from habitlake.job import JobContext, Summary
from habitlake.lake import replace_nights_stream
from interventions.onboarding.content import with_content
from interventions.onboarding.stages import onboarding
from interventions.onboarding.state import ACTIVE, STATE, advanced
from interventions.profiles import addressable, newest_profiles, read_profiles
from interventions.reading import FEATURES, HABITS, Reader, View
from interventions.schedule import with_first_local_date

TABLE = "gold.onboarding"
# A path is a kilobyte or two of JSON.
PEOPLE_PER_CHUNK = 100_000
KNOWN = (
    "time_zone", "as_of_date", "first_local_date", "days_since_first_event", "observed_days_28d",
    "days_since_last_session", "sessions_28d", "planned_next_7d", "time_of_day_consistency", "consistency_score",
    "features_used_30d", "partner_share_30d", "goal_progress", "motivation_level", "top_barrier",
)  # fmt: skip
IN_ONBOARDING = View(TABLE, ("user_id", *STATE, "due"), where=pl.col("status") == ACTIVE)
KNOWN_PEOPLE = View("gold.user_features", ("user_id",))
PROFILE = (
    "age", "notifications_allowed", "language", "fitness_level", "primary_goal", "workout_types", "preferred_times",
    "schedule_json", "equipment", "available_time_min", "target_sessions_per_week", "signup_date",
)  # fmt: skip


def read_facts(night: date, profiles: pl.DataFrame, reader: Reader) -> pl.DataFrame:
    """Return what is known of everybody on a night: features, strength of habit and newest profile."""
    features = reader.rows(FEATURES, night).select("user_id", *KNOWN)
    habit = reader.rows(HABITS, night).select("user_id", habit_strength="strength")
    known = features.join(habit, on="user_id", how="left").join(
        profiles.select("user_id", *PROFILE), on="user_id", how="left"
    )
    signed_up = pl.col("signup_date").str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
    return with_first_local_date(known, night).with_columns(
        valid_for="first_decision_date",
        addressable=addressable(),
        is_beginner=(pl.col("fitness_level") == "beginner").cast(pl.Int64),
        is_intermediate=(pl.col("fitness_level") == "intermediate").cast(pl.Int64),
        days_since_signup_at_start=(pl.col("first_local_date") - signed_up).dt.total_days(),
    )


def with_state_before(facts: pl.DataFrame, night: date, reader: Reader) -> pl.DataFrame:
    """Return who is in onboarding, with their state of the newest night before; null for who is new.

    New is who was not known yet on that night; the first night of all takes everybody in who is not with us for long.
    """
    nights = [stored for stored in reader.nights(TABLE) if stored < night]
    wanted = facts.filter(pl.col("days_since_first_event").fill_null(0) < onboarding().longest_days)
    if not nights:
        nothing = reader.rows(IN_ONBOARDING, night).clear().select("user_id", *STATE)
        return wanted.join(nothing, on="user_id", how="left")
    carried = facts.join(reader.rows(IN_ONBOARDING, nights[-1]).select("user_id", *STATE), on="user_id")
    new = wanted.join(reader.rows(KNOWN_PEOPLE, nights[-1]), on="user_id", how="anti")
    return pl.concat([carried, new], how="diagonal")


def write_onboarding(night: date, profiles: pl.DataFrame, reader: Reader) -> int:
    """Write the night's onboarding; return how many people are in it. ``profiles`` are the newest ones known on it."""
    people = with_state_before(read_facts(night, profiles, reader), night, reader).sort("user_id")
    rows = advanced(people, night, onboarding())
    return replace_nights_stream(
        lambda: (with_content(part, onboarding()).to_arrow() for part in rows.iter_slices(PEOPLE_PER_CHUNK)),
        TABLE,
        Interval(night, night),
        reader.settings,
    )


def steps_due(night: date, reader: Reader) -> pl.DataFrame:
    """Return who is in onboarding on a night: the number of the stage (from 1), the next step, whether it is due (0 or 1)."""
    numbers = {stage.name: number for number, stage in enumerate(onboarding().stages, start=1)}
    return reader.rows(IN_ONBOARDING, night).select(
        "user_id",
        onboarding_stage=pl.col("stage").replace_strict(numbers, return_dtype=pl.Int64),
        onboarding_step="next_step",
        onboarding_step_due=pl.col("due").cast(pl.Int64),
    )


def run(context: JobContext) -> Summary:
    """Bring onboarding through every night of the interval, one after the other: each rests on the night before."""
    reader = Reader(context.settings, context.interval.end)
    profiles = read_profiles(context.interval, context.settings)
    written = (write_onboarding(night, newest_profiles(profiles, night), reader) for night in context.interval.nights())
    return {"onboarding": sum(written), "version": onboarding().version}
