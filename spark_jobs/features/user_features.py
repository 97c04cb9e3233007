"""Features of every person as known on each night, from the ledger and the snapshot before.

One pass serves a range: each ledger entry is counted into every night that could know it, and summed straight into
all features of a person and night; the entries of a day need not be summed first. Sums count and add, days are
bitmaps, slopes come from integer moments, so one distribution by person and one grouping do it all. Everything is an
integer until the last step; ratios and slopes are rounded to 6 decimals.
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from habitlake.clock import Interval
from habitlake.tables import FEATURE_COLUMNS
from spark_jobs.common.zones import newest_version, newest_zone, profile_versions

LOOK_BACK_DAYS = 90
HALF_LOOK_BACK = 45
PLAN_DAYS = 60
# Zones reach from -12 to +14 hours, so a local day can lie two days from the night's date.
ZONE_SLACK_DAYS = 3
STREAK_GAP_DAYS = 7
INJURY_DAYS = 14
SLEEP_NEED_HOURS = 8.0
DECIMALS = 6
ENTRIES_PER_PASS = 100_000_000
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


def _bits(condition: Column, first: int, days: int = HALF_LOOK_BACK) -> Column:
    """Return a bitmap of ``days`` days on which the condition holds; bit 0 is age ``first``.

    Several entries of one day set the same bit, so days are counted without being grouped first.
    """
    inside = F.col("age").between(first, first + days - 1) & condition
    return F.coalesce(F.bit_or(F.when(inside, F.expr(f"shiftleft(1L, age - {first})"))), F.lit(0).cast("bigint"))


def _trend(total: str, count: str, days: int, scale: float) -> Column:
    """Return the least-squares slope of the reports per day; null where fewer than three days have any.

    The moments are sums over ledger entries: with x the day, an entry adds count, x*count, x*x*count, total, x*total.
    """
    inside = _within(days)
    x = (F.lit(days) - F.col("age")).cast("bigint")

    def moment(value: Column) -> Column:
        return F.coalesce(F.sum(F.when(inside, value)), F.lit(0))

    n, sx, sxx = moment(F.col(count)), moment(x * F.col(count)), moment(x * x * F.col(count))
    sy, sxy = moment(F.col(total)), moment(x * F.col(total))
    reported_days = F.bit_count(_bits(F.col(count) > 0, 0, days))
    slope = (n * sxy - sx * sy) / (n * sxx - sx * sx) / scale
    return _rounded(F.when(reported_days >= MIN_TREND_DAYS, slope))


def contributions_by_night(ledger: DataFrame, interval: Interval) -> DataFrame:
    """Return each ledger entry once for every night of the interval that knows it and may look back to it."""
    first = F.greatest(F.col("batch_date"), F.lit(interval.start))
    last = F.least(F.date_add("local_date", LOOK_BACK_DAYS + ZONE_SLACK_DAYS), F.lit(interval.end))
    known = ledger.where(first <= last)
    if len(interval) == 1:
        # The same as below without copying each wide entry: a fifth of a large night.
        return known.withColumn("night", F.lit(interval.start)).drop("batch_date")
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


def _is_set(name: str, age: Column) -> Column:
    """Return whether the day of that age is in the two bitmaps ``name_recent`` and ``name_older``."""
    recent = F.call_function("getbit", F.col(f"{name}_recent"), age)
    older = F.call_function("getbit", F.col(f"{name}_older"), age - HALF_LOOK_BACK)
    return F.when(age < HALF_LOOK_BACK, recent).otherwise(older) == 1


def _streaks() -> Column:
    """Return (current, longest, age of the last session day) from the bitmaps of session days and missed days.

    A complete day with a plan and no session breaks a streak, and so do seven complete days without a session.
    """
    nothing = F.lit(None).cast("int")
    start = F.struct(
        F.lit(0).cast("bigint").alias("current"), F.lit(0).cast("bigint").alias("longest"), nothing.alias("last")
    )

    def step(state: Column, age: Column) -> Column:
        holds = state["last"].isNotNull() & (state["last"] - age <= STREAK_GAP_DAYS)
        length = F.when(holds, state["current"]).otherwise(F.lit(0)) + 1
        met = F.struct(
            length.cast("bigint").alias("current"),
            F.greatest(state["longest"], length).cast("bigint").alias("longest"),
            age.alias("last"),
        )
        missed = F.struct(
            F.lit(0).cast("bigint").alias("current"), state["longest"].alias("longest"), state["last"].alias("last")
        )
        return F.when(_is_set("session_days", age), met).otherwise(missed)

    ages = F.sequence(F.lit(LOOK_BACK_DAYS - 1), F.lit(0), F.lit(-1))
    return F.aggregate(F.filter(ages, lambda age: _is_set("tracked_days", age)), start, step)


def _aggregates() -> dict[str, Column]:
    """Return the aggregates of a person and night over ledger entries: features, and bitmaps of days."""
    sessions_7, sessions_28, sessions_30 = (_sum("workouts_completed", days) for days in (7, 28, 30))
    skipped_30 = _sum("workouts_skipped", 30)
    visits_30 = _sum("app_visits", 30)
    hours = _mean("sleep_s", "sleep_count", 7, 3600.0)
    met = F.col("workouts_completed") > 0
    tracked = met | (F.col("workouts_planned") > 0)
    return {
        "workout_frequency_7d": _rounded(sessions_7 / 7),
        "workout_frequency_30d": _rounded(sessions_30 / 30),
        "sessions_7d": sessions_7,
        "sessions_28d": sessions_28,
        "active_days_28d": F.bit_count(_bits(met, 0, 28)).cast("bigint"),
        "observed_days_28d": F.bit_count(_bits(F.col("events") > 0, 0, 28)).cast("bigint"),
        "days_since_last_session": F.min(F.when(_within(LOOK_BACK_DAYS) & met, F.col("age"))).cast("bigint"),
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
        "session_days_recent": _bits(met, 0),
        "session_days_older": _bits(met, HALF_LOOK_BACK),
        "tracked_days_recent": _bits(tracked, 0),
        "tracked_days_older": _bits(tracked, HALF_LOOK_BACK),
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
    entries = contributions_by_night(ledger.repartition("user_id"), interval)
    # The people of a partition fit in memory, so the many entries need no sorting; people without any stay.
    known = entries.join(people.hint("shuffle_hash"), on=["user_id", "night"], how="right")
    rows = (
        known.withColumn("age", F.datediff("as_of_date", "local_date"))
        .groupBy(*people.columns)
        .agg(*(column.alias(name) for name, column in _aggregates().items()))
    )
    rows = rows.withColumn("streak", _streaks())
    stale = F.col("streak.last") >= STREAK_GAP_DAYS
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


def look_back_start(start: date) -> date:
    """Return the first batch whose entries can lie in the look-back windows of a night: plans arrive ahead."""
    return date.fromordinal(start.toordinal() - LOOK_BACK_DAYS - PLAN_DAYS - ZONE_SLACK_DAYS)


def snapshot_before(nights: Sequence[date], start: date) -> date | None:
    """Return the newest stored snapshot before the interval."""
    return max((night for night in nights if night < start), default=None)
