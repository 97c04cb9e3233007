"""What the nights of a range know: which people, as of which local day, and which ledger entries."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from habitlake.clock import Interval
from spark_jobs.common.zones import newest_version, newest_zone, profile_versions
from spark_jobs.features.contexts import SLOTS

LOOK_BACK_DAYS = 90
PLAN_DAYS = 60
# Zones reach from -12 to +14 hours, so a local day can lie two days from the night's date.
ZONE_SLACK_DAYS = 3
ENTRIES_PER_PASS = 100_000_000
MAX_WEEKS_TO_GOAL = 520
EPOCH = date(1970, 1, 1)
PROFILE_FIELDS = ("target_sessions_per_week", "preferred_times", "weight_kg", "target_weight_kg")


def entry_keys(interval: Interval) -> list[str]:
    """Return the columns by which ledger entries are joined to people: of one night, every entry is of that night."""
    return ["user_id"] if len(interval) == 1 else ["user_id", "night"]


def entries_by_night(ledger: DataFrame, interval: Interval, look_back_days: int) -> DataFrame:
    """Return each ledger entry once for every night of the interval that knows it and may look back to it.

    Entries of one night carry no ``night``: they need not be copied, and code that names no date is compiled once for
    all nights.
    """
    days = look_back_days + ZONE_SLACK_DAYS
    first = F.greatest(F.col("batch_date"), F.lit(interval.start))
    last = F.least(F.date_add("local_date", days), F.lit(interval.end))
    # The first condition follows from the second; on the bare column it reaches the files and skips what is older.
    known = ledger.where(F.col("local_date") >= F.lit(interval.start - timedelta(days=days))).where(first <= last)
    if len(interval) == 1:
        return known.drop("batch_date")
    return known.withColumn("night", F.explode(F.sequence(first, last))).drop("batch_date")


def aged_entries(ledger: DataFrame, people: DataFrame, interval: Interval, look_back_days: int) -> DataFrame:
    """Return the people's ledger entries as known on each night, with ``age``; people without any keep one row of nulls.

    Parameters
    ----------
    people
        One row per person and night (user_id, night, as_of_date and whatever else is wanted).
    """
    entries = entries_by_night(ledger.repartition("user_id"), interval, look_back_days)
    # The people of a partition fit in memory, so the many entries need no sorting.
    joined = entries.join(people.hint("shuffle_hash"), on=entry_keys(interval), how="right")
    return joined.withColumn("age", F.datediff("as_of_date", "local_date"))


def people_by_night(ledger: DataFrame, before: DataFrame | None, interval: Interval) -> DataFrame:
    """Return one row per person and night on which the person is known: user_id, night, first_local_date.

    Parameters
    ----------
    ledger
        Entries of all batches after the snapshot before.
    before
        The newest snapshot before the interval (user_id, first_local_date); None when there is none.
    """
    seen = (
        ledger.where(F.col("events") > 0)
        .groupBy("user_id", "batch_date")
        .agg(F.min("local_date").alias("first_local_date"))
    )
    if before is not None:
        seen = seen.unionByName(before.select("user_id", F.lit(EPOCH).alias("batch_date"), "first_local_date"))
    first = F.greatest(F.col("batch_date"), F.lit(interval.start))
    return (
        seen.withColumn("night", F.explode(F.sequence(first, F.lit(interval.end))))
        .groupBy("user_id", "night")
        .agg(F.min("first_local_date").alias("first_local_date"))
    )


def with_profile(people: DataFrame, profiles: DataFrame) -> DataFrame:
    """Add what the profile says, as known on each night, and the last complete local day.

    Columns added: time_zone, as_of_date, weekly_target, preferred_slots (a bitmap over ``SLOTS``), and of the weight
    goal weight_progress (0 to 1) and weeks_to_goal.
    """
    night_end = F.date_add("night", 1).cast("timestamp")
    newest = F.col("newest")
    return (
        people.join(profile_versions(profiles, PROFILE_FIELDS), on="user_id", how="left")
        .withColumn("newest", newest_version(F.col("versions"), F.col("night")))
        .withColumn("time_zone", newest_zone(F.col("versions"), F.col("night")))
        .withColumn("as_of_date", F.date_sub(F.to_date(F.from_utc_timestamp(night_end, F.col("time_zone"))), 1))
        .withColumn("weekly_target", newest["target_sessions_per_week"])
        .withColumn("preferred_slots", _slot_bitmap(newest["preferred_times"]))
        .withColumns(weight_goal(F.col("versions"), newest["target_weight_kg"]))
        .drop("versions", "newest")
    )


def _slot_bitmap(preferred: Column) -> Column:
    named = F.coalesce(F.transform(preferred, lambda time: F.lower(F.trim(time))), F.array().cast("array<string>"))
    return sum(
        (F.when(F.array_contains(named, slot), F.lit(1 << number)).otherwise(0) for number, slot in enumerate(SLOTS)),
        F.lit(0),
    )


def weight_goal(versions: Column, target: Column) -> dict[str, Column]:
    """Return how much of the way from the first weight known to the target is gone, and the weeks the rest takes."""
    weighed = F.filter(versions, lambda v: (v.batch_date <= F.col("night")) & v.weight_kg.isNotNull())
    first, last = F.array_min(weighed), F.array_max(weighed)
    # Signed, so that gaining weight is a goal like losing it.
    way, gone = first["weight_kg"] - target, first["weight_kg"] - last["weight_kg"]
    reached = F.when(way != 0, gone / way).when(last["weight_kg"] == target, F.lit(1.0))
    weeks = F.datediff(last["event_at"], first["event_at"]) / 7
    left = F.when(reached >= 1, F.lit(0.0)).when((weeks > 0) & (reached > 0), weeks * (1 - reached) / reached)
    return {
        # least and greatest pass over nulls, which must stay.
        "weight_progress": F.when(reached.isNotNull(), F.least(F.greatest(reached, F.lit(0.0)), F.lit(1.0))),
        "weeks_to_goal": F.when(left.isNotNull(), F.least(left, F.lit(float(MAX_WEEKS_TO_GOAL)))),
    }


def passes(interval: Interval, entries: int) -> Iterator[Interval]:
    """Split a range into the stretches of nights that one pass works on, so that its size is bounded.

    Parameters
    ----------
    entries
        Ledger entries in the look-back window of the range: each may be counted into every night of a pass.
    """
    nights = max(1, min(len(interval), ENTRIES_PER_PASS // max(entries, 1)))
    for offset in range(0, len(interval), nights):
        start = interval.start + timedelta(days=offset)
        yield Interval(start, min(start + timedelta(days=nights - 1), interval.end))


def look_back_start(start: date, days: int = LOOK_BACK_DAYS + PLAN_DAYS) -> date:
    """Return the first batch whose entries can lie in the look-back window of a night; plans arrive ahead."""
    return date.fromordinal(start.toordinal() - days - ZONE_SLACK_DAYS)


def snapshot_before(nights: Sequence[date], start: date) -> date | None:
    """Return the newest stored snapshot before the interval."""
    return max((night for night in nights if night < start), default=None)
