"""Job: goals, plans, onboarding and what sending does, then three decisions a person (next local day, two fallback days).

    python -m interventions.decide --start 2026-03-01 --end 2026-03-07

Reads gold.user_features, gold.predictions, gold.habit_state, gold.user_analytics, gold.context_patterns,
silver.profiles, silver.wellbeing, silver.intervention_events, gold.user_day, and earlier nights of its own tables (what
was sent, which triggers were on, what was learned); replaces each night of gold.goals, gold.workout_plans,
gold.onboarding, gold.response_state and gold.decisions. A library that is not as it should be stops the decisions alone:
the other tables of the night are written, and the queue keeps the fallback days that were published before.
"""

import sys
import time
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta

import polars as pl
import pyarrow as pa

from habitlake.clock import ONE_DAY, Interval
from habitlake.job import JobContext, Summary, run_job
from habitlake.lake import replace_nights_stream
from habitlake.nights.ledger import holdout_shares
from interventions.ahead import made_ahead
from interventions.catalogue import Catalogue, catalogue
from interventions.entries import LONGEST_COOL_DOWN
from interventions.goals.job import write_goals
from interventions.goals.kinds import WEEKLY_SESSIONS
from interventions.onboarding.job import steps_due, write_onboarding
from interventions.plans.job import weeks_of, write_plans
from interventions.policy import HORIZONS, decide
from interventions.profiles import PROFILE_COLUMNS, newest_profiles, read_profiles
from interventions.reading import FEATURES, GOALS, HABITS, LEDGER, Reader, View
from interventions.response.effects import DOSAGE_DECAY
from interventions.response.job import learn_night
from interventions.response.model import MILLION
from interventions.scoring import HISTORY_NIGHTS
from interventions.timing.hours import learned_hours, read_messages
from interventions.values import REPORTS

MODEL = "adherence"
BURNOUT = "burnout"
PREDICTIONS = View(
    "gold.predictions",
    ("user_id", "model", "model_version", "probability"),
    where=pl.col("model").is_in([MODEL, BURNOUT]),
)
BEST_TIMES = View(
    "gold.context_patterns",
    ("user_id", "shrunken_rate", "time_slot", "attempts", "completed"),
    where=(pl.col("dimension") == "time_slot") & (pl.col("verdict") == "success"),
)
ANALYTICS = View("gold.user_analytics", ("user_id", "performance_improvement"))
WEEK = View("gold.user_day", ("user_id", *REPORTS.values()), nights=7)
ON_BEFORE = View("gold.decisions", ("user_id", "triggers"), where=pl.col("horizon") == 0)
_SENT = ("user_id", "intervention", "channel", "local_date", "horizon")
_WAS_SENT = pl.col("send") & pl.col("intervention").is_not_null()
SENT = View("gold.decisions", _SENT, where=_WAS_SENT & (pl.col("horizon") == 0), nights=LONGEST_COOL_DOWN)
SENT_AHEAD = View("gold.decisions", _SENT, where=_WAS_SENT & (pl.col("horizon") > 0), nights=LONGEST_COOL_DOWN)
# A decision with all that it rests on is some kilobytes of JSON.
PEOPLE_PER_CHUNK = 20_000
DOSAGE_NIGHTS = 56


def read_answers(night: date, reader: Reader) -> pl.DataFrame:
    """Return per person how many interventions were delivered and acted on in the last 28 nights, and the dosage.

    The dosage of the next day, x <- 0.95 x + 1 per message: of what came before the nights read, less than a seventeenth
    is left. Summed in whole millionths, so the order of rows does not matter.
    """
    recent = pl.col("batch_date") > night - timedelta(days=HISTORY_NIGHTS)
    delivered, acted = pl.col("interventions_delivered"), pl.col("interventions_acted")
    age = (pl.lit(night) - pl.col("local_date")).dt.total_days().clip(0)
    left = (pl.lit(DOSAGE_DECAY).pow(age) * MILLION).round().cast(pl.Int64)
    return (
        reader.rows(LEDGER, night)
        .filter((pl.col("batch_date") > night - timedelta(days=DOSAGE_NIGHTS)) & ((delivered != 0) | (acted != 0)))
        .group_by("user_id")
        .agg(
            delivered_28n=delivered.filter(recent).sum(),
            acted_28n=acted.filter(recent).sum(),
            dosage=(delivered * left).sum() / MILLION,
        )
    )


def read_predictions(night: date, reader: Reader) -> pl.DataFrame:
    """Return per person the night's skip probability with the model that gave it, and the risk of burnout.

    Each is null, or the person absent, where no such model is in force or it is not for the person.
    """
    own, burnout = pl.col("model") == MODEL, pl.col("model") == BURNOUT
    return (
        reader.rows(PREDICTIONS, night)
        .group_by("user_id")
        .agg(
            pl.col("model", "model_version").filter(own).first(),
            skip_probability=(1 - pl.col("probability").filter(own).first()).round(6),
            burnout_risk=pl.col("probability").filter(burnout).first(),
        )
    )


def read_reports(night: date, reader: Reader) -> pl.DataFrame:
    """Return per person how many reports of each kind arrived in the last seven nights: what a week's mean rests on."""
    sums = [pl.col(column).sum().alias(name) for name, column in REPORTS.items()]
    return reader.rows(WEEK, night).group_by("user_id").agg(sums)


def read_habits(night: date, reader: Reader) -> pl.DataFrame:
    """Return per person the habit as known on the night, and the change of output at equal effort."""
    habits = reader.rows(HABITS, night).select("user_id", "automatic_on", habit_strength="strength")
    analytics = reader.rows(ANALYTICS, night).drop("batch_date")
    return habits.join(analytics, on="user_id", how="full", coalesce=True)


def read_goals(night: date, reader: Reader) -> pl.DataFrame:
    """Return per person the sessions in seven days that the night recommends."""
    return (
        reader.rows(GOALS, night)
        .filter(pl.col("kind") == WEEKLY_SESSIONS.name)
        .select("user_id", recommended_sessions="recommended_goal")
    )


def read_best_times(night: date, reader: Reader) -> pl.DataFrame:
    """Return per person the part of the day in which sessions succeed most: the best finding, with its counts."""
    return (
        reader.rows(BEST_TIMES, night)
        .select(
            "user_id",
            "shrunken_rate",
            best_time_slot="time_slot",
            best_time_attempts="attempts",
            best_time_completed="completed",
        )
        .sort("user_id", "shrunken_rate", "best_time_slot", descending=[False, True, False])
        .unique("user_id", keep="first", maintain_order=True)
        .drop("shrunken_rate")
    )


def read_triggers_before(night: date, reader: Reader) -> pl.DataFrame:
    """Return per person the triggers that were on last night, from its decisions."""
    return reader.rows(ON_BEFORE, night - ONE_DAY).select("user_id", triggers_before="triggers")


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


def read_sent_before(night: date, reader: Reader) -> pl.DataFrame:
    """Return per person what earlier nights sent, by which channel and for which local date.

    Read over the longest cool-down, fallback days where they held.
    """
    sent = reader.rows(SENT, night - ONE_DAY)
    held = handed_out(reader.nights(SENT.table), night)
    if any(held[horizon] for horizon in range(1, HORIZONS)):
        in_force = pl.any_horizontal(
            (pl.col("horizon") == horizon) & pl.col("batch_date").is_in(nights) for horizon, nights in held.items()
        )
        sent = pl.concat([sent, reader.rows(SENT_AHEAD, night - ONE_DAY)]).filter(in_force)
    return (
        sent.sort("user_id", "local_date", "intervention")
        .group_by("user_id", maintain_order=True)
        .agg(sent_before=pl.struct("intervention", "channel", "local_date"))
    )


def known_people(features: pl.DataFrame, *known: pl.DataFrame) -> pl.DataFrame:
    """Join what is known about each person on a night; one row per row of features, in their order."""
    people = features
    for frame in known:
        people = people.join(frame, on="user_id", how="left", maintain_order="left")
    return people.rename({"target_sessions_per_week": "target_sessions"})


def read_people(night: date, profiles: pl.DataFrame, reader: Reader) -> pl.DataFrame:
    """Return everything that is known about each person on a night, by user id; ``profiles`` are its newest."""
    return known_people(
        reader.rows(FEATURES, night).drop("batch_date"),
        profiles.select("user_id", *PROFILE_COLUMNS),
        read_goals(night, reader),
        read_predictions(night, reader),
        read_answers(night, reader),
        read_reports(night, reader),
        read_habits(night, reader),
        read_best_times(night, reader),
        read_triggers_before(night, reader),
        read_sent_before(night, reader),
        steps_due(night, reader),
        learned_hours(read_messages(night, reader)),
    ).sort("user_id")


def decide_night(
    night: date,
    profiles: pl.DataFrame,
    reader: Reader,
    catalogue: Catalogue,
    known: pl.DataFrame,
    *,
    holdout_share: float = 0.0,
) -> tuple[int, int]:
    """Write the night's decisions; return how many there are and how many are to be sent.

    ``known`` is what is believed about the effects, as of ``interventions.response``.
    """
    settings = reader.settings
    people = read_people(night, profiles, reader)
    if night == reader.last:
        reader.release()
    sent = 0

    def make(part: pl.DataFrame) -> pl.DataFrame:
        return decide(part, night, settings.seed, catalogue, known, holdout_share=holdout_share)

    def chunks() -> Iterator[pa.Table]:
        nonlocal sent
        sent = 0
        for decided in made_ahead(make, people.iter_slices(PEOPLE_PER_CHUNK)):
            sent += decided["send"].sum()
            yield decided.to_arrow()

    rows = replace_nights_stream(chunks, "gold.decisions", Interval(night, night), settings)
    return rows, sent


def run(context: JobContext) -> Summary:
    """Decide for every night of the interval, one at a time."""
    reader = Reader(context.settings, context.interval.end)
    profiles = read_profiles(context.interval, context.settings)
    # An old night divides people as it did when it was first run, whatever the share is by now.
    shares = holdout_shares(context.interval, context.settings)
    goals = plans = newcomers = rows = sent = 0
    seconds: defaultdict[str, float] = defaultdict(float)

    @contextmanager
    def timed(table: str) -> Iterator[None]:
        started = time.monotonic()
        yield
        seconds[table] += time.monotonic() - started

    for night in context.interval.nights():
        newest = newest_profiles(profiles, night)
        with timed("gold.goals"):
            # Whether a plan is due and unloads is known first: a goal of minutes is eased where its plan is.
            weeks = weeks_of(night, newest, reader)
            goals += write_goals(night, newest, weeks, reader)
        with timed("gold.workout_plans"):
            plans += write_plans(night, newest, weeks, reader)
        # Some hundred bytes a person, of use no longer.
        del weeks
        with timed("gold.onboarding"):
            newcomers += write_onboarding(night, newest, reader)
        library = catalogue()
        with timed("gold.response_state"):
            known = learn_night(night, reader, library)
        with timed("gold.decisions"):
            share = shares.get(night, context.settings.holdout_share)
            night_rows, night_sent = decide_night(night, newest, reader, library, known, holdout_share=share)
        rows, sent = rows + night_rows, sent + night_sent
    for table, spent in seconds.items():
        context.log.info("written", table=table, seconds=round(spent, 2))
    return {
        "goals": goals,
        "plans": plans,
        "in_onboarding": newcomers,
        "decisions": rows,
        "to_send": sent,
        "catalogue": library.version,
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job from the command line."""
    return run_job("interventions.decide", run, description=__doc__ or "", argv=argv)


if __name__ == "__main__":
    sys.exit(main())
