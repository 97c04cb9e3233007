"""The record of a person that the app reads (UserAnalytics): consistency, habit, contexts, risks, progress, engagement.

What gold tells already on the same night is taken over; the rest are sums over the ledgers. The meaning of every field
is in the table registry.
"""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from habitlake.clock import Interval
from habitlake.tables.features import MIN_TREND_DAYS
from spark_jobs.common.zones import newest_version, profile_versions
from spark_jobs.features import categories
from spark_jobs.features.aggregates import bits, robust_slope, rounded, total
from spark_jobs.features.as_known import LOOK_BACK_DAYS, aged_entries, weight_goal
from spark_jobs.features.risks import context_lists, risk_list

DAYS = 28
WEEK_DAYS = 7
WEEKS = 4
TREND_WEEKS = 8
# Muscle-strengthening on two days a week (WHO 2020).
STRENGTH_SESSIONS = 2 * WEEKS
STRENGTH_TYPES = ("strength", "strength_training", "weights", "weightlifting", "resistance", "bodyweight")
# Mortality falls up to about this many steps a day (Paluch 2022); for a person who has set no goal.
DAILY_STEPS = 8_000
# Below the middle of the scale from 1 to 10.
CALM_STRESS = 4.0
MAIN_GOAL_WORDS = {
    "weight": "weight|fat",
    "steps": "step|walk",
    "strength": "strength|muscle",
    "stress": "stress|relax",
}
PROFILE_FIELDS = (
    "primary_goal",
    "target_sessions_per_week",
    "target_steps_per_day",
    "weight_kg",
    "target_weight_kg",
)
KEYS = ["user_id", "night"]


def _people(features: DataFrame, habit: DataFrame, profiles: DataFrame) -> DataFrame:
    """Return one row per person and night: features, habit and what the profile says of goals."""
    newest = newest_version(F.col("versions"), F.col("night"))
    strengths = habit.select(
        "user_id",
        F.col("batch_date").alias("night"),
        "habit_score",
        F.col("strength").alias("habit_strength"),
        F.col("status").alias("habit_status"),
    )
    return (
        features.withColumnRenamed("batch_date", "night")
        .join(strengths, on=KEYS, how="left")
        .join(profile_versions(profiles, PROFILE_FIELDS), on="user_id", how="left")
        .withColumn("weekly_target", newest["target_sessions_per_week"])
        .withColumn("primary_goal", F.lower(newest["primary_goal"]))
        .withColumn("steps_goal", newest["target_steps_per_day"])
        .withColumns(weight_goal(F.col("versions"), newest["target_weight_kg"]))
        .drop("versions")
    )


def _day_aggregates() -> dict[str, Column]:
    """Return the sums over a person's days that progress and engagement are made of."""
    reports = sum((F.col(f"{name}_count") for name in ("sleep", "energy", "soreness", "mood")), F.lit(0))
    sums = {
        "steps_sum": total("steps", DAYS),
        "steps_reports": total("steps_count", DAYS),
        "stress_now": total("stress_permille", DAYS),
        "stress_now_reports": total("stress_count", DAYS),
        "stress_then": total("stress_permille", DAYS, LOOK_BACK_DAYS - DAYS),
        "stress_then_reports": total("stress_count", DAYS, LOOK_BACK_DAYS - DAYS),
        "app_days": F.bit_count(bits(F.col("app_visits") > 0, 0, DAYS)),
        "report_days": F.bit_count(bits(reports > 0, 0, DAYS)),
        "delivered": total("interventions_delivered", DAYS),
        "opened": total("interventions_opened", DAYS),
    }
    for week in range(TREND_WEEKS):
        first = WEEK_DAYS * week
        sums |= {
            f"{name}_{week}": total(measure, WEEK_DAYS, first)
            for name, measure in (
                ("done", "workouts_completed"),
                ("load", "load_au"),
                ("seconds", "duration_s"),
                ("pulses", "heart_rate_count"),
                ("pulse", "heart_rate_deci"),
                ("planned", "workouts_planned"),
            )
        }
    return sums


def _weekly_output() -> dict[str, Column]:
    """Return the output of a session at equal effort of each week, by heart rate and by minutes; null without any."""
    outputs = {}
    for week in range(TREND_WEEKS):
        done, pulses = F.col(f"done_{week}"), F.col(f"pulses_{week}")
        load, pulse = F.col(f"load_{week}") / done / 1000, F.col(f"pulse_{week}") / pulses / 10
        outputs[f"by_pulse_{week}"] = F.when((done > 0) & (pulses > 0), load / pulse)
        outputs[f"by_minutes_{week}"] = F.when(done > 0, F.col(f"seconds_{week}") / done / 60)
    return outputs


def with_improvement(people: DataFrame) -> DataFrame:
    """Add performance_improvement: the change per four weeks of output at equal effort, as a share of its mean.

    With heart rates in at least three of eight weeks, output is session load and effort the mean heart rate of the
    week; else output is minutes, whatever the intensity. Robust slope over the weeks that have a session.
    """
    measured = sum((F.col(f"by_pulse_{week}").isNotNull().cast("int") for week in range(TREND_WEEKS)), F.lit(0))
    chosen = F.col("by_pulse")
    weeks = [F.col(f"output_{week}") for week in range(TREND_WEEKS)]
    # Column by column: each step refers to the one before many times, and must not be written out at each of them.
    return (
        people.withColumns(_weekly_output())
        .withColumn("by_pulse", measured >= MIN_TREND_DAYS)
        .withColumns(
            {
                f"output_{week}": F.when(chosen, F.col(f"by_pulse_{week}")).otherwise(F.col(f"by_minutes_{week}"))
                for week in range(TREND_WEEKS)
            }
        )
        .withColumns({"output_mean": _mean(weeks), "output_slope": robust_slope(weeks, WEEK_DAYS)})
        .withColumn(
            "performance_improvement",
            rounded(F.when(F.col("output_mean") > 0, F.col("output_slope") * DAYS / F.col("output_mean"))),
        )
    )


def _mean(parts: list[Column]) -> Column:
    """Return the mean of the parts that are known; null where none is."""
    known = sum((part.isNotNull().cast("int") for part in parts), F.lit(0))
    return F.when(known > 0, sum((F.coalesce(part, F.lit(0.0)) for part in parts), F.lit(0.0)) / known)


def _at_most_1(value: Column) -> Column:
    # least passes over nulls, which must stay.
    return F.when(value.isNotNull(), F.least(value, F.lit(1.0)))


def _goal_progress() -> dict[str, Column]:
    """Return the progress of each kind of goal."""
    now = F.col("stress_now") / F.nullif("stress_now_reports", F.lit(0)) / 1000
    then = F.col("stress_then") / F.nullif("stress_then_reports", F.lit(0)) / 1000
    calmer = F.when(now <= CALM_STRESS, F.lit(1.0)).when(
        then.isNotNull(), F.when(then > now, (then - now) / (then - CALM_STRESS)).otherwise(0.0)
    )
    steps = F.col("steps_sum") / F.nullif("steps_reports", F.lit(0))
    kinds_known = (F.col("kinds_named") > 0) | (F.col("sessions_28d") == 0)
    target = F.col("weekly_target")
    progress = {
        "weight": F.col("weight_progress"),
        "sessions": F.when(target > 0, F.col("sessions_28d") / WEEKS / target),
        "steps": steps / F.coalesce(F.when(F.col("steps_goal") > 0, F.col("steps_goal")), F.lit(float(DAILY_STEPS))),
        "strength": F.when(kinds_known, F.col("strength_sessions") / STRENGTH_SESSIONS),
        "stress": F.when(now.isNotNull(), calmer),
    }
    return {f"goal_progress_{kind}": rounded(_at_most_1(value)) for kind, value in progress.items()}


def with_goals(people: DataFrame) -> DataFrame:
    """Add the progress of each kind of goal, and the kind and the progress of the main one."""
    main = F.lit("sessions")
    for kind, words in MAIN_GOAL_WORDS.items():
        main = F.when(F.col("primary_goal").rlike(words) & F.col(f"goal_progress_{kind}").isNotNull(), kind).otherwise(
            main
        )
    progress = F.col("goal_progress_sessions")
    for kind in MAIN_GOAL_WORDS:
        progress = F.when(F.col("main_goal") == kind, F.col(f"goal_progress_{kind}")).otherwise(progress)
    return (
        people.withColumns(_goal_progress())
        .withColumn("main_goal", main)
        .withColumn("goal_progress", progress)
        .withColumn("goal_kind", F.when(F.col("goal_progress").isNotNull(), F.col("main_goal")))
    )


def engagement_score() -> Column:
    """Return the mean of four shares of the last 28 days, or of the days since the person was first seen.

    Days with an app visit, weeks with a planned workout, messages opened of those delivered, days with a report of
    sleep or state; without a message there are three.
    """
    days = F.least(F.col("days_since_first_event") + 1, F.lit(DAYS))
    weeks = F.ceil(days / WEEK_DAYS)
    planned = sum(((F.col(f"planned_{week}") > 0).cast("int") for week in range(WEEKS)), F.lit(0))
    parts = [
        F.col("app_days") / days,
        planned / weeks,
        F.col("opened") / F.nullif("delivered", F.lit(0)),
        F.col("report_days") / days,
    ]
    return _mean([_at_most_1(part) for part in parts])


def user_analytics(
    snapshots: Mapping[str, DataFrame], ledgers: Mapping[str, DataFrame], profiles: DataFrame, interval: Interval
) -> DataFrame:
    """Return gold.user_analytics of every night of the interval.

    Parameters
    ----------
    snapshots
        gold.user_features, gold.habit_state and gold.context_patterns of the interval, by table name.
    ledgers
        Entries of gold.user_day and gold.user_day_category, by table name, that the nights may look back to.
    profiles
        Profile versions of all batches up to the interval's end.
    """
    people = _people(snapshots["gold.user_features"], snapshots["gold.habit_state"], profiles)
    days_only = people.select(*KEYS, "as_of_date")

    def summed(name: str, days: int, aggregates: Mapping[str, Column]) -> DataFrame:
        entries = aged_entries(ledgers[name], days_only, interval, days)
        return entries.groupBy(*KEYS).agg(*(column.alias(alias) for alias, column in aggregates.items()))

    of_kind = F.col("kind") == categories.WORKOUT_TYPE
    kinds = {
        "kinds_named": total("mentions", DAYS, where=of_kind),
        "strength_sessions": total("mentions", DAYS, where=of_kind & F.col("value").isin(*STRENGTH_TYPES)),
    }
    rows = (
        people.join(summed("gold.user_day", LOOK_BACK_DAYS, _day_aggregates()), on=KEYS, how="left")
        .join(summed(categories.LEDGER, DAYS, kinds), on=KEYS, how="left")
        .join(context_lists(snapshots["gold.context_patterns"]), on=KEYS, how="left")
    )
    return (
        with_goals(with_improvement(rows))
        .withColumns(
            {
                "workout_consistency": F.col("consistency_score"),
                "average_completion_rate": F.col("completion_rate_30d"),
                "streak_length": F.col("streak_length_current"),
                "engagement_score": rounded(engagement_score()),
                "successful_contexts": F.coalesce("successful_contexts", F.lit("[]")),
                "risk_factors": risk_list(),
            }
        )
        .withColumnRenamed("night", "batch_date")
    )
