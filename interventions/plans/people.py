"""What is known on a night of the people who may have a plan: from features, profiles, goals, patterns and reports."""

from datetime import date, timedelta

import polars as pl

from interventions.plans.catalogue import REGIONS, PlanCatalogue
from interventions.plans.plan import RATES
from interventions.plans.shape import with_week
from interventions.plans.words import PARTS_OF_DAY, WEEKDAYS, is_illness, looked_up, regions_of
from interventions.profiles import addressable
from interventions.reading import FEATURES, GOALS, Reader, View
from interventions.schedule import with_first_local_date

TABLE = "gold.workout_plans"
# How far back the last plan is looked for: with no newer one the plans start anew.
MAX_GAP_NIGHTS = 28
# The window of the feature ``injured``, and two days more: UTC dates here, local ones there, and the flag decides.
INJURY_DAYS = 16
INJURIES = View(
    "silver.wellbeing",
    ("user_id", "event_at", "event_id", "event_date", "body_part", "injury_status"),
    where=pl.col("event_type") == "injury_reported",
    nights=INJURY_DAYS + 1,
)
PATTERNS = View(
    "gold.context_patterns",
    ("user_id", "dimension", "location", "time_slot", "weekday", "attempts", "shrunken_rate"),
    where=pl.col("dimension").is_in(["location", "time_slot", "weekday"]),
)
PLANS = View(
    TABLE, ("user_id", "valid_from", "block_week", "deload", "injured", "injured_regions"), nights=MAX_GAP_NIGHTS
)
MIN_ATTEMPTS = 3
KNOWN = (
    "days_since_first_event", "acute_load", "chronic_load", "monotony", "sleep_debt_hours", "stress_level",
    "energy_level",
)  # fmt: skip
PROFILE = (
    "fitness_level", "primary_goal", "workout_types", "workout_duration_min", "available_time_min", "equipment",
    "injury_history", "schedule_json", "preferred_times", "target_sessions_per_week", "language", "communication_style",
    "health_conditions",
)  # fmt: skip
NO_PATTERN = {"best_place": pl.String, "best_part": pl.String, **dict.fromkeys(RATES, pl.Float64)}


def plan_weeks(night: date, profiles: pl.DataFrame, reader: Reader, catalogue: PlanCatalogue) -> pl.DataFrame:
    """Return who may have a plan, by user, with the week of the plan: what is known before goals are set.

    Beside ``due_reason`` (null while a plan is in force) these are the columns of ``shape.with_week``; ``profiles`` are
    the newest ones.
    """
    people = read_people(night, profiles, reader)
    known = people.join(injuries_of(night, people, reader, catalogue), on="user_id", how="left").join(
        plans_before(night, reader), on="user_id", how="left"
    )
    return with_week(
        known.with_columns(pl.col("injured_mask").fill_null(0), pl.col("ill").fill_null(value=False))
    ).sort("user_id")


def read_people(night: date, profiles: pl.DataFrame, reader: Reader) -> pl.DataFrame:
    """Return who may have a plan, by user: adults in use of the app who did not opt out."""
    features = reader.rows(FEATURES, night).select(
        "user_id", "time_zone", "as_of_date", "observed_days_28d", *KNOWN, injured=pl.col("injured").fill_null(0) == 1
    )
    wanted = profiles.select("user_id", "age", "notifications_allowed", "conditions_changed_on")
    known = features.join(wanted, on="user_id", how="left").filter(addressable())
    people = with_first_local_date(known, night).rename({"first_decision_date": "valid_from"})
    return people.select("user_id", "valid_from", "as_of_date", "injured", "conditions_changed_on", *KNOWN)


def goals_of(night: date, reader: Reader) -> pl.DataFrame:
    """Return per person the goals of the night: ``goal_sessions`` and ``goal_minutes``, null where there is none.

    They are full: it is the plan that eases a week of unloading.
    """
    names = {"goal_sessions": "weekly_sessions", "goal_minutes": "weekly_minutes"}
    full = pl.coalesce("full_goal", "recommended_goal")
    of_kind = {name: full.filter(pl.col("kind") == kind).first() for name, kind in names.items()}
    return reader.rows(GOALS, night).group_by("user_id").agg(**of_kind)


def patterns_of(night: date, users: pl.DataFrame, reader: Reader) -> pl.DataFrame:
    """Return where, when and on which days each user succeeds: ``best_place``, ``best_part`` and a rate by weekday.

    The best is the one of the highest shrunken rate among those with at least three attempts.
    """
    best = pl.struct("shrunken_rate", "attempts")
    tried = pl.col("attempts") >= MIN_ATTEMPTS

    def best_of(dimension: str, values: tuple[str, ...]) -> pl.Expr:
        here = tried & (pl.col("dimension") == dimension) & pl.col(dimension).is_in(values)
        return pl.col(dimension).filter(here).sort_by(best.filter(here), descending=True).first()

    rates = {
        name: pl.col("shrunken_rate").filter((pl.col("dimension") == "weekday") & (pl.col("weekday") == day)).first()
        for name, day in zip(RATES, WEEKDAYS, strict=True)
    }
    return (
        reader.scan(PATTERNS, night)
        .join(users.lazy().select("user_id"), on="user_id", how="semi")
        .sort("user_id", "dimension", "location", "time_slot", "weekday")
        .group_by("user_id")
        .agg(
            best_place=best_of("location", ("home", "gym", "outdoors")),
            best_part=best_of("time_slot", PARTS_OF_DAY),
            **rates,
        )
        .collect()
    )


def injuries_of(night: date, people: pl.DataFrame, reader: Reader, catalogue: PlanCatalogue) -> pl.DataFrame:
    """Return per injured person what their unresolved reports name: ``injured_mask`` of regions, and ``ill``.

    Of each part of the body the newest report counts.
    """
    injured = people.filter("injured").select("user_id", "as_of_date")
    reports = (
        reader.rows(INJURIES, night)
        .join(injured, on="user_id")
        .filter((pl.col("as_of_date") - pl.col("event_date")).dt.total_days() < INJURY_DAYS)
        .sort("user_id", "body_part", "event_at", "batch_date", "event_id")
        .unique(["user_id", "body_part"], keep="last")
        .filter(pl.col("injury_status").ne_missing(pl.lit("resolved")))
        .select("user_id", "body_part")
    )
    named = reports.with_columns(
        looked_up(reports["body_part"], lambda text: regions_of(text, catalogue), pl.Int64).alias("injured_mask"),
        looked_up(reports["body_part"], lambda text: is_illness(text, catalogue), pl.Boolean).alias("ill"),
    )
    return named.group_by("user_id").agg(pl.col("injured_mask").bitwise_or(), pl.col("ill").any())


def plans_before(night: date, reader: Reader) -> pl.DataFrame:
    """Return each person's newest plan of the four weeks before the night, without its content."""
    regions = pl.col("injured_regions").list
    mask = pl.sum_horizontal(
        regions.contains(name).cast(pl.Int64) * (1 << number) for number, name in enumerate(REGIONS)
    )
    return (
        reader.rows(PLANS, night - timedelta(days=1))
        .unique("user_id", keep="last", maintain_order=True)
        .select(
            "user_id",
            last_night="batch_date",
            last_valid_from="valid_from",
            last_block_week="block_week",
            last_deload="deload",
            last_injured="injured",
            last_injured_mask=mask,
        )
    )
