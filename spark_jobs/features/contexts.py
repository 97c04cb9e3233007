"""In which circumstances workouts are done and skipped: the ledger of attempts, and the features made of it."""

import math
from collections.abc import Iterable

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from habitlake.contracts.weather import COLD_BELOW_F, HOT_ABOVE_F, WET
from habitlake.tables import get_table
from habitlake.tables.features import MIN_SUPPORT
from spark_jobs.common.zones import with_local_time
from spark_jobs.features.aggregates import rounded, share, total

LEDGER = "gold.user_day_context"
DAYS = 30
# First local hour of each part of the day; what lies before the first is night.
SLOT_STARTS = {"early_morning": 4, "morning": 7, "midday": 11, "afternoon": 14, "evening": 18, "night": 22}
SLOTS = tuple(SLOT_STARTS)
LOCATIONS = ("home", "gym", "outdoors", "work", "other")
UNKNOWN = "unknown"
SECONDS_PER_DAY = 86_400
WEEKDAYS = range(1, 8)


def time_slot(local_at: Column) -> Column:
    """Return the part of the day of a local time."""
    hour = F.hour(local_at)
    slot = F.lit("night")
    for name, start in SLOT_STARTS.items():
        slot = F.when(hour >= start, F.lit(name)).otherwise(slot)
    return slot


def weather_band() -> Column:
    """Return the band of an event's weather and temperature."""
    temperature = F.col("weather_temperature")
    return (
        F.when(F.col("weather").isin(*WET), F.lit("wet"))
        .when(temperature < COLD_BELOW_F, F.lit("cold"))
        .when(temperature > HOT_ABOVE_F, F.lit("hot"))
        .when(F.col("weather").isNotNull() | temperature.isNotNull(), F.lit("fair"))
        .otherwise(F.lit(UNKNOWN))
    )


def location() -> Column:
    """Return the place of an event, one of the known ones, other, or unknown."""
    place = F.lower(F.trim("location"))
    return (
        F.when(place.isin(*LOCATIONS), place)
        .when(F.coalesce(place, F.lit("")) != "", F.lit("other"))
        .otherwise(F.lit(UNKNOWN))
    )


def context_entries(workouts: DataFrame, profiles: DataFrame) -> DataFrame:
    """Return gold.user_day_context entries of the batches in the frame.

    An attempt belongs to the local day on which it ended or was skipped, and to the time at which it started.

    Parameters
    ----------
    workouts
        The batches' rows of silver.workouts.
    profiles
        Profile versions of all batches up to the last one, for the zones.
    """
    completed = F.col("event_type") == "workout_completed"
    attempts = workouts.where(F.col("event_type").isin("workout_completed", "workout_skipped")).select(
        "batch_date",
        "user_id",
        F.col("event_at").alias("at"),
        "event_offset_s",
        "time_of_day",
        weather_band().alias("weather_band"),
        location().alias("location"),
        F.coalesce("social_context", F.lit(UNKNOWN)).alias("with_whom"),
        completed.cast("bigint").alias("completed"),
        (~completed).cast("bigint").alias("skipped"),
        F.coalesce(F.when(completed, F.col("duration_s")), F.lit(0)).alias("duration_s"),
    )
    local = with_local_time(attempts, profiles)
    started = F.timestamp_seconds(F.unix_seconds("local_at") - F.round("duration_s").cast("bigint"))
    angle = F.unix_seconds("started_at") % SECONDS_PER_DAY * (2 * math.pi / SECONDS_PER_DAY)
    key = get_table(LEDGER).key
    return (
        local.withColumn("started_at", started)
        .withColumn("time_slot", F.coalesce("time_of_day", time_slot(F.col("started_at"))))
        .withColumn("start_cos_permille", (F.round(F.cos(angle) * 1000) * F.col("completed")).cast("bigint"))
        .withColumn("start_sin_permille", (F.round(F.sin(angle) * 1000) * F.col("completed")).cast("bigint"))
        .groupBy(*key)
        .agg(
            *(F.sum(name).alias(name) for name in ("completed", "skipped", "start_cos_permille", "start_sin_permille"))
        )
    )


def _counts(name: str, condition: Column) -> dict[str, Column]:
    return {
        f"{name}_completed": total("completed", DAYS, where=condition),
        f"{name}_skipped": total("skipped", DAYS, where=condition),
    }


def context_aggregates() -> dict[str, Column]:
    """Return the sums over 30 days of context entries that the features are made of."""
    weekday = F.dayofweek("local_date")
    sums = {
        "start_cos": total("start_cos_permille", DAYS),
        "start_sin": total("start_sin_permille", DAYS),
        **_counts("fair", F.col("weather_band") == "fair"),
        **_counts("unfair", F.col("weather_band").isin("wet", "cold", "hot")),
        **_counts("alone", F.col("with_whom") == "alone"),
        **_counts("together", F.col("with_whom").isin("partner", "group")),
    }
    for slot in SLOTS:
        sums |= _counts(slot, F.col("time_slot") == slot)
    for day in WEEKDAYS:
        sums |= _counts(f"weekday_{day}", weekday == day)
    return sums


def _success(name: str) -> Column:
    """Return the success rate of the attempts, null with too few."""
    attempts = F.col(f"{name}_completed") + F.col(f"{name}_skipped")
    return F.when(attempts >= MIN_SUPPORT, F.col(f"{name}_completed") / attempts)


def _sum(columns: Iterable[Column]) -> Column:
    return sum(columns, F.lit(0))


def context_features() -> dict[str, Column]:
    """Return the features from the sums of ``context_aggregates`` and the person's ``preferred_slots`` (a bitmap)."""
    sessions = _sum(F.col(f"weekday_{day}_completed") for day in WEEKDAYS)
    skips = _sum(F.col(f"weekday_{day}_skipped") for day in WEEKDAYS)
    enough = sessions >= MIN_SUPPORT
    length = F.sqrt(F.col("start_cos") * F.col("start_cos") + F.col("start_sin") * F.col("start_sin"))
    parts = [share(F.col(f"weekday_{day}_completed"), sessions) for day in WEEKDAYS]
    entropy = _sum(F.when(part > 0, -part * F.log(part)).otherwise(0.0) for part in parts)
    rates = F.filter(F.array(*(_success(slot) for slot in SLOTS)), lambda rate: rate.isNotNull())
    preferred = _sum(
        F.when(F.col("preferred_slots").bitwiseAND(1 << number) != 0, F.col(f"{slot}_completed")).otherwise(0)
        for number, slot in enumerate(SLOTS)
    )
    most_skipped = F.greatest(*(F.col(f"weekday_{day}_skipped") for day in WEEKDAYS))
    return {
        # Rounding the terms to thousandths can lift the length of a perfect habit a hair above 1.
        "time_of_day_consistency": rounded(F.when(enough, F.least(length / 1000 / sessions, F.lit(1.0)))),
        "day_of_week_consistency": rounded(F.when(enough, F.greatest(1 - entropy / math.log(7), F.lit(0.0)))),
        "skip_pattern_frequency": rounded(F.when(skips >= MIN_SUPPORT, most_skipped / skips)),
        "preferred_time_consistency": rounded(F.when(F.col("preferred_slots") > 0, share(preferred, sessions))),
        "weather_sensitivity": rounded(_success("fair") - _success("unfair")),
        "social_context_impact": rounded(_success("together") - _success("alone")),
        "success_rate_variance_by_time": rounded(F.when(F.size(rates) > 1, F.array_max(rates) - F.array_min(rates))),
    }
