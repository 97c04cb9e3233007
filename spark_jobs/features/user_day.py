"""The ledger: what the events of each batch add to each person's local days, in additive integers."""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from habitlake.tables import get_table
from spark_jobs.common.zones import with_local_time

KEY = ("batch_date", "user_id", "local_date")
MEASURES = tuple(name for name in get_table("gold.user_day").column_names if name not in KEY)
INTENSITY_WEIGHT = {"low": 1, "medium": 2, "high": 3}
UNKNOWN_INTENSITY_WEIGHT = 2


def _scaled(value: Column, factor: int) -> Column:
    """Return the value as an integer of 1/factor units, halves rounded away from zero."""
    return F.round(value * factor).cast("bigint")


def _one(condition: Column) -> Column:
    return F.when(condition, F.lit(1)).otherwise(F.lit(0)).cast("bigint")


def _reports(value: str, name: str, factor: int = 1000, suffix: str = "permille") -> dict[str, Column]:
    """Return count and scaled sum of a value that may be absent."""
    return {f"{name}_count": _one(F.col(value).isNotNull()), f"{name}_{suffix}": _scaled(F.col(value), factor)}


def _contributions(events: DataFrame, measures: Mapping[str, Column], at: str = "event_at") -> DataFrame:
    """Return one row per event with every measure of the ledger; those not given add nothing."""
    nothing = F.lit(None).cast("bigint")
    return events.select(
        "batch_date",
        "user_id",
        F.col(at).alias("at"),
        "event_offset_s",
        *(measures.get(name, nothing).alias(name) for name in MEASURES),
    )


def workout_contributions(workouts: DataFrame) -> DataFrame:
    """Return what workout events add to the day they happened on."""
    completed = F.col("event_type") == "workout_completed"
    weight = F.lit(UNKNOWN_INTENSITY_WEIGHT)
    for intensity, value in INTENSITY_WEIGHT.items():
        weight = F.when(F.col("intensity") == intensity, F.lit(value)).otherwise(weight)
    with_rate = completed & F.col("completion_rate").isNotNull()
    with_intensity = completed & F.col("intensity").isin(*INTENSITY_WEIGHT)
    with_heart_rate = completed & F.col("heart_rate_avg").isNotNull()
    return _contributions(
        workouts,
        {
            "events": F.lit(1).cast("bigint"),
            "workouts_started": _one(F.col("event_type") == "workout_started"),
            "workouts_completed": _one(completed),
            "workouts_skipped": _one(F.col("event_type") == "workout_skipped"),
            "partner_sessions": _one(completed & F.col("social_context").isin("partner", "group")),
            "duration_s": F.when(completed, _scaled(F.col("duration_s"), 1)),
            "load_au": F.when(completed, _scaled(F.col("duration_s") / 60 * weight, 1000)),
            "completion_count": _one(with_rate),
            "completion_permille": F.when(with_rate, _scaled(F.col("completion_rate"), 1000)),
            "intensity_count": _one(with_intensity),
            "intensity_permille": F.when(with_intensity, (weight * 1000).cast("bigint")),
            "heart_rate_count": _one(with_heart_rate),
            "heart_rate_deci": F.when(with_heart_rate, _scaled(F.col("heart_rate_avg"), 10)),
            **_reports("stress_level", "stress"),
        },
    )


def plan_contributions(workouts: DataFrame) -> DataFrame:
    """Return what plans add to the day they are for."""
    plans = workouts.where((F.col("event_type") == "workout_planned") & F.col("planned_for").isNotNull())
    return _contributions(plans, {"workouts_planned": F.lit(1).cast("bigint")}, at="planned_for")


def interaction_contributions(interactions: DataFrame) -> DataFrame:
    """Return what visits to the app add."""
    return _contributions(
        interactions,
        {
            "events": F.lit(1).cast("bigint"),
            "app_visits": F.lit(1).cast("bigint"),
            "screen_s": _scaled(F.col("screen_time_s"), 1),
            "barriers": F.size(F.coalesce("barriers", F.array().cast("array<string>"))).cast("bigint"),
            "skip_reasons": F.size(F.coalesce("skip_reasons", F.array().cast("array<string>"))).cast("bigint"),
            **_reports("motivation_level", "motivation"),
            "preparation_count": _one(F.col("preparation_time_min").isNotNull()),
            "preparation_s": _scaled(F.col("preparation_time_min"), 60),
            **_reports("stress_level", "stress"),
        },
    )


def wellbeing_contributions(wellbeing: DataFrame) -> DataFrame:
    """Return what sleep, daily state, injuries and ratings add."""
    injury = F.col("event_type") == "injury_reported"
    resolved = F.col("injury_status") == "resolved"
    return _contributions(
        wellbeing,
        {
            "events": F.lit(1).cast("bigint"),
            "sleep_count": _one(F.col("sleep_duration_s").isNotNull()),
            "sleep_s": _scaled(F.col("sleep_duration_s"), 1),
            **_reports("sleep_efficiency", "sleep_efficiency"),
            **_reports("stress", "stress"),
            **_reports("energy", "energy"),
            **_reports("soreness", "soreness"),
            **_reports("mood", "mood"),
            **_reports("hrv_ms", "hrv", 10, "deci_ms"),
            **_reports("resting_heart_rate", "resting_heart_rate", 10, "deci"),
            "steps_count": _one(F.col("steps").isNotNull()),
            "steps": F.col("steps").cast("bigint"),
            "injuries_started": _one(injury & ~F.coalesce(resolved, F.lit(False))),
            "injuries_resolved": _one(injury & F.coalesce(resolved, F.lit(False))),
            **_reports("rating", "rating"),
        },
    )


def intervention_contributions(events: DataFrame) -> DataFrame:
    """Return what feedback on interventions adds."""
    return _contributions(
        events,
        {
            # A delivery happens to a person; only what the person does is a sign of use.
            "events": _one(F.col("event_type") != "intervention_delivered"),
            "interventions_delivered": _one(F.col("event_type") == "intervention_delivered"),
            "interventions_opened": _one(F.col("event_type") == "intervention_opened"),
            "interventions_acted": _one(F.col("event_type") == "intervention_acted"),
        },
    )


def ledger_entries(events: Mapping[str, DataFrame], profiles: DataFrame) -> DataFrame:
    """Return gold.user_day entries of the batches in the frames.

    Parameters
    ----------
    events
        The batches' rows of each silver event table, by table name.
    profiles
        Profile versions of all batches up to the last one, for the zones.
    """
    contributions = workout_contributions(events["silver.workouts"])
    for frame in (
        plan_contributions(events["silver.workouts"]),
        interaction_contributions(events["silver.interactions"]),
        wellbeing_contributions(events["silver.wellbeing"]),
        intervention_contributions(events["silver.intervention_events"]),
        _contributions(events["silver.profiles"], {"events": F.lit(1).cast("bigint")}),
    ):
        contributions = contributions.unionByName(frame)
    return (
        with_local_time(contributions, profiles)
        .groupBy(*KEY)
        .agg(*(F.coalesce(F.sum(name), F.lit(0)).cast("bigint").alias(name) for name in MEASURES))
    )
