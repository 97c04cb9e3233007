"""The first policy: who may be sent anything, which intervention, and with which probability; pure functions.

Availability comes first and says why not. The best eligible candidate is then sent with a probability equal to
its score, clipped to [0.1, 0.8], so every available decision is randomised and effects stay estimable. The two
days after the next are a fallback in case a night does not run: the same choice, sent with a fixed probability.
"""

from datetime import date

import polars as pl

from habitlake.clock import night_end
from interventions.candidates import ROW, best, candidates, listed, with_triggers
from interventions.catalogue import Catalogue
from interventions.eligibility import used_values
from interventions.identity import DRAW_RANGE, SEPARATOR, stable_seeds, stable_uuids
from interventions.messages import with_messages
from interventions.schedule import with_first_local_date, with_preferred_hour, with_send_window
from interventions.scoring import WEEKLY_CAP

POLICY = "scored-1"
FALLBACK_POLICY = "fallback-1"
HORIZONS = 3
LOWEST, HIGHEST = 0.1, 0.8
FALLBACK_PROBABILITY = 0.4
ADULT_AGE = 18
NO_USE_DAYS = 28
NO_ACTION = "none"


def unavailable_reasons() -> pl.Expr:
    """Return the list of reasons why a person cannot be sent anything; empty means available.

    Consent that was never stated means yes (contract of the profile); a stated no always counts.
    ``no_use`` means no sign of use in the 28 days that features look back on.
    """
    seen = pl.col("days_since_first_event").fill_null(0)
    rules = {
        "opted_out": pl.col("notifications_allowed").eq_missing(pl.lit(value=False)),
        "minor": pl.col("age") < ADULT_AGE,
        "no_use": (pl.col("observed_days_28d").fill_null(0) == 0) & (seen >= NO_USE_DAYS),
        "weekly_cap": pl.col("interventions_7d") >= WEEKLY_CAP,
        "unknown_time_zone": ~pl.col("zone_known"),
        "no_trigger": pl.col("triggers").list.len() == 0,
        "no_candidate": (pl.col("triggers").list.len() > 0) & pl.col("best_score").is_null(),
    }
    named = [pl.when(rule.fill_null(value=False)).then(pl.lit(name)) for name, rule in rules.items()]
    return pl.concat_list(named).list.drop_nulls()


def choose(people: pl.DataFrame, catalogue: Catalogue) -> pl.DataFrame:
    """Add triggers, candidates, the best intervention with its action and channel, and its score, per person."""
    people = with_triggers(people, catalogue).with_row_index(ROW)
    possible = candidates(people, catalogue)
    chosen = best(possible).select(ROW, "intervention", "action", "channel", best_score="score")
    people = people.join(chosen, on=ROW, how="left", maintain_order="left")
    people = people.join(listed(possible), on=ROW, how="left", maintain_order="left")
    return people.drop(ROW).with_columns(pl.col("candidates").fill_null("[]"))


def decide(people: pl.DataFrame, batch_date: date, seed: int, catalogue: Catalogue) -> pl.DataFrame:
    """Return three decisions per person, columns as in ``gold.decisions``, in the order of the people given.

    Parameters
    ----------
    people
        One row per person: features as known on the night, the profile, the prediction (``skip_probability``,
        ``model``, ``model_version``, null where no model is in force), and the answers of the last nights.
    """
    decided = with_preferred_hour(with_first_local_date(people, batch_date))
    decided = choose(decided, catalogue).with_columns(unavailable_reasons=unavailable_reasons())
    available = pl.col("unavailable_reasons").list.len() == 0
    recorded = [pl.col(name) for name in used_values(catalogue)]
    decided = decided.with_columns(
        available=available,
        intervention=pl.when(available).then("intervention"),
        action=pl.when(available).then("action").otherwise(pl.lit(NO_ACTION)),
        channel=pl.when(available).then("channel"),
        features=pl.struct(recorded).struct.json_encode(),
    )
    decided = with_messages(decided, catalogue)
    kept = (
        "user_id", "time_zone", "first_decision_date", "preferred_hour", "available", "unavailable_reasons", "triggers",
        "intervention", "action", "channel", "best_score", "candidates", "features", "message", "payload", "model",
        "model_version",
    )  # fmt: skip
    horizons = pl.DataFrame({"horizon": list(range(HORIZONS))}, schema={"horizon": pl.Int32})
    rows = decided.select(kept).join(horizons, how="cross", maintain_order="left_right")
    rows = rows.with_columns(local_date=pl.col("first_decision_date") + pl.duration(days=pl.col("horizon")))
    rows = with_send_window(rows)
    return draw(rows, batch_date, seed, catalogue.version)


def draw(rows: pl.DataFrame, batch_date: date, seed: int, version: str) -> pl.DataFrame:
    """Add id, seed, probability and the result of the draw; send means available and draw < probability.

    The seed of a decision comes from its id alone, so neither the order nor the grouping of rows matters, and
    ``draw = seed / 2**63`` can be recomputed by anyone.
    """
    keys = rows.select(
        pl.concat_str(pl.lit(str(batch_date)), "user_id", pl.col("local_date").cast(pl.String), separator=SEPARATOR)
    )
    ids = stable_uuids(keys.to_series().to_list())
    seeds = stable_seeds([f"{seed}{SEPARATOR}decision{SEPARATOR}{name}" for name in ids])
    scored = (
        pl.when(pl.col("horizon") == 0).then(pl.col("best_score").clip(LOWEST, HIGHEST)).otherwise(FALLBACK_PROBABILITY)
    )
    policy = pl.when(pl.col("horizon") == 0).then(pl.lit(POLICY)).otherwise(pl.lit(FALLBACK_POLICY))
    return rows.with_columns(
        pl.lit(batch_date).alias("batch_date"),
        pl.lit(night_end(batch_date)).cast(pl.Datetime("us", "UTC")).alias("decided_at"),
        pl.Series("decision_id", ids, dtype=pl.String),
        pl.Series("seed", seeds, dtype=pl.Int64),
        pl.when("available").then(scored).otherwise(0.0).alias("probability"),
        pl.concat_str(policy, pl.lit(f"+{version}")).alias("policy_version"),
    ).with_columns(send=pl.col("available") & (pl.col("seed").cast(pl.Float64) / DRAW_RANGE < pl.col("probability")))
