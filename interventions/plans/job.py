"""Job: a weekly workout plan for everyone whose plan is due into gold.workout_plans.

    python -m interventions.plans --start 2026-03-01 --end 2026-03-07

Reads gold.user_features, gold.goals, gold.context_patterns, silver.profiles, silver.wellbeing and the plans of the four
weeks before; replaces each night of gold.workout_plans. A plan holds for seven local days, unless injuries or stated health
conditions change.
"""

from collections.abc import Iterator
from datetime import date
from functools import cache

import polars as pl

from habitlake.clock import Interval
from habitlake.job import JobContext, Summary
from habitlake.lake import replace_nights_stream
from interventions.ahead import made_ahead
from interventions.plans.catalogue import catalogue
from interventions.plans.compose import Composer
from interventions.plans.people import PROFILE, TABLE, goals_of, patterns_of, plan_weeks
from interventions.plans.plan import plans
from interventions.plans.shape import shaped, with_meanings
from interventions.profiles import newest_profiles, read_profiles
from interventions.reading import Reader

# A plan is some kilobytes of JSON.
PEOPLE_PER_CHUNK = 20_000


@cache
def composer() -> Composer:
    """Return the composer of the catalogue that ships with the code; it remembers what nights have in common."""
    return Composer(catalogue())


def weeks_of(night: date, profiles: pl.DataFrame, reader: Reader) -> pl.DataFrame:
    """Return the weeks of the people who may have a plan on a night, which its goals and its plans rest on."""
    return plan_weeks(night, profiles, reader, catalogue())


def people_due(night: date, profiles: pl.DataFrame, weeks: pl.DataFrame, reader: Reader) -> pl.DataFrame:
    """Return who gets a plan on a night, by user, with all that a plan rests on."""
    due = weeks.filter(pl.col("due_reason").is_not_null())
    return (
        due.join(profiles.select("user_id", *PROFILE), on="user_id", how="left")
        .join(goals_of(night, reader), on="user_id", how="left")
        .join(patterns_of(night, due, reader), on="user_id", how="left")
        .sort("user_id")
    )


def made_plans(due: pl.DataFrame, night: date, seed: int) -> Iterator[pl.DataFrame]:
    """Return the plans of people who are due, some people at a time, in their order.

    One thread composes sessions in Python while the other builds JSON in Polars, which does not hold the lock.
    """

    def make(part: pl.DataFrame) -> pl.DataFrame:
        return plans(shaped(with_meanings(part, catalogue()), catalogue()), night, seed, composer())

    return made_ahead(make, due.iter_slices(PEOPLE_PER_CHUNK))


def write_plans(night: date, profiles: pl.DataFrame, weeks: pl.DataFrame, reader: Reader) -> int:
    """Write the night's plans; return how many. Needs the night's goals and weeks, and the newest profiles known on it."""
    due = people_due(night, profiles, weeks, reader)
    return replace_nights_stream(
        lambda: (made.to_arrow() for made in made_plans(due, night, reader.settings.seed)),
        TABLE,
        Interval(night, night),
        reader.settings,
    )


def run(context: JobContext) -> Summary:
    """Plan every night of the interval, one after the other: each rests on the nights before."""
    reader = Reader(context.settings, context.interval.end)
    profiles = read_profiles(context.interval, context.settings)
    written = 0
    for night in context.interval.nights():
        newest = newest_profiles(profiles, night)
        written += write_plans(night, newest, weeks_of(night, newest, reader), reader)
    return {"plans": written, "catalogue": catalogue().version}
