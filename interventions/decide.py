"""Job: goals, plans, onboarding and what sending does, then three decisions a person (next local day, two fallback days).

    python -m interventions.decide --start 2026-03-01 --end 2026-03-07

Reads gold.user_features, gold.predictions, gold.habit_state, gold.user_analytics, gold.context_patterns,
silver.profiles, silver.wellbeing, silver.intervention_events, gold.user_day, and earlier nights of its own tables (what
was sent, which triggers were on, what was learned); replaces each night of gold.goals, gold.workout_plans,
gold.onboarding, gold.response_state and gold.decisions. A library that is not as it should be stops the decisions alone:
the other tables of the night are written, and the queue keeps the fallback days that were published before.
"""

import sys
from collections.abc import Collection, Iterator, Sequence
from datetime import date, timedelta

import polars as pl
import pyarrow as pa

from habitlake.clock import Interval
from habitlake.job import JobContext, Summary, run_job
from habitlake.lake import replace_nights_stream, scan_table, stored_nights
from habitlake.settings import Settings
from interventions.catalogue import Catalogue, catalogue
from interventions.goals.job import write_goals
from interventions.goals.kinds import WEEKLY_SESSIONS
from interventions.onboarding.job import steps_due, write_onboarding
from interventions.plans.job import write_plans
from interventions.policy import HORIZONS, decide
from interventions.profiles import PROFILE_COLUMNS, newest_profiles, read_profiles
from interventions.response.effects import DOSAGE_DECAY
from interventions.response.job import learn_night
from interventions.response.model import MILLION
from interventions.scoring import HISTORY_NIGHTS
from interventions.timing.hours import learned_hours, read_messages
from interventions.values import REPORTS

MODEL = "adherence"
BURNOUT = "burnout"
REPORT_NIGHTS = 7
PEOPLE_PER_CHUNK = 50_000
DOSAGE_NIGHTS = 56


def read_answers(night: date, settings: Settings) -> pl.DataFrame:
    """Return per person how many interventions were delivered and acted on in the last 28 nights, and the dosage.

    The dosage of the next day, x <- 0.95 x + 1 per message: of what came before the nights read, less than a seventeenth
    is left. Summed in whole millionths, so the order of rows does not matter.
    """
    window = Interval(night - timedelta(days=DOSAGE_NIGHTS - 1), night)
    recent = pl.col("batch_date") > night - timedelta(days=HISTORY_NIGHTS)
    delivered, acted = pl.col("interventions_delivered"), pl.col("interventions_acted")
    age = (pl.lit(night) - pl.col("local_date")).dt.total_days().clip(0)
    left = (pl.lit(DOSAGE_DECAY).pow(age) * MILLION).round().cast(pl.Int64)
    return (
        scan_table("gold.user_day", settings, window)
        .filter((delivered != 0) | (acted != 0))
        .group_by("user_id")
        .agg(
            delivered_28n=delivered.filter(recent).sum(),
            acted_28n=acted.filter(recent).sum(),
            dosage=(delivered * left).sum() / MILLION,
        )
        .collect()
    )


def read_predictions(night: date, settings: Settings) -> pl.DataFrame:
    """Return per person the night's skip probability with the model that gave it, and the risk of burnout.

    Each is null, or the person absent, where no such model is in force or it is not for the person.
    """
    own, burnout = pl.col("model") == MODEL, pl.col("model") == BURNOUT
    return (
        scan_table("gold.predictions", settings, Interval(night, night))
        .filter(own | burnout)
        .group_by("user_id")
        .agg(
            pl.col("model", "model_version").filter(own).first(),
            skip_probability=(1 - pl.col("probability").filter(own).first()).round(6),
            burnout_risk=pl.col("probability").filter(burnout).first(),
        )
        .collect()
    )


def read_reports(night: date, settings: Settings) -> pl.DataFrame:
    """Return per person how many reports of each kind arrived in the last seven nights: what a week's mean rests on."""
    window = Interval(night - timedelta(days=REPORT_NIGHTS - 1), night)
    sums = [pl.col(column).sum().alias(name) for name, column in REPORTS.items()]
    return scan_table("gold.user_day", settings, window).group_by("user_id").agg(sums).collect()


def read_habits(night: date, settings: Settings) -> pl.DataFrame:
    """Return per person the habit as known on the night, and the change of output at equal effort."""
    nights = Interval(night, night)
    habits = scan_table("gold.habit_state", settings, nights)
    analytics = scan_table("gold.user_analytics", settings, nights).select("user_id", "performance_improvement")
    return (
        habits.select("user_id", "automatic_on", habit_strength="strength")
        .join(analytics, on="user_id", how="full", coalesce=True)
        .collect()
    )


def read_goals(night: date, settings: Settings) -> pl.DataFrame:
    """Return per person the sessions in seven days that the night recommends."""
    return (
        scan_table("gold.goals", settings, Interval(night, night))
        .filter(pl.col("kind") == WEEKLY_SESSIONS.name)
        .select("user_id", recommended_sessions="recommended_goal")
        .collect()
    )


def read_best_times(night: date, settings: Settings) -> pl.DataFrame:
    """Return per person the part of the day in which sessions succeed most: the best finding, with its counts."""
    return (
        scan_table("gold.context_patterns", settings, Interval(night, night))
        .filter((pl.col("dimension") == "time_slot") & (pl.col("verdict") == "success"))
        .select(
            "user_id",
            "shrunken_rate",
            best_time_slot="time_slot",
            best_time_attempts="attempts",
            best_time_completed="completed",
        )
        .collect()
        .sort("user_id", "shrunken_rate", "best_time_slot", descending=[False, True, False])
        .unique("user_id", keep="first", maintain_order=True)
        .drop("shrunken_rate")
    )


def read_triggers_before(night: date, settings: Settings) -> pl.DataFrame:
    """Return per person the triggers that were on last night, from its decisions."""
    before = night - timedelta(days=1)
    return (
        scan_table("gold.decisions", settings, Interval(before, before))
        .filter(pl.col("horizon") == 0)
        .select("user_id", triggers_before="triggers")
        .collect()
    )


def handed_out(stored: Collection[date], night: date) -> dict[int, list[date]]:
    """Return per horizon the nights before a night whose decisions of that horizon held.

    A fallback day holds where every night between is missing: the night that would have decided on it did not run.
    """
    before = [one for one in stored if one < night]
    return {
        horizon: [
            one
            for one in before
            if one + timedelta(days=horizon) < night
            and not any(one + timedelta(days=ahead) in stored for ahead in range(1, horizon + 1))
        ]
        for horizon in range(HORIZONS)
    }


def read_sent_before(night: date, longest_cool_down: int, settings: Settings) -> pl.DataFrame:
    """Return per person what earlier nights sent, by which channel and for which local date.

    Read over the longest cool-down, fallback days where they held.
    """
    window = Interval(night - timedelta(days=longest_cool_down), night - timedelta(days=1))
    held = pl.any_horizontal(
        (pl.col("horizon") == horizon) & pl.col("batch_date").is_in(nights)
        for horizon, nights in handed_out(stored_nights("gold.decisions", settings), night).items()
    )
    return (
        scan_table("gold.decisions", settings, window)
        .filter(pl.col("send") & held & pl.col("intervention").is_not_null())
        .sort("user_id", "local_date", "intervention")
        .group_by("user_id", maintain_order=True)
        .agg(sent_before=pl.struct("intervention", "channel", "local_date"))
        .collect()
    )


def known_people(features: pl.DataFrame, *known: pl.DataFrame) -> pl.DataFrame:
    """Join what is known about each person on a night; one row per row of features, in their order."""
    people = features
    for frame in known:
        people = people.join(frame, on="user_id", how="left", maintain_order="left")
    return people.rename({"target_sessions_per_week": "target_sessions"})


def read_people(night: date, profiles: pl.DataFrame, settings: Settings, catalogue: Catalogue) -> pl.DataFrame:
    """Return everything that is known about each person on a night, by user id; ``profiles`` are its newest."""
    features = scan_table("gold.user_features", settings, Interval(night, night)).drop("batch_date").collect()
    return known_people(
        features,
        profiles.select("user_id", *PROFILE_COLUMNS),
        read_goals(night, settings),
        read_predictions(night, settings),
        read_answers(night, settings),
        read_reports(night, settings),
        read_habits(night, settings),
        read_best_times(night, settings),
        read_triggers_before(night, settings),
        read_sent_before(night, catalogue.longest_cool_down, settings),
        steps_due(night, settings),
        learned_hours(read_messages(night, settings)),
    ).sort("user_id")


def decide_night(night: date, profiles: pl.DataFrame, settings: Settings, catalogue: Catalogue) -> tuple[int, int]:
    """Learn, and write the night's decisions; return how many there are and how many are to be sent."""
    known = learn_night(night, settings, catalogue)
    people = read_people(night, profiles, settings, catalogue)
    sent = 0

    def chunks() -> Iterator[pa.Table]:
        nonlocal sent
        sent = 0
        # Some people at a time, so that memory stays bounded.
        for part in people.iter_slices(PEOPLE_PER_CHUNK):
            decided = decide(part, night, settings.seed, catalogue, known, holdout_share=settings.holdout_share)
            sent += decided["send"].sum()
            yield decided.to_arrow()

    rows = replace_nights_stream(chunks, "gold.decisions", Interval(night, night), settings)
    return rows, sent


def run(context: JobContext) -> Summary:
    """Decide for every night of the interval, one at a time."""
    profiles = read_profiles(context.interval, context.settings)
    goals = plans = newcomers = rows = sent = 0
    for night in context.interval.nights():
        newest = newest_profiles(profiles, night)
        goals += write_goals(night, newest, context.settings)
        plans += write_plans(night, newest, context.settings)
        newcomers += write_onboarding(night, newest, context.settings)
        night_rows, night_sent = decide_night(night, newest, context.settings, catalogue())
        rows, sent = rows + night_rows, sent + night_sent
    return {
        "goals": goals,
        "plans": plans,
        "in_onboarding": newcomers,
        "decisions": rows,
        "to_send": sent,
        "catalogue": catalogue().version,
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job from the command line."""
    return run_job("interventions.decide", run, description=__doc__ or "", argv=argv)


if __name__ == "__main__":
    sys.exit(main())
