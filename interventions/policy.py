"""Who may be sent anything, which intervention, and with which probability; pure functions.

Availability comes first and says why not. Then one uniform number, from a seed that is the decision's own, falls on the
best candidate, on a second one or on silence, each with the probability that ``arms`` gives it. The two days after the
next are a fallback in case a night does not run: the best candidate, sent with a fixed probability.
"""

from datetime import date

import polars as pl

from habitlake.clock import night_end
from interventions.arms import drawn_arm, offered
from interventions.candidates import ROW, candidates, listed, with_triggers
from interventions.caps import messages_of_week, week_of, with_channel_weeks, with_fallback_caps
from interventions.catalogue import Catalogue
from interventions.eligibility import used_values
from interventions.holdout import HOLDOUT, with_holdout
from interventions.identity import DRAW_RANGE, SEPARATOR, stable_seeds, stable_uuids
from interventions.messages import with_messages
from interventions.response.effects import dosage_price, with_effects
from interventions.schedule import with_first_local_date, with_preferred_hour, with_send_window
from interventions.scoring import WEEKLY_CAP

POLICY = "thompson-1"
FALLBACK_POLICY = "fallback-1"
HORIZONS = 3
FALLBACK_PROBABILITY = 0.4
ADULT_AGE = 18
NO_USE_DAYS = 28
NO_ACTION = "none"
SESSION_DAYS = 28


def unavailable_reasons() -> pl.Expr:
    """Return the list of reasons why a person cannot be sent anything; empty means available.

    Consent that was never stated means yes (contract of the profile); a stated no always counts.
    ``no_use`` means no sign of use in the 28 days that features look back on.
    """
    seen = pl.col("days_since_first_event").fill_null(0)
    rules = {
        "opted_out": pl.col("notifications_allowed").eq_missing(pl.lit(value=False)),
        "minor": pl.col("age") < ADULT_AGE,
        HOLDOUT: pl.col("held_out"),
        "no_use": (pl.col("observed_days_28d").fill_null(0) == 0) & (seen >= NO_USE_DAYS),
        "weekly_cap": pl.col("messages_of_week") >= WEEKLY_CAP,
        "unknown_time_zone": ~pl.col("zone_known"),
        "no_trigger": pl.col("triggers").list.len() == 0,
        "no_candidate": (pl.col("triggers").list.len() > 0) & pl.col("arms").is_null(),
    }
    named = [pl.when(rule.fill_null(value=False)).then(pl.lit(name)) for name, rule in rules.items()]
    return pl.concat_list(named).list.drop_nulls()


def choose(people: pl.DataFrame, catalogue: Catalogue, known: pl.DataFrame) -> pl.DataFrame:
    """Add triggers, candidates and the arms of the draw (``arms.offered``, null without any) to one row per person."""
    people = with_triggers(people, catalogue).with_row_index(ROW)
    price = dosage_price(known)
    possible = with_effects(candidates(people, catalogue), people, known, catalogue)
    arms = offered(possible, price)
    people = people.join(arms, on=ROW, how="left", maintain_order="left")
    people = people.join(listed(possible, arms), on=ROW, how="left", maintain_order="left")
    return people.drop(ROW).with_columns(pl.col("candidates").fill_null("[]"), dosage_price=pl.lit(price))


def decide(
    people: pl.DataFrame,
    batch_date: date,
    seed: int,
    catalogue: Catalogue,
    known: pl.DataFrame,
    *,
    holdout_share: float = 0.0,
) -> pl.DataFrame:
    """Return three decisions per person, columns as in ``gold.decisions``, in the order of the people given.

    Parameters
    ----------
    people
        One row per person: features as known on the night, the profile, the prediction (``skip_probability``,
        ``model``, ``model_version``, null where no model is in force), the answers of the last nights, ``dosage`` and
        ``learned_hour`` (null where unknown).
    known
        Beliefs about the effects of the interventions, as of ``interventions.response``.
    holdout_share
        Share of people who are sent nothing (``interventions.holdout``).
    """
    decided = with_preferred_hour(with_first_local_date(with_holdout(people, holdout_share), batch_date))
    decided = with_channel_weeks(decided, catalogue.caps).with_columns(
        pl.col("dosage").fill_null(0.0), usual_sessions=usual_sessions(), messages_of_week=messages_of_week()
    )
    decided = choose(decided, catalogue, known).with_columns(unavailable_reasons=unavailable_reasons())
    weeks = [week_of(channel) for channel in catalogue.caps]
    recorded = sorted({*used_values(catalogue), *weeks, "dosage", "dosage_price", "usual_sessions", "messages_of_week"})
    decided = decided.with_columns(
        available=pl.col("unavailable_reasons").list.len() == 0,
        features=pl.struct(recorded).struct.json_encode(),
        send_hour=pl.coalesce("learned_hour", "preferred_hour"),
    )
    kept = (
        "user_id", "time_zone", "first_decision_date", "send_hour", "available", "unavailable_reasons", "triggers",
        "arms", "arm_actions", "arm_channels", "arm_probabilities", "candidates", "features", "dosage",
        "usual_sessions", "messages_of_week", *weeks, "model", "model_version",
    )  # fmt: skip
    horizons = pl.DataFrame({"horizon": list(range(HORIZONS))}, schema={"horizon": pl.Int32})
    rows = decided.select(kept).join(horizons, how="cross", maintain_order="left_right")
    rows = with_fallback_caps(rows, catalogue.caps)
    rows = rows.with_columns(local_date=pl.col("first_decision_date") + pl.duration(days=pl.col("horizon")))
    rows = draw(with_send_window(rows), batch_date, seed, catalogue.version)
    keys = ["user_id", "intervention"]
    texts = with_messages(
        rows.filter("available").select(keys).unique(maintain_order=True).join(decided, on="user_id"), catalogue
    )
    return rows.join(texts.select(*keys, "message", "payload"), on=keys, how="left", maintain_order="left")


def usual_sessions() -> pl.Expr:
    """Return the sessions a day of the last 28 days, or since the person was first seen (at least a week)."""
    days = (pl.col("days_since_first_event").fill_null(SESSION_DAYS) + 1).clip(7, SESSION_DAYS)
    return (pl.col("sessions_28d").fill_null(0) / days).round(6)


def with_arms(rows: pl.DataFrame) -> pl.DataFrame:
    """Keep the arms of who is available, on fallback days the best one alone; add ``probability``, their sum."""
    fallback = pl.col("horizon") > 0
    arms = ("arms", "arm_actions", "arm_channels")
    rows = rows.with_columns(
        *(pl.when(fallback).then(pl.col(name).list.head(1)).otherwise(name).alias(name) for name in arms),
        arm_probabilities=pl.when(fallback).then([FALLBACK_PROBABILITY]).otherwise("arm_probabilities"),
    )
    names = (*arms, "arm_probabilities")
    return rows.with_columns(pl.when("available").then(name).alias(name) for name in names).with_columns(
        probability=pl.col("arm_probabilities").list.sum().round(6).fill_null(0.0)
    )


def draw(rows: pl.DataFrame, batch_date: date, seed: int, version: str) -> pl.DataFrame:
    """Add id, seed, the arms' probabilities and what was drawn.

    The seed of a decision comes from its id alone, so neither the order nor the grouping of rows matters, and
    ``draw = seed / 2**63`` can be recomputed by anyone: it falls on the first arm below its probability, on the second
    one up to the sum of both, and on silence above. Where silence was drawn, the row names the best candidate.
    """
    keys = rows.select(
        pl.concat_str(pl.lit(str(batch_date)), "user_id", pl.col("local_date").cast(pl.String), separator=SEPARATOR)
    )
    ids = stable_uuids(keys.to_series().to_list())
    seeds = stable_seeds([f"{seed}{SEPARATOR}decision{SEPARATOR}{name}" for name in ids])
    policy = pl.when(pl.col("horizon") == 0).then(pl.lit(POLICY)).otherwise(pl.lit(FALLBACK_POLICY))
    drawn = with_arms(rows).with_columns(
        pl.lit(batch_date).alias("batch_date"),
        pl.lit(night_end(batch_date)).cast(pl.Datetime("us", "UTC")).alias("decided_at"),
        pl.Series("decision_id", ids, dtype=pl.String),
        pl.Series("seed", seeds, dtype=pl.Int64),
        pl.concat_str(policy, pl.lit(f"+{version}")).alias("policy_version"),
    )
    drawn = drawn.with_columns(arm=drawn_arm(pl.col("seed").cast(pl.Float64) / DRAW_RANGE).cast(pl.Int32))

    def named(name: str) -> pl.Expr:
        return pl.col(name).list.get(pl.col("arm").fill_null(0), null_on_oob=True)

    return drawn.with_columns(
        send=pl.col("arm").is_not_null(),
        intervention=named("arms"),
        action=named("arm_actions").fill_null(NO_ACTION),
        channel=named("arm_channels"),
        action_probability=pl.when("available").then(
            pl.coalesce(
                pl.col("arm_probabilities").list.get(pl.col("arm"), null_on_oob=True),
                (1.0 - pl.col("probability")).round(6),
            )
        ),
    )
