"""Features of every person as known on each night, from the ledger and the snapshot before.

One pass serves a range: each ledger entry is counted into every night that could know it, then summed per
person, night and day, then into all features of the person. Both groupings share the distribution by person.
Sums are integers until the last step; ratios and slopes are rounded to 6 decimals.
"""

from collections.abc import Sequence
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from habitlake.clock import Interval
from habitlake.tables import FEATURE_COLUMNS
from spark_jobs.common.zones import newest_version, newest_zone, profile_versions
from spark_jobs.features.user_day import MEASURES

LOOK_BACK_DAYS = 90
PLAN_DAYS = 60
# Zones reach from -12 to +14 hours, so a local day can lie two days from the night's date.
ZONE_SLACK_DAYS = 3
STREAK_GAP_DAYS = 7
INJURY_DAYS = 14
SLEEP_NEED_HOURS = 8.0
DECIMALS = 6
MIN_TREND_DAYS = 3
EPOCH = date(1970, 1, 1)


def _rounded(value: Column) -> Column:
    return F.round(value, DECIMALS)


def _within(days: int) -> Column:
    """Return whether a day lies in the last ``days`` complete days; ``age`` 0 is the as-of date."""
    return F.col("age").between(0, days - 1)


def _sum(name: str, days: int) -> Column:
    return F.coalesce(F.sum(F.when(_within(days), F.col(name))), F.lit(0))


def _mean(total: str, count: str, days: int, scale: float) -> Column:
    """Return sum over count in natural units, null where nothing was reported."""
    reports = _sum(count, days)
    return _rounded(F.when(reports > 0, _sum(total, days) / reports / scale))


def _trend(total: str, count: str, days: int, scale: float) -> Column:
    """Return the least-squares slope per day of the daily mean; null below three reported days.

    The daily mean is rounded to an integer first, so the moments are exact integers in any order of rows.
    """
    inside = _within(days) & (F.col(count) > 0)
    x = F.when(inside, F.lit(days) - F.col("age")).cast("bigint")
    y = F.when(inside, F.round(F.col(total) / F.col(count))).cast("bigint")
    n, sx, sy = F.count(x), F.sum(x), F.sum(y)
    sxx, sxy = F.sum(x * x), F.sum(x * y)
    denominator = n * sxx - sx * sx
    return _rounded(F.when((n >= MIN_TREND_DAYS) & (denominator > 0), (n * sxy - sx * sy) / denominator / scale))


def contributions_by_night(ledger: DataFrame, interval: Interval) -> DataFrame:
    """Return each ledger entry once for every night of the interval that knows it and may look back to it."""
    first = F.greatest(F.col("batch_date"), F.lit(interval.start))
    last = F.least(F.date_add("local_date", LOOK_BACK_DAYS + ZONE_SLACK_DAYS), F.lit(interval.end))
    known = ledger.where(first <= last)
    return known.withColumn("night", F.explode(F.sequence(first, last))).drop("batch_date")


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


def with_as_of(people: DataFrame, profiles: DataFrame) -> DataFrame:
    """Add the zone, the weekly target and the last complete local day, as known on each night."""
    night_end = F.date_add("night", 1).cast("timestamp")
    return (
        people.join(profile_versions(profiles), on="user_id", how="left")
        .withColumn("time_zone", newest_zone(F.col("versions"), F.col("night")))
        .withColumn("weekly_target", newest_version(F.col("versions"), F.col("night")).target_sessions_per_week)
        .withColumn("as_of_date", F.date_sub(F.to_date(F.from_utc_timestamp(night_end, F.col("time_zone"))), 1))
        .drop("versions")
    )


def _streaks(days: Column) -> Column:
    """Return (current, longest, last session day) of sorted (local_date, sessions) structs of sessions and misses.

    A complete day with a plan and no session breaks a streak, and so do seven complete days without a session.
    """
    start = F.struct(
        F.lit(0).cast("bigint").alias("current"),
        F.lit(0).cast("bigint").alias("longest"),
        F.lit(None).cast("date").alias("last"),
    )

    def step(state: Column, day: Column) -> Column:
        holds = state["last"].isNotNull() & (F.datediff(day["local_date"], state["last"]) <= STREAK_GAP_DAYS)
        length = F.when(holds, state["current"]).otherwise(F.lit(0)) + 1
        met = F.struct(
            length.cast("bigint").alias("current"),
            F.greatest(state["longest"], length).cast("bigint").alias("longest"),
            day["local_date"].alias("last"),
        )
        missed = F.struct(
            F.lit(0).cast("bigint").alias("current"), state["longest"].alias("longest"), state["last"].alias("last")
        )
        return F.when(day["sessions"] > 0, met).otherwise(missed)

    return F.aggregate(days, start, step)


def _aggregates() -> dict[str, Column]:
    """Return the aggregate of each feature over a person's days of one night."""
    session_day = (F.col("workouts_completed") > 0).cast("bigint")
    sessions_7, sessions_28, sessions_30 = (_sum("workouts_completed", days) for days in (7, 28, 30))
    skipped_30 = _sum("workouts_skipped", 30)
    visits_30 = _sum("app_visits", 30)
    hours = _mean("sleep_s", "sleep_count", 7, 3600.0)
    tracked = _within(LOOK_BACK_DAYS) & ((F.col("workouts_completed") > 0) | (F.col("workouts_planned") > 0))
    return {
        "workout_frequency_7d": _rounded(sessions_7 / 7),
        "workout_frequency_30d": _rounded(sessions_30 / 30),
        "sessions_7d": sessions_7,
        "sessions_28d": sessions_28,
        "active_days_28d": F.coalesce(F.sum(F.when(_within(28), session_day)), F.lit(0)),
        "observed_days_28d": F.coalesce(F.sum(F.when(_within(28), (F.col("events") > 0).cast("bigint"))), F.lit(0)),
        "days_since_last_session": F.min(F.when(_within(LOOK_BACK_DAYS) & (session_day > 0), F.col("age"))),
        "completion_rate_30d": _mean("completion_permille", "completion_count", 30, 1000.0),
        "completion_rate_trend": _trend("completion_permille", "completion_count", 30, 1000.0),
        "planned_7d": _sum("workouts_planned", 7),
        "planned_next_7d": F.coalesce(F.sum(F.when(F.col("age").between(-7, -1), F.col("workouts_planned"))), F.lit(0)),
        "skip_rate_30d": _rounded(F.when(skipped_30 + sessions_30 > 0, skipped_30 / (skipped_30 + sessions_30))),
        "habitual_weekly_sessions": _rounded(sessions_28 / 4),
        "sleep_hours_7d": hours,
        "sleep_debt_hours": _rounded(
            F.when(hours.isNotNull(), F.greatest(F.lit(SLEEP_NEED_HOURS) - hours, F.lit(0.0)))
        ),
        "sleep_quality_trend": _trend("sleep_s", "sleep_count", 30, 3600.0),
        "stress_level": _mean("stress_permille", "stress_count", 7, 1000.0),
        "stress_level_trend": _trend("stress_permille", "stress_count", 30, 1000.0),
        "energy_level": _mean("energy_permille", "energy_count", 7, 1000.0),
        "motivation_level": _mean("motivation_permille", "motivation_count", 7, 1000.0),
        "hrv_7d": _mean("hrv_deci_ms", "hrv_count", 7, 10.0),
        "resting_heart_rate_7d": _mean("resting_heart_rate_deci", "resting_heart_rate_count", 7, 10.0),
        "steps_7d": _mean("steps", "steps_count", 7, 1.0),
        "load_7d": _rounded(_sum("load_au", 7) / 1000),
        "load_28d": _rounded(_sum("load_au", 28) / 4000),
        "app_minutes_7d": _rounded(_sum("screen_s", 7) / 60),
        "preparation_time_avg": _mean("preparation_s", "preparation_count", 30, 60.0),
        "barrier_frequency": _rounded(F.when(visits_30 > 0, _sum("barriers", 30) / visits_30)),
        "partner_share_30d": _rounded(F.when(sessions_30 > 0, _sum("partner_sessions", 30) / sessions_30)),
        "injured": (_sum("injuries_started", INJURY_DAYS) > _sum("injuries_resolved", INJURY_DAYS)).cast("bigint"),
        "interventions_7d": _sum("interventions_delivered", 7),
        "tracked_days": F.array_sort(
            F.collect_list(F.when(tracked, F.struct("local_date", F.col("workouts_completed").alias("sessions"))))
        ),
    }


ZERO_WITHOUT_DAYS = (
    *("workout_frequency_7d", "workout_frequency_30d", "sessions_7d", "sessions_28d", "active_days_28d"),
    *("observed_days_28d", "planned_7d", "planned_next_7d", "habitual_weekly_sessions", "load_7d", "load_28d"),
    *("app_minutes_7d", "injured", "interventions_7d", "streak_length_current", "streak_length_longest"),
)


def snapshots(
    ledger: DataFrame, since_snapshot: DataFrame, before: DataFrame | None, profiles: DataFrame, interval: Interval
) -> DataFrame:
    """Return gold.user_features of every night of the interval.

    Parameters
    ----------
    ledger
        Entries that the nights may look back to: batches from ``look_back_start`` to the interval's end.
    since_snapshot
        Entries of all batches after the snapshot before, up to the interval's end.
    before
        The newest snapshot before the interval, or None.
    profiles
        Profile versions of all batches up to the interval's end.
    """
    people = with_as_of(people_by_night(since_snapshot, before, interval), profiles)
    days = (
        contributions_by_night(ledger, interval)
        .repartition("user_id")
        .groupBy("user_id", "night", "local_date")
        .agg(*(F.sum(name).alias(name) for name in MEASURES))
    )
    aged = people.select("user_id", "night", "as_of_date").join(days, on=["user_id", "night"])
    aged = aged.withColumn("age", F.datediff("as_of_date", "local_date"))
    facts = aged.groupBy("user_id", "night").agg(*(column.alias(name) for name, column in _aggregates().items()))
    rows = people.join(facts, on=["user_id", "night"], how="left")
    streak = _streaks(F.coalesce("tracked_days", F.array().cast("array<struct<local_date:date,sessions:bigint>>")))
    rows = rows.withColumn("streak", streak)
    stale = F.datediff("as_of_date", F.col("streak.last")) >= STREAK_GAP_DAYS
    derived = {
        "streak_length_current": F.when(stale, F.lit(0)).otherwise(F.col("streak.current")).cast("bigint"),
        "streak_length_longest": F.col("streak.longest"),
        "days_since_first_event": F.greatest(F.datediff("as_of_date", "first_local_date"), F.lit(0)).cast("bigint"),
        "goal_progress_rate": _rounded(
            F.when(
                F.col("weekly_target") > 0,
                F.least(F.coalesce("sessions_7d", F.lit(0)) / F.col("weekly_target"), F.lit(2.0)),
            )
        ),
    }
    rows = rows.withColumns(derived)
    end = F.date_add("night", 1).cast("timestamp")
    return rows.select(
        F.col("night").alias("batch_date"),
        "user_id",
        end.alias("event_timestamp"),
        end.alias("created_timestamp"),
        "time_zone",
        "as_of_date",
        "first_local_date",
        *(
            (F.coalesce(column.name, F.lit(0)) if column.name in ZERO_WITHOUT_DAYS else F.col(column.name)).alias(
                column.name
            )
            for column in FEATURE_COLUMNS
        ),
    )


def look_back_start(start: date) -> date:
    """Return the first batch whose entries can lie in the look-back windows of a night: plans arrive ahead."""
    return date.fromordinal(start.toordinal() - LOOK_BACK_DAYS - PLAN_DAYS - ZONE_SLACK_DAYS)


def snapshot_before(nights: Sequence[date], start: date) -> date | None:
    """Return the newest stored snapshot before the interval."""
    return max((night for night in nights if night < start), default=None)
