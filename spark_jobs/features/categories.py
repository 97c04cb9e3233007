"""What kinds of workout, barriers and parts of the app a person's days hold: the ledger, and the features made of it."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from habitlake.tables import get_table
from spark_jobs.common.zones import with_local_time
from spark_jobs.features.aggregates import rounded, within

LEDGER = "gold.user_day_category"
DAYS = 30
WORKOUT_TYPE, BARRIER, SKIP_REASON, APP_FEATURE = "workout_type", "barrier", "skip_reason", "app_feature"


def _values(events: DataFrame, kind: str, values: Column) -> DataFrame:
    return events.select(
        "batch_date",
        "user_id",
        F.col("event_at").alias("at"),
        "event_offset_s",
        F.lit(kind).alias("kind"),
        F.explode(values).alias("value"),
    )


def category_entries(workouts: DataFrame, interactions: DataFrame, profiles: DataFrame) -> DataFrame:
    """Return gold.user_day_category entries of the batches in the frames.

    Parameters
    ----------
    workouts, interactions
        The batches' rows of silver.workouts and silver.interactions.
    profiles
        Profile versions of all batches up to the last one, for the zones.
    """
    done = workouts.where(F.col("event_type") == "workout_completed")
    skipped = workouts.where(F.col("event_type") == "workout_skipped")
    named = (
        _values(done, WORKOUT_TYPE, F.array("workout_type"))
        .unionByName(_values(skipped, SKIP_REASON, F.array("skip_reason")))
        .unionByName(_values(interactions, SKIP_REASON, F.col("skip_reasons")))
        .unionByName(_values(interactions, BARRIER, F.col("barriers")))
        .unionByName(_values(interactions, APP_FEATURE, F.col("features_used")))
        .withColumn("value", F.lower(F.trim("value")))
        .where(F.col("value") != "")
    )
    return with_local_time(named, profiles).groupBy(*get_table(LEDGER).key).agg(F.count(F.lit(1)).alias("mentions"))


def category_features(entries: DataFrame, keys: list[str]) -> DataFrame:
    """Return one row per person and night with the features of 30 days; people without any mention have no row.

    Parameters
    ----------
    entries
        Ledger entries of persons and nights (the columns ``keys``), with ``age``.
    """
    counted = (
        entries.where(within(DAYS) & (F.col("kind") != SKIP_REASON))
        .groupBy(*keys, "kind", "value")
        .agg(F.sum("mentions").alias("mentions"))
    )

    def only(kind: str, value: Column) -> Column:
        return F.when(F.col("kind") == kind, value)

    mentions = F.col("mentions")
    sessions, squares = F.sum(only(WORKOUT_TYPE, mentions)), F.sum(only(WORKOUT_TYPE, mentions * mentions))
    # Of equal counts the first in the alphabet: the order is by count downwards, then by name.
    first = F.min(only(BARRIER, F.struct((-mentions).alias("count"), F.col("value").alias("value"))))
    return counted.groupBy(*keys).agg(
        rounded(1 - squares / (sessions * sessions)).alias("workout_variety_score"),
        first["value"].alias("top_barrier"),
        F.sum(only(APP_FEATURE, F.lit(1))).alias("features_used_30d"),
    )
