"""The record of a person that the app reads (UserAnalytics): consistency, habit, contexts, risks, progress, engagement.

What gold tells already on the same night is taken over; the rest are sums over the ledgers. The meaning of every field
is in the table registry. Polars sums the ledgers of a night file by file: a row per person is left of them.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from itertools import combinations

import polars as pl

from habitlake.tables import get_table
from habitlake.tables.features import MIN_TREND_DAYS
from spark_jobs.features import categories
from spark_jobs.features.aggregates import DECIMALS
from spark_jobs.features.as_known import LOOK_BACK_DAYS
from spark_jobs.features.risks import context_lists, json_list, risk_list

TABLE = "gold.user_analytics"
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
TRAINING = {
    "done": "workouts_completed",
    "load": "load_au",
    "seconds": "duration_s",
    "pulses": "heart_rate_count",
    "pulse": "heart_rate_deci",
    "planned": "workouts_planned",
}
STRESS = ("stress_permille", "stress_count")


RECENT = ("steps", "steps_count", *STRESS, "interventions_delivered", "interventions_opened")
REPORTS = ("sleep_count", "energy_count", "soreness_count", "mood_count")
# Columns of gold.user_features that the record takes over or is made of.
TAKEN = {
    "workout_consistency": "consistency_score",
    "average_completion_rate": "completion_rate_30d",
    "streak_length": "streak_length_current",
}
USED = ("sessions_28d", "days_since_first_event", "sleep_debt_hours", "stress_level_trend", "monotony", "injured")


def _age(people: pl.LazyFrame, entries: pl.LazyFrame) -> pl.LazyFrame:
    """Return the people's entries with the number of the person and ``age``, complete local days before the as-of date."""
    aged = entries.join(people.select("person", "user_id", "as_of_date"), on="user_id")
    return aged.with_columns(age=(pl.col("as_of_date") - pl.col("local_date")).dt.total_days())


def _days(holds: pl.Expr) -> pl.Expr:
    """Return on how many days it holds; several entries of one day set the same bit."""
    bit = pl.lit(2, pl.Int64).pow(pl.col("age")).cast(pl.Int64)
    return pl.when(holds).then(bit).otherwise(0).bitwise_or().bitwise_count_ones().cast(pl.Int64)


def _recent(people: pl.LazyFrame, facts: pl.LazyFrame) -> pl.LazyFrame:
    """Return per person the sums over the last four weeks that progress and engagement are made of."""
    reported = pl.any_horizontal(pl.col(name) > 0 for name in REPORTS)
    recent = _age(people, facts.select("user_id", "local_date", "app_visits", *RECENT, reported=reported))
    return (
        recent.filter(pl.col("age").is_between(0, DAYS - 1))
        .group_by("person")
        .agg(pl.sum(*RECENT), app_days=_days(pl.col("app_visits") > 0), report_days=_days(pl.col("reported")))
    )


def _holding(facts: pl.LazyFrame, measures: Iterable[str]) -> pl.LazyFrame:
    """Return the measures of the entries that have any: few of the many that lie far back."""
    names = tuple(measures)
    return facts.filter(pl.any_horizontal(pl.col(name) != 0 for name in names)).select("user_id", "local_date", *names)


def _stress_before(people: pl.LazyFrame, facts: pl.LazyFrame) -> pl.LazyFrame:
    """Return per person the sums of stress in the nine weeks before the last four."""
    return (
        _age(people, _holding(facts, STRESS))
        .filter(pl.col("age").is_between(DAYS, LOOK_BACK_DAYS - 1))
        .group_by("person")
        .agg(pl.sum(*STRESS).name.suffix("_before"))
    )


def _weekly_training(people: pl.LazyFrame, facts: pl.LazyFrame) -> pl.LazyFrame:
    """Return per person the sums of each of eight weeks that improvement and planning are made of."""
    sums = {
        f"{name}_{week}": pl.col(measure).filter(pl.col("week") == week).sum()
        for week in range(TREND_WEEKS)
        for name, measure in TRAINING.items()
    }
    return (
        _age(people, _holding(facts, TRAINING.values()))
        .filter(pl.col("age").is_between(0, TREND_WEEKS * WEEK_DAYS - 1))
        .with_columns(week=pl.col("age") // WEEK_DAYS)
        .group_by("person")
        .agg(**sums)
    )


def _kinds(people: pl.LazyFrame, named: pl.LazyFrame) -> pl.LazyFrame:
    """Return per person the sessions of four weeks whose kind is named, and those of them that are strength."""
    mentions = pl.col("mentions")
    return (
        _age(people, named.filter(pl.col("kind") == categories.WORKOUT_TYPE))
        .filter(pl.col("age").is_between(0, DAYS - 1))
        .group_by("person")
        .agg(
            kinds_named=mentions.sum(),
            strength_sessions=mentions.filter(pl.col("value").is_in(STRENGTH_TYPES)).sum(),
        )
    )


def _goals_of(profiles: pl.LazyFrame) -> pl.LazyFrame:
    """Return per person what the newest profile version says of goals, and how much of the way to a weight is gone."""
    weight = pl.col("weight_kg").drop_nulls()
    target = pl.col("target_weight_kg")
    # Signed, so that gaining weight is a goal like losing it.
    way, gone = pl.col("first_weight") - target, pl.col("first_weight") - pl.col("last_weight")
    reached = pl.when(way != 0).then(gone / way).when(pl.col("last_weight") == target).then(1.0)
    return (
        profiles.select("user_id", "event_at", "batch_date", *PROFILE_FIELDS)
        # By all of it, so that of versions of the same moment the same one is the newest every time.
        .sort("user_id", "event_at", "batch_date", *PROFILE_FIELDS)
        .group_by("user_id")
        .agg(pl.last(*PROFILE_FIELDS), first_weight=weight.first(), last_weight=weight.last())
        .select(
            "user_id",
            pl.col("primary_goal").str.to_lowercase(),
            "target_sessions_per_week",
            "target_steps_per_day",
            weight_progress=reached.clip(0.0, 1.0),
        )
    )


def known_of_people(
    snapshots: Mapping[str, pl.LazyFrame], ledgers: Mapping[str, pl.LazyFrame], profiles: pl.LazyFrame, night: date
) -> pl.DataFrame:
    """Return one row per person, by user: what the record is made of, as known on the night.

    Parameters
    ----------
    snapshots
        gold.user_features, gold.habit_state and gold.context_patterns of the night, by table name.
    ledgers
        Entries of gold.user_day and gold.user_day_category, by table name, that the night may look back to.
    profiles
        Profile versions.
    """
    taken = snapshots["gold.user_features"].select(*get_table(TABLE).column_names[:5], *TAKEN.values(), *USED)
    # Grouping by a number takes half the time of grouping by a name.
    people = taken.collect().sort("user_id").with_row_index("person").lazy()
    habit = snapshots["gold.habit_state"].select(
        "user_id", "habit_score", habit_strength="strength", habit_status="status"
    )
    known = pl.col("batch_date") <= night
    facts = ledgers["gold.user_day"].filter(known)
    # Summed one after the other: together they would need the memory of all.
    sums = [
        part.collect(engine="streaming")
        for part in (
            _recent(people, facts),
            _stress_before(people, facts),
            _weekly_training(people, facts),
            _kinds(people, ledgers[categories.LEDGER].filter(known)),
        )
    ]
    rows = (
        people.join(habit, on="user_id", how="left")
        .join(_goals_of(profiles.filter(known)), on="user_id", how="left")
        .join(context_lists(snapshots["gold.context_patterns"]), on="user_id", how="left")
    )
    for part in sums:
        rows = rows.join(part.lazy(), on="person", how="left").with_columns(
            pl.col(name).fill_null(0) for name in part.columns if name != "person"
        )
    return rows.sort("person").collect()


def _share(part: pl.Expr, whole: pl.Expr) -> pl.Expr:
    """Return part / whole, null where the whole is not above 0."""
    return pl.when(whole > 0).then(part / whole)


def robust_slope(means: list[pl.Expr], width: int) -> pl.Expr:
    """Return what ``aggregates.robust_slope`` does: Theil-Sen over period means, the newest first, per day."""
    known = pl.sum_horizontal(mean.is_not_null() for mean in means)
    pairs = [
        (newer - older) / ((later - earlier) * width)
        for (earlier, newer), (later, older) in combinations(enumerate(means), 2)
    ]
    return pl.when(known >= MIN_TREND_DAYS).then(pl.concat_list(pairs).list.median())


def performance_improvement(people: pl.DataFrame) -> pl.DataFrame:
    """Add performance_improvement: the change per four weeks of output at equal effort, as a share of its mean.

    With heart rates in at least three of eight weeks, output is session load and effort the mean heart rate of the
    week; else output is minutes, whatever the intensity. Robust slope over the weeks that have a session.
    """
    by_pulse, by_minutes = [], []
    for week in range(TREND_WEEKS):
        done, pulses = pl.col(f"done_{week}"), pl.col(f"pulses_{week}")
        load, pulse = pl.col(f"load_{week}") / done / 1000, pl.col(f"pulse_{week}") / pulses / 10
        by_pulse.append(pl.when((done > 0) & (pulses > 0)).then(load / pulse))
        by_minutes.append(pl.when(done > 0).then(pl.col(f"seconds_{week}") / done / 60))
    measured = pl.sum_horizontal(output.is_not_null() for output in by_pulse) >= MIN_TREND_DAYS
    chosen = {
        f"output_{week}": pl.when(measured).then(pulse).otherwise(minutes)
        for week, (pulse, minutes) in enumerate(zip(by_pulse, by_minutes, strict=True))
    }
    weeks = [pl.col(name) for name in chosen]
    mean = pl.mean_horizontal(weeks)
    change = pl.when(mean > 0).then(robust_slope(weeks, WEEK_DAYS) * DAYS / mean)
    return people.with_columns(**chosen).with_columns(performance_improvement=change.round(DECIMALS)).drop(chosen)


def _goal_progress() -> dict[str, pl.Expr]:
    """Return the progress of each kind of goal."""
    now = _share(pl.col("stress_permille"), pl.col("stress_count")) / 1000
    then = _share(pl.col("stress_permille_before"), pl.col("stress_count_before")) / 1000
    calmer = (
        pl.when(now <= CALM_STRESS)
        .then(1.0)
        .when(then.is_not_null())
        .then(pl.when(then > now).then((then - now) / (then - CALM_STRESS)).otherwise(0.0))
    )
    steps = _share(pl.col("steps"), pl.col("steps_count"))
    steps_goal = pl.when(pl.col("target_steps_per_day") > 0).then("target_steps_per_day").otherwise(DAILY_STEPS)
    kinds_known = (pl.col("kinds_named") > 0) | (pl.col("sessions_28d") == 0)
    progress = {
        "weight": pl.col("weight_progress"),
        "sessions": _share(pl.col("sessions_28d") / WEEKS, pl.col("target_sessions_per_week")),
        "steps": steps / steps_goal,
        "strength": pl.when(kinds_known).then(pl.col("strength_sessions") / STRENGTH_SESSIONS),
        "stress": pl.when(now.is_not_null()).then(calmer),
    }
    return {f"goal_progress_{kind}": value.clip(upper_bound=1.0).round(DECIMALS) for kind, value in progress.items()}


def goals(people: pl.DataFrame) -> pl.DataFrame:
    """Add the progress of each kind of goal, and the kind and the progress of the main one."""
    main = pl.lit("sessions")
    for kind, words in MAIN_GOAL_WORDS.items():
        meant = pl.col("primary_goal").str.contains(words) & pl.col(f"goal_progress_{kind}").is_not_null()
        main = pl.when(meant).then(pl.lit(kind)).otherwise(main)
    progress = pl.col("goal_progress_sessions")
    for kind in MAIN_GOAL_WORDS:
        progress = pl.when(pl.col("main_goal") == kind).then(f"goal_progress_{kind}").otherwise(progress)
    return (
        people.with_columns(**_goal_progress())
        .with_columns(main_goal=main)
        .with_columns(goal_progress=progress)
        .with_columns(goal_kind=pl.when(pl.col("goal_progress").is_not_null()).then("main_goal"))
    )


def engagement_score() -> pl.Expr:
    """Return the mean of four shares of the last 28 days, or of the days since the person was first seen.

    Days with an app visit, weeks with a planned workout, messages opened of those delivered, days with a report of
    sleep or state; without a message there are three.
    """
    days = (pl.col("days_since_first_event") + 1).clip(upper_bound=DAYS)
    planned = pl.sum_horizontal(pl.col(f"planned_{week}") > 0 for week in range(WEEKS))
    parts = [
        pl.col("app_days") / days,
        planned / (days / WEEK_DAYS).ceil(),
        _share(pl.col("interventions_opened"), pl.col("interventions_delivered")),
        pl.col("report_days") / days,
    ]
    return pl.mean_horizontal(part.clip(upper_bound=1.0) for part in parts)


def user_analytics(people: pl.DataFrame) -> pl.DataFrame:
    """Return gold.user_analytics of the people of ``known_of_people``."""
    return (
        goals(performance_improvement(people))
        .with_columns(
            **{name: pl.col(source) for name, source in TAKEN.items()},
            engagement_score=engagement_score().round(DECIMALS),
            successful_contexts=json_list(pl.col("success")),
            risk_factors=risk_list(),
        )
        .select(get_table(TABLE).column_names)
    )
