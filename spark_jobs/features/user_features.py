"""Features of every person as known on each night, from the ledgers and the snapshot before.

One pass serves a range: each ledger entry is counted into every night that could know it, and summed straight into
all features of a person and night; the entries of a day need not be summed first. Sums count and add, days are
bitmaps, slopes come from integer moments, so one distribution by person and one grouping serve a ledger and window.
Only training and plans are looked back at for 90 days, so that a third of the entries carries most columns.
"""

from collections.abc import Mapping
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from habitlake.clock import Interval
from habitlake.tables import FEATURES, get_table
from habitlake.tables.features import EWMA_ACUTE_DAYS, EWMA_CHRONIC_DAYS
from spark_jobs.features import categories, contexts
from spark_jobs.features.aggregates import (
    BITMAP_DAYS,
    bits,
    mean,
    robust_slope,
    rounded,
    total,
    trend,
    weighted_mean,
    within,
)
from spark_jobs.features.as_known import LOOK_BACK_DAYS, aged_entries

STREAK_GAP_DAYS = 7
INJURY_DAYS = 14
SLEEP_NEED_HOURS = 8.0
WEEK_DAYS = 7
WEEKS = 4
PERIOD_DAYS = 5
PERIODS = 6
RECENT_DAYS = 30
TRAINING = ("workouts_completed", "workouts_planned", "load_au")


def _is_set(name: str, age: Column) -> Column:
    """Return whether the day of that age is in the two bitmaps ``name_recent`` and ``name_older``."""
    recent = F.call_function("getbit", F.col(f"{name}_recent"), age)
    older = F.call_function("getbit", F.col(f"{name}_older"), age - BITMAP_DAYS)
    return F.when(age < BITMAP_DAYS, recent).otherwise(older) == 1


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


def _consistency() -> Column:
    """Return the mean over the last four weeks of session days over expected ones, each at most 1."""
    habitual = F.greatest(F.round(F.col("sessions_28d") / WEEKS), F.lit(1.0))
    # A person cannot have more session days in a week than days; a target of less than one is no expectation.
    expected = F.least(F.when(F.col("weekly_target") >= 1, F.col("weekly_target")).otherwise(habitual), F.lit(7.0))
    days_known = F.datediff("as_of_date", "first_local_date") + 1
    weeks = []
    for week in range(WEEKS):
        mask = ((1 << WEEK_DAYS) - 1) << (WEEK_DAYS * week)
        days = F.bit_count(F.col("session_days_recent").bitwiseAND(mask))
        weeks.append(F.when(days_known >= WEEK_DAYS * (week + 1), F.least(days / expected, F.lit(1.0))))
    counted = sum((week.isNotNull().cast("int") for week in weeks), F.lit(0))
    met = sum((F.coalesce(week, F.lit(0.0)) for week in weeks), F.lit(0.0))
    return rounded(F.when(counted > 0, met / counted))


def _period_means() -> list[Column]:
    return [
        F.when(F.col(f"rates_{period}") > 0, F.col(f"rate_{period}") / F.col(f"rates_{period}") / 1000)
        for period in range(PERIODS)
    ]


def _monotony() -> Column:
    """Return mean over sample standard deviation of the last seven days' load; null when they are all the same."""
    days = [F.col(f"load_of_day_{age}") for age in range(WEEK_DAYS)]
    load = sum(days, F.lit(0))
    # n (n - 1) times the variance, in whole numbers: no rounding can make a constant week vary.
    spread = WEEK_DAYS * sum((day * day for day in days), F.lit(0)) - load * load
    deviation = F.sqrt(spread / (WEEK_DAYS * (WEEK_DAYS - 1)))
    return F.when(spread > 0, load / WEEK_DAYS / deviation)


def _training_aggregates() -> dict[str, Column]:
    """Return the aggregates that look back for 90 days; they need the entries with any of ``TRAINING`` alone."""
    met = F.col("workouts_completed") > 0
    tracked = met | (F.col("workouts_planned") > 0)
    return {
        "days_since_last_session": F.min(F.when(within(LOOK_BACK_DAYS) & met, F.col("age"))).cast("bigint"),
        "acute_load": weighted_mean("load_au", EWMA_ACUTE_DAYS, LOOK_BACK_DAYS, 1000.0),
        "chronic_load": weighted_mean("load_au", EWMA_CHRONIC_DAYS, LOOK_BACK_DAYS, 1000.0),
        "session_days_recent": bits(met, 0),
        "session_days_older": bits(met, BITMAP_DAYS),
        "tracked_days_recent": bits(tracked, 0),
        "tracked_days_older": bits(tracked, BITMAP_DAYS),
    }


def _recent_aggregates() -> dict[str, Column]:
    """Return the aggregates over the last 30 days and the week ahead: features, and what others are made of."""
    sessions_7, sessions_28, sessions_30 = (total("workouts_completed", days) for days in (7, 28, 30))
    skipped_30 = total("workouts_skipped", 30)
    visits_30 = total("app_visits", 30)
    hours = mean("sleep_s", "sleep_count", 7, 3600.0)
    met = F.col("workouts_completed") > 0
    periods = {
        f"{name}_{period}": total(measure, PERIOD_DAYS, PERIOD_DAYS * period)
        for name, measure in (("rate", "completion_permille"), ("rates", "completion_count"))
        for period in range(PERIODS)
    }
    return {
        "workout_frequency_7d": rounded(sessions_7 / 7),
        "workout_frequency_30d": rounded(sessions_30 / 30),
        "sessions_7d": sessions_7,
        "sessions_28d": sessions_28,
        "active_days_28d": F.bit_count(bits(met, 0, 28)).cast("bigint"),
        "observed_days_28d": F.bit_count(bits(F.col("events") > 0, 0, 28)).cast("bigint"),
        "completion_rate_30d": mean("completion_permille", "completion_count", 30, 1000.0),
        "intensity_progression": trend("intensity_permille", "intensity_count", 30, 1000.0),
        "planned_7d": total("workouts_planned", 7),
        "planned_next_7d": total("workouts_planned", 7, -7),
        "skip_rate_30d": rounded(F.when(skipped_30 + sessions_30 > 0, skipped_30 / (skipped_30 + sessions_30))),
        "habitual_weekly_sessions": rounded(sessions_28 / 4),
        "sleep_hours_7d": hours,
        "sleep_debt_hours": rounded(F.when(hours.isNotNull(), F.greatest(F.lit(SLEEP_NEED_HOURS) - hours, F.lit(0.0)))),
        "sleep_quality_trend": trend("sleep_s", "sleep_count", 30, 3600.0),
        "stress_level": mean("stress_permille", "stress_count", 7, 1000.0),
        "stress_level_trend": trend("stress_permille", "stress_count", 30, 1000.0),
        "energy_level": mean("energy_permille", "energy_count", 7, 1000.0),
        "motivation_level": mean("motivation_permille", "motivation_count", 7, 1000.0),
        "motivation_trend": trend("motivation_permille", "motivation_count", 30, 1000.0),
        "hrv_7d": mean("hrv_deci_ms", "hrv_count", 7, 10.0),
        "hrv_trend": trend("hrv_deci_ms", "hrv_count", 30, 10.0),
        "resting_heart_rate_7d": mean("resting_heart_rate_deci", "resting_heart_rate_count", 7, 10.0),
        "resting_heart_rate_trend": trend("resting_heart_rate_deci", "resting_heart_rate_count", 30, 10.0),
        "steps_7d": mean("steps", "steps_count", 7, 1.0),
        "load_7d": rounded(total("load_au", 7) / 1000),
        "load_28d": rounded(total("load_au", 28) / 4000),
        "app_minutes_7d": rounded(total("screen_s", 7) / 60),
        "preparation_time_avg": mean("preparation_s", "preparation_count", 30, 60.0),
        "barrier_frequency": rounded(F.when(visits_30 > 0, total("barriers", 30) / visits_30)),
        "partner_share_30d": rounded(F.when(sessions_30 > 0, total("partner_sessions", 30) / sessions_30)),
        "injured": (total("injuries_started", INJURY_DAYS) > total("injuries_resolved", INJURY_DAYS)).cast("bigint"),
        "interventions_7d": total("interventions_delivered", 7),
        **{f"load_of_day_{age}": total("load_au", 1, age) for age in range(WEEK_DAYS)},
        **periods,
    }


def _derived() -> dict[str, Column]:
    """Return the features that are made of aggregates and of the profile."""
    target = F.col("weekly_target")
    stale = F.col("streak.last") >= STREAK_GAP_DAYS
    by_sessions = F.when(target > 0, F.least(F.col("sessions_28d") / WEEKS / target, F.lit(1.0)))
    return {
        "streak_length_current": F.when(stale, F.lit(0)).otherwise(F.col("streak.current")).cast("bigint"),
        "streak_length_longest": F.col("streak.longest"),
        "days_since_first_event": F.greatest(F.datediff("as_of_date", "first_local_date"), F.lit(0)).cast("bigint"),
        "consistency_score": _consistency(),
        "completion_rate_trend": rounded(robust_slope(_period_means(), PERIOD_DAYS)),
        "goal_progress": rounded(F.coalesce("weight_progress", by_sessions)),
        "goal_progress_rate": rounded(F.when(target > 0, F.least(F.col("sessions_7d") / target, F.lit(2.0)))),
        "weeks_to_goal": rounded(F.col("weeks_to_goal")),
        "monotony": rounded(_monotony()),
        "strain": rounded(F.col("load_7d") * _monotony()),
        **contexts.context_features(),
    }


def snapshots(ledgers: Mapping[str, DataFrame], people: DataFrame, interval: Interval) -> DataFrame:
    """Return gold.user_features of every night of the interval.

    Parameters
    ----------
    ledgers
        Entries of each ledger, by table name, that the nights may look back to.
    people
        The people of each night, as ``as_known.with_profile`` returns them; read once for each ledger and window.
    """
    keys = ["user_id", "night"]

    def known(entries: DataFrame, days: int, people: DataFrame) -> DataFrame:
        return aged_entries(entries, people, interval, days)

    def named(aggregates: Mapping[str, Column]) -> list[Column]:
        return [column.alias(name) for name, column in aggregates.items()]

    days_only = people.select(*keys, "as_of_date")
    facts = ledgers["gold.user_day"]
    trained = facts.where(reduce(or_, (F.col(name) != 0 for name in TRAINING))).select(
        *get_table("gold.user_day").key, *TRAINING
    )
    # Grouped by the keys alone: comparing all that is known of a person at every entry would take as long as summing.
    parts = (
        known(facts, RECENT_DAYS, days_only).groupBy(*keys).agg(*named(_recent_aggregates())),
        known(trained, LOOK_BACK_DAYS, days_only).groupBy(*keys).agg(*named(_training_aggregates())),
        known(ledgers[contexts.LEDGER], contexts.DAYS, days_only)
        .groupBy(*keys)
        .agg(*named(contexts.context_aggregates())),
        categories.category_features(known(ledgers[categories.LEDGER], categories.DAYS, days_only), keys),
    )
    rows = people
    for part in parts:
        rows = rows.join(part.hint("shuffle_hash"), on=keys, how="left")
    never_null = [feature.name for feature in FEATURES if feature.null_means is None]
    rows = rows.withColumn("streak", _streaks()).withColumns(_derived()).fillna(0, subset=never_null)
    end = F.date_add("night", 1).cast("timestamp")
    return rows.select(
        F.col("night").alias("batch_date"),
        "user_id",
        end.alias("event_timestamp"),
        end.alias("created_timestamp"),
        "time_zone",
        "as_of_date",
        "first_local_date",
        *(feature.name for feature in FEATURES),
    )
