"""Where, when and with whom a person's training succeeds: success rates by circumstances, drawn towards what is known.

A rate out of three attempts says little. Each is therefore drawn towards the person's own rate, and that towards the
population's, the more the fewer attempts stand behind it (empirical Bayes for the beta-binomial: Casella 1985, The
American Statistician 39). How strongly is estimated by moments from the people of the night, in integers:

- two attempts of a person in the same circumstances both succeed in x (x - 1) of n (n - 1) pairs, and one here and
  one elsewhere in x (X - x) of n (N - n); what the first exceeds the second by is the variance between circumstances;
- the same holds for two attempts of one person beside two of different people.
"""

import math
from functools import reduce
from operator import and_

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from habitlake.clock import Interval
from habitlake.lake import count_rows
from habitlake.settings import Settings
from habitlake.tables import get_table
from habitlake.tables.features import MIN_SUPPORT
from habitlake.tables.people import ANY
from spark_jobs.common.delta import read_table, write_nights
from spark_jobs.features.aggregates import rounded, share, within
from spark_jobs.features.as_known import entries_by_night, entry_keys, look_back_start, passes
from spark_jobs.features.contexts import LEDGER, SLOTS, UNKNOWN

TABLE = "gold.context_patterns"
DAYS = 90
WEEK_DAYS = 7
WEEKDAY_NAMES = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
# Every value of every dimension, with the words a sentence names it by; what is unknown is not named.
DIMENSIONS: dict[str, dict[str, str | None]] = {
    "time_slot": {slot: f"{slot.replace('_', ' ')}s" for slot in SLOTS},
    "weekday": {name: f"on {name.capitalize()}s" for name in WEEKDAY_NAMES},
    "weather_band": {
        "wet": "in wet weather",
        "cold": "in the cold",
        "hot": "in the heat",
        "fair": "in fair weather",
        UNKNOWN: None,
    },
    "location": {
        "home": "at home",
        "gym": "at the gym",
        "outdoors": "outdoors",
        "work": "at work",
        "other": "elsewhere",
        UNKNOWN: None,
    },
    "with_whom": {"alone": "alone", "partner": "with a partner", "group": "in a group", UNKNOWN: None},
}
CELL_DIMENSIONS = ("time_slot", "weekday", "weather_band", "location")
OVERALL, CELL = "overall", "cell"
KEYS = ("user_id", "night")
KEY = tuple(column for column in get_table(TABLE).key if column != "batch_date")

# Strength of a prior in attempts. Below so many people, or circumstances of people, the population says too little:
# then a person starts from even odds worth two attempts (Laplace), and circumstances from ten of the person's own.
MIN_UNITS = 100
MIN_STRENGTH, MAX_STRENGTH = 1.0, 200.0
PERSON_RATE, PERSON_STRENGTH, CONTEXT_STRENGTH = 0.5, 2.0, 10.0
PRIORS = "night date, dimension string, strength double, rate double"
SCALE = 1_000_000
# Standard normal quantiles: 95 % for the two ends of a 90 % interval, 80 % for a claim about a person.
INTERVAL_Z, CLAIM_Z = 1.644854, 0.841621
MIN_DIFFERENCE = 0.05
MAX_LABEL = 200


def attempts_in_window(ledger: DataFrame, people: DataFrame, interval: Interval) -> DataFrame:
    """Return the attempts of each person and night in the look-back window.

    Dimensions are numbers, from 1 in the order of ``DIMENSIONS``: text would be moved and compared tens of millions of
    times.

    Parameters
    ----------
    ledger
        Entries of gold.user_day_context.
    people
        One row per person and night: user_id, night, as_of_date, first_local_date.
    """
    numbered = ledger.select(
        "batch_date",
        "user_id",
        "local_date",
        *(
            F.array_position(_names(dimension), F.col(dimension)).cast("int").alias(dimension)
            for dimension in DIMENSIONS
            if dimension != "weekday"
        ),
        F.dayofweek("local_date").alias("weekday"),
        (F.col("completed") + F.col("skipped")).alias("attempts"),
        "completed",
    )
    entries = entries_by_night(numbered.repartition("user_id"), interval, DAYS)
    return (
        entries.join(people.hint("shuffle_hash"), on=entry_keys(interval))
        .withColumn("age", F.datediff("as_of_date", "local_date"))
        .where(within(DAYS))
    )


def _names(dimension: str) -> Column:
    return F.array(*(F.lit(value) for value in DIMENSIONS[dimension]))


def _weeks() -> Column:
    """Return the weeks of the window in which the person is known, at least one."""
    known = F.datediff("as_of_date", "first_local_date") + 1
    return F.greatest(F.least(known, F.lit(DAYS)), F.lit(WEEK_DAYS)) / WEEK_DAYS


def _row(dimension: str, attempts: str, completed: str, **values: Column) -> Column:
    place = (values.get(name, F.lit(ANY)).alias(name) for name in DIMENSIONS)
    return F.struct(
        F.lit(dimension).alias("dimension"),
        *place,
        F.col(attempts).alias("attempts"),
        F.col(completed).alias("completed"),
    )


def person_counts(attempts: DataFrame) -> DataFrame:
    """Return one row per person and night: totals, weeks, and a pair of counts for every value of every dimension."""
    sums = {
        f"{dimension}_{number}_{count}": F.sum(F.when(F.col(dimension) == number, F.col(count)).otherwise(F.lit(0)))
        for dimension, values in DIMENSIONS.items()
        for number in range(1, len(values) + 1)
        for count in ("attempts", "completed")
    }
    return attempts.groupBy(*KEYS).agg(
        F.sum("attempts").alias("all_attempts"),
        F.sum("completed").alias("all_completed"),
        F.first(_weeks()).alias("weeks"),
        *(value.alias(name) for name, value in sums.items()),
    )


def cell_counts(attempts: DataFrame) -> DataFrame:
    """Return attempts and completed ones of each full cell with enough of them; dimensions are numbers."""
    return (
        attempts.groupBy(*KEYS, *CELL_DIMENSIONS)
        .agg(F.sum("attempts").alias("attempts"), F.sum("completed").alias("completed"))
        .where(F.col("attempts") >= MIN_SUPPORT)
    )


def pattern_counts(people: DataFrame, cells: DataFrame) -> DataFrame:
    """Return attempts and completed ones of each pattern: overall, the margins that have any, and the cells.

    Each row carries the person's totals (all_attempts, all_completed) and weeks.
    """
    rows = [_row(OVERALL, "all_attempts", "all_completed")]
    for dimension, values in DIMENSIONS.items():
        for number, value in enumerate(values, start=1):
            name = f"{dimension}_{number}"
            rows.append(_row(dimension, f"{name}_attempts", f"{name}_completed", **{dimension: F.lit(value)}))
    totals = (*KEYS, "all_attempts", "all_completed", "weeks")
    margins = people.select(*totals, F.inline(F.array(*rows))).where(F.col("attempts") > 0)
    named = {dimension: F.element_at(_names(dimension), F.col(dimension)) for dimension in CELL_DIMENSIONS}
    full = cells.join(people.select(*totals), on=list(KEYS)).withColumns(
        {"dimension": F.lit(CELL), "with_whom": F.lit(ANY), **named}
    )
    return margins.unionByName(full)


def _millionths(value: Column) -> Column:
    return F.round(value * SCALE).cast("bigint")


def priors(counts: DataFrame) -> DataFrame:
    """Return by night and dimension the strength of the prior, in attempts, and of ``overall`` its rate.

    A person counts once, however often they train; circumstances count by their attempts.
    """
    x, n = F.col("completed"), F.col("attempts")
    others, others_completed = F.col("all_attempts") - n, F.col("all_completed") - x
    overall = F.col("dimension") == OVERALL
    weight = F.when(overall, F.lit(1)).otherwise(n)
    sums = (
        counts.where((n > 1) & (overall | (others > 0)))
        .groupBy("night", "dimension")
        .agg(
            F.count(F.lit(1)).alias("units"),
            F.sum(weight).alias("weight"),
            F.sum(_millionths(weight * x / n)).alias("completed"),
            F.sum(_millionths(weight * x * (x - 1) / (n * (n - 1)))).alias("same"),
            F.sum(_millionths(share(weight * x * others_completed, n * others))).alias("other"),
        )
    )
    weight, rate = F.col("weight") * SCALE, F.col("completed") / (F.col("weight") * SCALE)
    same = F.col("same") / weight
    other = F.when(overall, rate * rate).otherwise(F.col("other") / weight)
    # The mean of p (1 - p), and the variance of p between people or circumstances.
    spread, variance = rate - same, same - other
    strength = F.when(variance > 0, F.least(spread / variance, F.lit(MAX_STRENGTH))).otherwise(MAX_STRENGTH)
    return sums.where(F.col("units") >= MIN_UNITS).select(
        "night",
        "dimension",
        rounded(F.greatest(strength, F.lit(MIN_STRENGTH))).alias("strength"),
        rounded(F.when(overall, rate)).alias("rate"),
    )


def _label() -> Column:
    """Return the circumstances of a row in words, capitalised; what is unknown or any is left out."""
    named = []
    for dimension, values in DIMENSIONS.items():
        words = F.lit(None).cast("string")
        for value, phrase in values.items():
            words = F.when(F.col(dimension) == value, F.lit(phrase)).otherwise(words)
        named.append(words)
    label = F.concat_ws(" ", *named)
    return F.concat(F.upper(F.substring(label, 1, 1)), F.substring(label, 2, MAX_LABEL))


def _evidence(label: Column, attempts: Column, completed: Column, others: Column, others_completed: Column) -> Column:
    def percent(part: Column, whole: Column) -> Column:
        return F.round(share(part * 100, whole)).cast("int").cast("string")

    return F.concat(
        label, F.lit(": "), percent(completed, attempts), F.lit(" % of "), attempts.cast("string"),
        F.lit(" workouts done, otherwise "), percent(others_completed, others), F.lit(" % of "), others.cast("string"),
    )  # fmt: skip


def _with_rates(counts: DataFrame, strengths: DataFrame) -> DataFrame:
    """Add own_rate (the person's, drawn towards the population's), shrunken (the row's) and weight (its attempts)."""
    person = strengths.where(F.col("dimension") == OVERALL).select(
        "night", F.col("strength").alias("person_strength"), F.col("rate").alias("population_rate")
    )
    joined = counts.join(F.broadcast(strengths.drop("rate")), on=["night", "dimension"], how="left").join(
        F.broadcast(person), on="night", how="left"
    )
    person_strength = F.coalesce("person_strength", F.lit(PERSON_STRENGTH))
    population_rate = F.coalesce("population_rate", F.lit(PERSON_RATE))
    overall = F.col("dimension") == OVERALL
    strength = F.when(overall, person_strength).otherwise(F.coalesce("strength", F.lit(CONTEXT_STRENGTH)))
    prior = F.when(overall, population_rate).otherwise(F.col("own_rate"))
    return (
        joined.withColumn(
            "own_rate",
            (person_strength * population_rate + F.col("all_completed")) / (person_strength + F.col("all_attempts")),
        )
        .withColumn("weight", strength + F.col("attempts"))
        .withColumn("shrunken", (strength * prior + F.col("completed")) / F.col("weight"))
    )


def patterns(counts: DataFrame, strengths: DataFrame) -> DataFrame:
    """Return gold.context_patterns from the counts and the priors of their nights.

    The interval is that of a beta posterior after the arcsine transformation, which stabilises its variance: in
    asin(sqrt(p)) the standard deviation is 1 / (2 sqrt(weight + 1)). A pattern is a claim about the person where the
    rate differs from the person's own by five points or more, and to the same side with 80 % probability.
    """
    x, n = F.col("completed"), F.col("attempts")
    others, others_completed = F.col("all_attempts") - n, F.col("all_completed") - x
    angle, width = F.asin(F.sqrt("shrunken")), 0.5 / F.sqrt(F.col("weight") + 1)
    low = F.pow(F.sin(F.greatest(angle - INTERVAL_Z * width, F.lit(0.0))), 2)
    high = F.pow(F.sin(F.least(angle + INTERVAL_Z * width, F.lit(math.pi / 2))), 2)
    difference = F.col("shrunken") - F.col("own_rate")
    sure = (angle - F.asin(F.sqrt("own_rate"))) / width
    known = [F.col(dimension) != UNKNOWN for dimension, values in DIMENSIONS.items() if UNKNOWN in values]
    claim = ((F.col("dimension") == CELL) | reduce(and_, known)) & (others > 0)
    verdict = (
        F.when(n < MIN_SUPPORT, F.lit("thin"))
        .when(claim & (difference >= MIN_DIFFERENCE) & (sure >= CLAIM_Z), F.lit("success"))
        .when(claim & (difference <= -MIN_DIFFERENCE) & (sure <= -CLAIM_Z), F.lit("risk"))
        .otherwise(F.lit("neutral"))
    )
    rows = _with_rates(counts, strengths).withColumn("verdict", verdict)
    told = F.col("verdict").isin("success", "risk")
    strongest = Window.partitionBy(*KEYS, "verdict").orderBy(F.desc(rounded(F.abs(difference))), *KEY[1:])
    # Only findings are ranked: sorting every row would take as long as all the rest.
    findings = rows.where(told).withColumns(
        {
            "rank": F.row_number().over(strongest).cast("bigint"),
            "evidence": _evidence(_label(), n, x, others, others_completed),
        }
    )
    rest = rows.where(~told).withColumns({"rank": F.lit(None).cast("bigint"), "evidence": F.lit(None).cast("string")})
    return findings.unionByName(rest).select(
        F.col("night").alias("batch_date"),
        *KEY,
        "attempts",
        "completed",
        rounded(x / n).alias("success_rate"),
        rounded(F.col("shrunken")).alias("shrunken_rate"),
        rounded(low).alias("interval_low"),
        rounded(high).alias("interval_high"),
        rounded(n / F.col("weeks")).alias("frequency"),
        rounded(1 - (high - low)).alias("confidence"),
        "verdict",
        "rank",
        "evidence",
    )


def build_patterns(spark: SparkSession, interval: Interval, settings: Settings) -> None:
    """Write gold.context_patterns of the nights, pass after pass; gold.user_features says who is known and until when."""
    start = look_back_start(interval.start, DAYS)
    entries = count_rows(LEDGER, settings, Interval(start, interval.end))
    for nights in passes(interval, entries):
        known = read_table(spark, "gold.user_features", settings, nights=nights)
        people = known.select("user_id", F.col("batch_date").alias("night"), "as_of_date", "first_local_date")
        window = Interval(look_back_start(nights.start, DAYS), nights.end)
        ledger = read_table(spark, LEDGER, settings, nights=window)
        attempts = attempts_in_window(ledger, people, nights)
        # Read twice: for the priors of the nights, and for the rows that these draw.
        kept = [person_counts(attempts).persist(), cell_counts(attempts).persist()]
        try:
            counts = pattern_counts(*kept)
            strengths = spark.createDataFrame(priors(counts).collect(), PRIORS)
            write_nights(patterns(counts, strengths), TABLE, nights, settings)
        finally:
            for frame in kept:
                frame.unpersist()
