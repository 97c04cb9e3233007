"""Habit of every person as known on each night: score, strength, status and when it is expected to be automatic.

A day's facts count as they are known until it is settled, ``SETTLE_DAYS`` days later; what arrives after that no longer
changes the strength. A night starts from the strength at the end of any earlier settled day, the origin, and folds the
days since over the facts as known on it. Whether the origin is that of yesterday's row, of last month's or of none at
all, the days in between are the same: one night, a range of nights and a recompute from the first night agree.
"""

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from habitlake.clock import Interval
from spark_jobs.common.zones import newest_version, profile_versions
from spark_jobs.features import strength
from spark_jobs.features.aggregates import rounded
from spark_jobs.features.strength import PACE_DAYS, WEEK_DAYS, WORD_DAYS

SETTLE_DAYS = 90
# Two weeks in a row without a session: twice the gap that breaks no streak. One missed day never is a lapse.
LAPSE_DAYS = 14
LAST_DAY = 66
# 150 minutes a week (WHO 2020) in sessions of 50, for a person who has not set a target.
EXPECTED_SESSIONS = 3.0
FREQUENCY_WEIGHT, CONSISTENCY_WEIGHT, STABILITY_WEIGHT = 0.4, 0.4, 0.2
KEYS = ("user_id", "night")
FOLDED = (
    "now double, settled double, automatic_day bigint, session_days bigint,"
    " repetition double, expected_days double, fewest_days double, most_days double"
)


def origin_of(snapshot: date | None, first_batch: date) -> date:
    """Return the settled day that the pass starts from: the snapshot's, else one before which nothing counts."""
    return (first_batch - timedelta(days=1) if snapshot is None else snapshot) - timedelta(days=SETTLE_DAYS)


def facts_by_night(ledger: DataFrame, interval: Interval, origin: date, snapshot: date | None) -> DataFrame:
    """Return per person and night the days after the origin with a session or a plan, as known on the night.

    Columns: user_id, night, ``sessions_0`` ..., ``plans_0`` ... (bitmaps of ``WORD_DAYS`` days, bit 0 the day after the
    origin) and first_session_date, the first among the entries of batches after the snapshot.
    """
    met, planned, day = F.col("workouts_completed") > 0, F.col("workouts_planned") > 0, F.col("day")
    new = met if snapshot is None else met & (F.col("batch_date") > F.lit(snapshot))
    counts = (day >= 0) & (F.col("batch_date") <= F.date_add("local_date", SETTLE_DAYS))
    bits = {
        f"{name}_{word}": F.bit_or(
            F.when(
                counts & held & day.between(word * WORD_DAYS, (word + 1) * WORD_DAYS - 1),
                F.expr(f"shiftleft(1L, day - {word * WORD_DAYS})"),
            )
        )
        for name, held in (("sessions", met), ("plans", planned))
        for word in range(_words(interval, origin))
    }
    facts = (
        ledger.where(met | planned)
        .withColumn("night", F.greatest("batch_date", F.lit(interval.start)))
        .withColumn("day", F.datediff("local_date", F.lit(origin)) - 1)
        .groupBy(*KEYS)
        .agg(
            F.min(F.when(new, F.col("local_date"))).alias("first_session_date"),
            *(column.alias(name) for name, column in bits.items()),
        )
    )
    if len(interval) == 1:
        return facts
    # What is known on a night is known on every later one.
    return (
        facts.withColumn("night", F.explode(F.sequence("night", F.lit(interval.end))))
        .groupBy(*KEYS)
        .agg(F.min("first_session_date").alias("first_session_date"), *(F.bit_or(name).alias(name) for name in bits))
    )


def _words(interval: Interval, origin: date) -> int:
    return -(-(interval.end - origin).days // WORD_DAYS)


def _known(
    features: DataFrame, before: DataFrame | None, facts: DataFrame, profiles: DataFrame, origin: date
) -> DataFrame:
    """Return one row per person and night: what the features say, the state at the origin, the facts since."""
    target = newest_version(F.col("versions"), F.col("night"))["target_sessions_per_week"]
    people = (
        features.withColumnRenamed("batch_date", "night")
        .select(*KEYS, "as_of_date", "consistency_score", "time_of_day_consistency", "days_since_last_session")
        .join(profile_versions(profiles, ("target_sessions_per_week",)), on="user_id", how="left")
        .withColumn("expected", F.when(target >= 1, F.least(target, F.lit(7.0))).otherwise(EXPECTED_SESSIONS))
        .drop("versions")
        .join(facts, on=list(KEYS), how="left")
    )
    if before is None:
        nothing = F.lit(None).cast("date")
        return people.withColumns({"start": F.lit(0.0), "automatic_before": nothing})
    # A date after the origin was not final: the fold finds it again.
    final = F.when(F.col("automatic_on") <= F.lit(origin), F.col("automatic_on"))
    state = before.select(
        "user_id",
        F.col("settled_strength").alias("start"),
        final.alias("automatic_before"),
        F.col("first_session_date").alias("first_before"),
    )
    return (
        people.join(state, on="user_id", how="left")
        .withColumn("start", F.coalesce("start", F.lit(0.0)))
        # least passes over a null.
        .withColumn("first_session_date", F.least("first_session_date", "first_before"))
    )


def _fold(*arguments: pa.Array) -> pa.Array:
    """Fold the days of people and nights: strength now and settled, and what else the days tell.

    Parameters
    ----------
    arguments
        Days after the origin, strength at the origin, days of the pace, number of the last and of the settled day, then
        the words of the session days and of the planned days.
    """
    number, start, pace, last, settled, *words = (argument.to_numpy(zero_copy_only=False) for argument in arguments)
    half = len(words) // 2
    sessions, planned = (strength.unpack(np.stack(part, axis=1), number[0]) for part in (words[:half], words[half:]))
    days = strength.Days(sessions, planned, last)
    path = strength.trajectories(days, start)
    rows = np.arange(len(path))
    now = path[rows, last + 1]
    session_days, missed_days = days.recent(pace)
    found = (
        now,
        path[rows, settled + 1],
        strength.first_automatic(path),
        session_days,
        strength.weekday_repetition(days),
        *strength.days_until_automatic(now, session_days, missed_days, pace),
    )
    names = [part.split()[0] for part in FOLDED.split(", ")]
    # Not a number becomes null.
    return pa.StructArray.from_arrays([pa.array(column, from_pandas=True) for column in found], names=names)


def _folded(known: DataFrame, interval: Interval, origin: date) -> DataFrame:
    """Add what the fold finds to each person and night."""
    words = range(_words(interval, origin))
    bitmaps = [f"{name}_{word}" for name in ("sessions", "plans") for word in words]

    def day(name: str) -> Column:
        return (F.datediff(name, F.lit(origin)) - 1).cast("bigint")

    number = F.lit((interval.end - origin).days).cast("bigint")
    facts = (F.coalesce(name, F.lit(0).cast("bigint")) for name in bitmaps)
    fold = F.arrow_udf(_fold, FOLDED)
    found = fold(number, "start", "pace_days", day("as_of_date"), day("settled_date"), *facts)
    return known.withColumn("found", found).select("*", "found.*").drop("found", *bitmaps)


def _days_from(day: str, days: Column) -> Column:
    return F.date_add(day, days.cast("int"))


def _score() -> dict[str, Column]:
    """Return the founding document's score and its parts; a part that cannot be told yet adds nothing to it."""
    window = F.greatest("pace_days", F.lit(WEEK_DAYS))
    frequency = F.least(F.col("session_days") * WEEK_DAYS / (F.col("expected") * window), F.lit(1.0))
    parts = [F.col("time_of_day_consistency"), F.col("repetition")]
    counted = sum((part.isNotNull().cast("int") for part in parts), F.lit(0))
    stability = sum((F.coalesce(part, F.lit(0.0)) for part in parts), F.lit(0.0)) / F.nullif(counted, F.lit(0))
    named = {
        "frequency": (frequency, FREQUENCY_WEIGHT),
        "consistency": (F.col("consistency_score"), CONSISTENCY_WEIGHT),
        "context_stability": (stability, STABILITY_WEIGHT),
    }
    score = sum((F.coalesce(part, F.lit(0.0)) * weight for part, weight in named.values()), F.lit(0.0))
    started = F.col("started")
    return {
        **{name: rounded(F.when(started, part)) for name, (part, _) in named.items()},
        "habit_score": rounded(F.when(started, score).otherwise(0.0)),
    }


def _automaticity(origin: date) -> dict[str, Column]:
    """Return when the strength became automatic, whether by day 66, the status, and when it is expected to be."""
    day_66, since = F.date_add("first_session_date", LAST_DAY - 1), F.col("days_since_last_session")
    found = F.date_add(F.lit(origin), (F.col("automatic_day") + 1).cast("int"))
    automatic_on = F.coalesce("automatic_before", F.when(F.col("automatic_day") >= 0, found))
    status = (
        F.when(~F.col("started"), "not_started")
        .when(F.coalesce(since, F.lit(LAPSE_DAYS)) >= LAPSE_DAYS, "lapsed")
        .when(F.col("now") >= strength.AUTOMATIC, "automatic")
        .otherwise("forming")
    )
    by_day_66 = (
        F.when(automatic_on <= day_66, "reached").when(F.col("as_of_date") < day_66, "not_yet").otherwise("missed")
    )
    return {
        "automatic_on": automatic_on,
        "status": status,
        "status_at_66_days": F.when(F.col("started"), by_day_66),
        "projected_automatic_on": _days_from("as_of_date", F.col("expected_days")),
        "projected_earliest": _days_from("as_of_date", F.col("fewest_days")),
        "projected_latest": _days_from("as_of_date", F.col("most_days")),
    }


def habit_states(
    features: DataFrame,
    ledger: DataFrame,
    before: DataFrame | None,
    profiles: DataFrame,
    interval: Interval,
    *,
    origin: date,
    snapshot: date | None,
) -> DataFrame:
    """Return gold.habit_state of every night of the interval.

    Parameters
    ----------
    features
        gold.user_features of the interval.
    ledger
        gold.user_day entries of all batches up to the interval's end that can lie after the origin, and of all
        batches after the snapshot.
    before
        gold.habit_state of the snapshot, the newest night before the interval; None when there is none.
    profiles
        Profile versions of all batches up to the interval's end.
    origin
        The settled day to start from: ``origin_of`` the snapshot.
    """
    facts = facts_by_night(ledger, interval, origin, snapshot)
    since_start = F.datediff("as_of_date", "first_session_date")
    known = (
        _known(features, before, facts, profiles, origin)
        .withColumn("settled_date", F.date_sub("night", SETTLE_DAYS))
        # A first session on the day that still runs, or ahead of it, counts from there.
        .withColumn("started", F.coalesce(since_start >= 0, F.lit(False)))
        .withColumn("days_since_start", F.when(F.col("started"), since_start).cast("bigint"))
        .withColumn("pace_days", F.coalesce(F.least(F.col("days_since_start") + 1, F.lit(PACE_DAYS)), F.lit(1)))
        .withColumn("pace_days", F.col("pace_days").cast("bigint"))
    )
    return (
        _folded(known, interval, origin)
        .withColumns(_score() | _automaticity(origin))
        .withColumns({"strength": rounded(F.col("now")), "settled_strength": F.col("settled")})
        .withColumnRenamed("night", "batch_date")
    )
