"""Where, when and with whom a person's training succeeds: success rates by circumstances, drawn towards what is known.

A rate out of three attempts says little. Each is therefore drawn towards the person's own rate, and that towards the
population's, the more the fewer attempts stand behind it (empirical Bayes for the beta-binomial: Casella 1985, The
American Statistician 39). How strongly is estimated by moments from the people of the night, in integers:

- two attempts of a person in the same circumstances both succeed in x (x - 1) of n (n - 1) pairs, and one here and
  one elsewhere in x (X - x) of n (N - n); what the first exceeds the second by is the variance between circumstances;
- the same holds for two attempts of one person beside two of different people.

A night is counted by Polars in the job's own process: a row per person and circumstances is little work on each of very
many rows, most of them in the same few numbers.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial

import polars as pl
import pyarrow as pa

from habitlake.clock import Interval
from habitlake.lake import count_rows, replace_nights_stream, scan_table
from habitlake.settings import Settings
from habitlake.tables import get_table
from habitlake.tables.features import MIN_SUPPORT
from habitlake.tables.people import ANY
from spark_jobs.features.aggregates import DECIMALS
from spark_jobs.features.as_known import look_back_start, passes
from spark_jobs.features.contexts import LEDGER, SLOTS, UNKNOWN

TABLE = "gold.context_patterns"
DAYS = 90
WEEK_DAYS = 7
WEEKDAY_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
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
VALUES = {dimension: pl.Enum([ANY, *values]) for dimension, values in DIMENSIONS.items()}
OVERALL, CELL = "overall", "cell"
# What each kind of row is counted by; the rest of its circumstances is any.
CELL_DIMENSIONS = ("time_slot", "weekday", "weather_band", "location")
COUNTED_BY: dict[str, tuple[str, ...]] = {OVERALL: (), **{name: (name,) for name in DIMENSIONS}, CELL: CELL_DIMENSIONS}
KINDS = pl.Enum(list(COUNTED_BY))
KEY = tuple(column for column in get_table(TABLE).key if column != "batch_date")
COUNTS = ("attempts", "completed")

# Strength of a prior in attempts. Below so many people, or circumstances of people, the population says too little:
# then a person starts from even odds worth two attempts (Laplace), and circumstances from ten of the person's own.
MIN_UNITS = 100
MIN_STRENGTH, MAX_STRENGTH = 1.0, 200.0
PERSON_RATE, PERSON_STRENGTH, CONTEXT_STRENGTH = 0.5, 2.0, 10.0
SCALE = 1_000_000
# Standard normal quantiles: 95 % for the two ends of a 90 % interval, 80 % for a claim about a person.
INTERVAL_Z, CLAIM_Z = 1.644854, 0.841621
MIN_DIFFERENCE = 0.05
PEOPLE_PER_CHUNK = 50_000


@dataclass(frozen=True, slots=True)
class Priors:
    """What a night's people say of each other: strengths in attempts by kind of row, and the population's rate."""

    strengths: Mapping[str, float]
    rate: float


def attempts_in_window(entries: pl.DataFrame, people: pl.DataFrame, night: date) -> pl.DataFrame:
    """Return the attempts of each person that the night knows and looks back to.

    Parameters
    ----------
    entries
        Entries of gold.user_day_context as ``numbered_entries`` returns them; those of later batches, of other people and of
        other days are left out.
    people
        The night's people: person (their number), user_id, as_of_date.

    Returns
    -------
    pl.DataFrame
        person, the dimensions, attempts and completed.
    """
    age = (pl.col("as_of_date") - pl.col("local_date")).dt.total_days()
    return (
        entries.filter(pl.col("batch_date") <= night)
        .join(people.select("person", "user_id", "as_of_date"), on="user_id")
        .filter(age.is_between(0, DAYS - 1))
        .select("person", *DIMENSIONS, *COUNTS)
    )


def pattern_counts(attempts: pl.DataFrame) -> pl.DataFrame:
    """Return attempts and completed ones of each pattern: overall, the margins that have any, and the larger cells.

    Each row carries the person's totals, all_attempts and all_completed.
    """

    def counted(kind: str, dimensions: tuple[str, ...]) -> pl.DataFrame:
        rows = attempts.group_by("person", *dimensions).agg(pl.sum(*COUNTS))
        if kind == CELL:
            rows = rows.filter(pl.col("attempts") >= MIN_SUPPORT)
        rest = {name: pl.lit(ANY, VALUES[name]) for name in DIMENSIONS if name not in dimensions}
        return rows.with_columns(dimension=pl.lit(kind, KINDS), **rest).select(
            "person", "dimension", *DIMENSIONS, *COUNTS
        )

    parts = [counted(kind, dimensions) for kind, dimensions in COUNTED_BY.items()]
    totals = parts[0].select("person", all_attempts="attempts", all_completed="completed")
    return pl.concat(parts).join(totals, on="person")


def _others() -> tuple[pl.Expr, pl.Expr]:
    """Return the attempts and the completed ones of the person outside the row's circumstances."""
    return pl.col("all_attempts") - pl.col("attempts"), pl.col("all_completed") - pl.col("completed")


def priors(counts: pl.DataFrame) -> Priors:
    """Return how much a night's people say of each other.

    A person counts once, however often they train; circumstances count by their attempts. Sums are of whole millionths,
    so the order of rows does not matter.
    """
    x, n = pl.col("completed"), pl.col("attempts")
    others, others_completed = _others()
    overall = pl.col("dimension") == OVERALL
    weight = pl.when(overall).then(1).otherwise(n)

    def millionths(value: pl.Expr) -> pl.Expr:
        return (value * SCALE).round().cast(pl.Int64).sum()

    other = pl.when(others > 0).then(weight * x * others_completed / (n * others)).otherwise(0.0)
    sums = (
        # Products of three counts.
        counts.with_columns(pl.col(pl.Int32).cast(pl.Int64))
        .filter((n > 1) & (overall | (others > 0)))
        .group_by("dimension")
        .agg(
            units=pl.len(),
            weight=weight.sum() * SCALE,
            completed=millionths(weight * x / n),
            same=millionths(weight * x * (x - 1) / (n * (n - 1))),
            other=millionths(other),
        )
        .filter(pl.col("units") >= MIN_UNITS)
        .with_columns(rate=pl.col("completed") / pl.col("weight"), same=pl.col("same") / pl.col("weight"))
        .with_columns(
            other=pl.when(overall).then(pl.col("rate") ** 2).otherwise(pl.col("other") / pl.col("weight")),
        )
        # The mean of p (1 - p), and the variance of p between people or circumstances.
        .with_columns(spread=pl.col("rate") - pl.col("same"), variance=pl.col("same") - pl.col("other"))
    )
    strengths, rate = {OVERALL: PERSON_STRENGTH}, PERSON_RATE
    for row in sums.iter_rows(named=True):
        strength = row["spread"] / row["variance"] if row["variance"] > 0 else MAX_STRENGTH
        strengths[row["dimension"]] = round(min(max(strength, MIN_STRENGTH), MAX_STRENGTH), DECIMALS)
        if row["dimension"] == OVERALL:
            rate = round(row["rate"], DECIMALS)
    return Priors(strengths, rate)


def _verdict(difference: pl.Expr, sure: pl.Expr) -> pl.Expr:
    """Return what a row says; ``sure`` is its difference from the own rate in standard deviations."""
    known = [pl.col(name) != UNKNOWN for name, values in DIMENSIONS.items() if UNKNOWN in values]
    claim = ((pl.col("dimension") == CELL) | pl.all_horizontal(known)) & (_others()[0] > 0)
    return (
        pl.when(pl.col("attempts") < MIN_SUPPORT)
        .then(pl.lit("thin"))
        .when(claim & (difference >= MIN_DIFFERENCE) & (sure >= CLAIM_Z))
        .then(pl.lit("success"))
        .when(claim & (difference <= -MIN_DIFFERENCE) & (sure <= -CLAIM_Z))
        .then(pl.lit("risk"))
        .otherwise(pl.lit("neutral"))
    )


def rated(counts: pl.DataFrame, given: Priors) -> pl.DataFrame:
    """Add the rates of the rows, their intervals, verdicts and difference from the person's own rate.

    The interval is that of a beta posterior after the arcsine transformation, which stabilises its variance: in
    asin(sqrt(p)) the standard deviation is 1 / (2 sqrt(weight + 1)). A pattern is a claim about the person where the
    rate differs from the person's own by five points or more, and to the same side with 80 % probability.
    """
    x, n, overall = pl.col("completed"), pl.col("attempts"), pl.col("dimension") == OVERALL
    person = given.strengths[OVERALL]
    strength = pl.col("dimension").replace_strict(
        {kind: given.strengths.get(kind, CONTEXT_STRENGTH) for kind in COUNTED_BY}, return_dtype=pl.Float64
    )
    own_rate = (person * given.rate + pl.col("all_completed")) / (person + pl.col("all_attempts"))
    prior = pl.when(overall).then(given.rate).otherwise("own_rate")
    angle, width = pl.col("shrunken").sqrt().arcsin(), pl.col("width")
    difference = pl.col("shrunken") - pl.col("own_rate")
    return (
        counts.with_columns(own_rate=own_rate, weight=strength + n)
        .with_columns(shrunken=(strength * prior + x) / pl.col("weight"), width=0.5 / (pl.col("weight") + 1).sqrt())
        .with_columns(
            low=(angle - INTERVAL_Z * width).clip(lower_bound=0.0).sin() ** 2,
            high=(angle + INTERVAL_Z * width).clip(upper_bound=math.pi / 2).sin() ** 2,
            verdict=_verdict(difference, (angle - pl.col("own_rate").sqrt().arcsin()) / width),
            difference=difference,
        )
    )


def _evidence() -> pl.Expr:
    """Return the sentence of a row: its circumstances in words and the numbers here and elsewhere."""
    words = [
        pl.col(name).replace_strict({ANY: None, **values}, return_dtype=pl.String)
        for name, values in DIMENSIONS.items()
    ]
    label = pl.concat_str(words, separator=" ", ignore_nulls=True)
    others, others_completed = _others()

    def percent(part: pl.Expr, whole: pl.Expr) -> pl.Expr:
        return (part * 100 / whole).round(mode="half_away_from_zero").cast(pl.Int64)

    return pl.format(
        "{}{}: {} % of {} workouts done, otherwise {} % of {}",
        label.str.slice(0, 1).str.to_uppercase(),
        label.str.slice(1),
        percent(pl.col("completed"), pl.col("attempts")),
        "attempts",
        percent(others_completed, others),
        others,
    )


def findings(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rank and evidence of the rows that are findings, by number of the row."""
    place = [pl.col(name).cast(pl.String) for name in KEY[1:]]
    return (
        rows.with_row_index("row")
        .filter(pl.col("verdict").is_in(["success", "risk"]))
        .sort("person", "verdict", -pl.col("difference").abs().round(DECIMALS), *place)
        .select(
            "row",
            rank=pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("person", "verdict"),
            evidence=_evidence(),
        )
    )


def patterns(counts: pl.DataFrame, given: Priors, people: pl.DataFrame, night: date) -> pl.DataFrame:
    """Return gold.context_patterns of a night from its counts, in their order.

    Parameters
    ----------
    people
        The night's people: person (their number), user_id, as_of_date, first_local_date.
    """
    rows = rated(counts, given)
    known = (pl.col("as_of_date") - pl.col("first_local_date")).dt.total_days() + 1
    weeks = known.clip(WEEK_DAYS, DAYS) / WEEK_DAYS
    named = people.select("person", "user_id", weeks=weeks)
    return (
        rows.with_row_index("row")
        .join(findings(rows), on="row", how="left", maintain_order="left")
        .join(named, on="person", maintain_order="left")
        .select(
            pl.lit(night).alias("batch_date"),
            *(pl.col(name).cast(pl.String) for name in KEY),
            *(pl.col(name).cast(pl.Int64) for name in COUNTS),
            success_rate=(pl.col("completed") / pl.col("attempts")).round(DECIMALS),
            shrunken_rate=pl.col("shrunken").round(DECIMALS),
            interval_low=pl.col("low").round(DECIMALS),
            interval_high=pl.col("high").round(DECIMALS),
            frequency=(pl.col("attempts") / pl.col("weeks")).round(DECIMALS),
            confidence=(1 - (pl.col("high") - pl.col("low"))).round(DECIMALS),
            verdict="verdict",
            rank="rank",
            evidence="evidence",
        )
    )


def _chunks(people: pl.DataFrame, entries: pl.DataFrame, nights: Interval) -> Iterator[pa.Table]:
    """Yield the nights' rows, so many people at a time that a large night fits in memory."""
    for night in nights.nights():
        of_night = people.filter(pl.col("batch_date") == night).sort("user_id").with_row_index("person")
        counts = pattern_counts(attempts_in_window(entries, of_night, night))
        given = priors(counts)
        for start in range(0, of_night.height, PEOPLE_PER_CHUNK):
            some = counts.filter(pl.col("person").is_between(start, start + PEOPLE_PER_CHUNK - 1))
            if some.height:
                rows = some.sort("person", "dimension", *DIMENSIONS)
                yield patterns(rows, given, of_night.slice(start, PEOPLE_PER_CHUNK), night).to_arrow()


def numbered_entries(ledger: pl.LazyFrame) -> pl.LazyFrame:
    """Return ledger entries with their circumstances, the weekday among them, as numbers, and all attempts counted."""
    names = dict(enumerate(WEEKDAY_NAMES, 1))
    weekday = pl.col("local_date").dt.weekday().replace_strict(names, return_dtype=VALUES["weekday"])
    return ledger.with_columns(weekday=weekday, attempts=pl.col("completed") + pl.col("skipped")).select(
        "batch_date",
        "user_id",
        "local_date",
        *(pl.col(name).cast(kind) for name, kind in VALUES.items()),
        *(pl.col(name).cast(pl.Int32) for name in COUNTS),
    )


def build_patterns(interval: Interval, settings: Settings) -> None:
    """Write gold.context_patterns of the nights; gold.user_features says who is known and until when."""
    size = count_rows(LEDGER, settings, Interval(look_back_start(interval.start, DAYS), interval.end))
    for nights in passes(interval, size):
        first = look_back_start(nights.start, DAYS)
        people = scan_table("gold.user_features", settings, nights=nights)
        ledger = scan_table(LEDGER, settings, nights=Interval(first, nights.end))
        chunks = partial(
            _chunks,
            people.select("batch_date", "user_id", "as_of_date", "first_local_date").collect(),
            numbered_entries(ledger.filter(pl.col("local_date") >= first)).collect(engine="streaming"),
            nights,
        )
        replace_nights_stream(chunks, TABLE, nights, settings)
