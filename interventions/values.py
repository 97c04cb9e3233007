"""The values that triggers, conditions and messages may name: features, and what the decision job knows besides."""

import polars as pl

from habitlake.tables.features import FEATURES

# Session days of a streak that are worth a word.
STREAK_MILESTONES = (5, 10, 15, 20, 30, 40, 50, 60, 75, 90)
# Reports that arrived in the last seven nights: the evidence behind a week's mean.
REPORTS = {
    "sleep_reports_7n": "sleep_count",
    "stress_reports_7n": "stress_count",
    "energy_reports_7n": "energy_count",
    "preparation_reports_7n": "preparation_count",
}
# Beside the features: profile, goal, prediction, habit, evidence, dosage and hour, and the state of the nights before.
SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "age": pl.Int64, "primary_goal": pl.String, "fitness_level": pl.String, "communication_style": pl.String,
    "language": pl.String, "notifications_allowed": pl.Boolean, "preferred_times": pl.List(pl.String),
    "target_sessions": pl.Float64, "recommended_sessions": pl.Float64, "skip_probability": pl.Float64, "burnout_risk": pl.Float64, "model": pl.String, "model_version": pl.String,
    "delivered_28n": pl.Int64, "acted_28n": pl.Int64, "habit_strength": pl.Float64, "automatic_on": pl.Date,
    "performance_improvement": pl.Float64, "best_time_slot": pl.String, "best_time_attempts": pl.Int64,
    "best_time_completed": pl.Int64, **dict.fromkeys(REPORTS, pl.Int64),
    "onboarding_stage": pl.Int64, "onboarding_step": pl.String, "onboarding_step_due": pl.Int64,
    "dosage": pl.Float64, "learned_hour": pl.Float64,
    "triggers_before": pl.List(pl.String),
    "health_conditions": pl.List(pl.String),
    "sent_before": pl.List(pl.Struct({"intervention": pl.String, "channel": pl.String, "local_date": pl.Date})),
}  # fmt: skip
DERIVED = {
    "load_ratio": "acute over chronic load; known from the 28th day on",
    "streak_milestone": "length of the streak on the day after it reached a milestone",
    "sessions_to_record": "session days between the streak and the longest of 90 days",
    "days_automatic": "days since the habit became automatic",
    "low_energy": "energy of the week where it is 5 of 10 or less",
    "preferred_hour": "local hour at which the person prefers to be reached",
}
NUMBERS = (
    frozenset(feature.name for feature in FEATURES if feature.sql_type != "string")
    | {name for name, kind in SCHEMA.items() if kind in {pl.Int64, pl.Float64}}
    | DERIVED.keys()
)
DATES = frozenset({"as_of_date", "automatic_on"})
TEXTS = frozenset({"best_time_slot", "onboarding_step"})


def with_derived(people: pl.DataFrame) -> pl.DataFrame:
    """Add the values of ``DERIVED`` but the preferred hour, which the schedule knows.

    Loads grow from zero at the first event, so their ratio says nothing in the first four weeks.
    """
    known_long = (pl.col("days_since_first_event") >= 28) & (pl.col("chronic_load") > 0)
    streak = pl.col("streak_length_current")
    fresh = pl.col("days_since_last_session") <= 1
    return people.with_columns(
        load_ratio=pl.when(known_long).then((pl.col("acute_load") / pl.col("chronic_load")).round(6)),
        streak_milestone=pl.when(streak.is_in(STREAK_MILESTONES) & fresh).then(streak),
        sessions_to_record=pl.when(fresh).then(pl.col("streak_length_longest") - streak),
        low_energy=pl.when(pl.col("energy_level") <= 5).then("energy_level"),
        days_automatic=(pl.col("as_of_date") - pl.col("automatic_on")).dt.total_days(),
    )
