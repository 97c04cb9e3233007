"""What became of the decisions whose windows a night closes: each is attributed once, as known on that night.

A window closes a fixed number of nights after the decision's local date (``outcomes``), so each decision and arm is looked
at by exactly one night. Of several nights that decided on a date the newest holds, as in the queue; a night that
no person has answered to was never published (history that was brought in as a range), and its decisions do not count.
"""

from collections.abc import Sequence
from datetime import date, timedelta

import polars as pl

from habitlake.clock import Interval
from habitlake.lake import scan_table
from interventions.reading import Reader, View
from interventions.response.outcomes import ALL_OUTCOMES, outcome_of

# The first local date that starts after a night is one or two days on, the last fallback day two more.
NEAREST, FARTHEST = 1, 4
# The dates whose decisions a night judges lie so many days before the date that it closes.
DAYS = sorted({outcome.days for outcome in ALL_OUTCOMES})
SUMS = sorted({name for outcome in ALL_OUTCOMES for name in outcome.positive.meta.root_names()})
# From the night before the day to the one that closes its window.
EVENTS = View("silver.intervention_events", ("decision_id", "event_type"), nights=DAYS[-1] + 3)
ENTRIES = View("gold.user_day", ("user_id", "local_date", *SUMS), nights=3)
FEEDBACK = ("delivered", "opened", "acted", "rated")
DECISION_COLUMNS = (
    "batch_date", "decision_id", "user_id", "arms", "arm_actions", "arm_probabilities", "probability", "send",
    "intervention", "dosage", "usual_sessions",
)  # fmt: skip


def feedback(events: pl.DataFrame) -> pl.DataFrame:
    """Return one row per decision with whether it was ``delivered``, ``opened``, ``acted`` and ``rated`` (0 or 1).

    Parameters
    ----------
    events
        Rows of silver.intervention_events; the same news told twice counts once.
    """
    kind = pl.col("event_type")
    return events.group_by("decision_id").agg(
        (kind == f"intervention_{name}").any().cast(pl.Int64).alias(name) for name in FEEDBACK
    )


def in_force(decisions: pl.DataFrame, answers: pl.DataFrame) -> pl.DataFrame:
    """Return the decision of each person that held: the newest of a night that somebody was reached by."""
    published = decisions.join(answers.select("decision_id"), on="decision_id", how="semi")["batch_date"].unique()
    return (
        decisions.filter(pl.col("batch_date").is_in(published.to_list()))
        .sort("user_id", "batch_date")
        .unique("user_id", keep="last", maintain_order=True)
    )


def contrasts(decisions: pl.DataFrame) -> pl.DataFrame:
    """Return one row per decision and arm, where that arm or silence was drawn.

    Columns ``user_id``, ``decision_id``, ``action``, ``intervention``, ``drawn`` (1 the arm, 0 silence), ``chance`` (the
    probability of the arm among these two), ``dosage`` and ``usual``.
    """
    arms = decisions.select(
        "user_id", "decision_id", "send", "dosage", "probability", "arms", "arm_actions", "arm_probabilities",
        usual="usual_sessions", sent="intervention",
    ).explode("arms", "arm_actions", "arm_probabilities")  # fmt: skip
    silence = 1.0 - pl.col("probability")
    return (
        arms.filter(~pl.col("send") | (pl.col("arms") == pl.col("sent")))
        .with_columns(chance=pl.col("arm_probabilities") / (pl.col("arm_probabilities") + silence))
        .select(
            "user_id", "decision_id", "dosage", "usual", "chance",
            action="arm_actions", intervention="arms", drawn=pl.col("send").cast(pl.Int64),
        )
    )  # fmt: skip


def read_decisions(days: Sequence[date], reader: Reader) -> dict[date, pl.DataFrame]:
    """Return per local date what the nights before it decided on it, of who was available."""
    nights = Interval(min(days) - timedelta(days=FARTHEST), max(days) - timedelta(days=NEAREST))
    # A partition holds many dates of which a night needs two, so they are not kept for the next one.
    rows = (
        scan_table("gold.decisions", reader.settings, nights)
        .filter(pl.col("local_date").is_in(days) & pl.col("available") & pl.col("arms").is_not_null())
        .select("local_date", *DECISION_COLUMNS)
        .collect()
    )
    return {day: rows.filter(pl.col("local_date") == day).drop("local_date") for day in days}


def read_feedback(day: date, night: date, reader: Reader) -> pl.DataFrame:
    """Return the feedback on decisions of a local date that arrived by a night."""
    return feedback(reader.rows(EVENTS, night).filter(pl.col("batch_date") >= day - timedelta(days=1)))


def read_outcomes(day: date, reader: Reader) -> pl.DataFrame:
    """Return one row per person seen on a local date: a column per outcome, as known on the night after it."""
    return (
        reader.rows(ENTRIES, day + timedelta(days=1))
        .filter(pl.col("local_date") == day)
        .group_by("user_id")
        .agg(pl.col(SUMS).sum())
        .select("user_id", *(outcome.positive.alias(outcome.name) for outcome in ALL_OUTCOMES))
    )


def judged(arms: pl.DataFrame, seen: pl.DataFrame) -> pl.DataFrame:
    """Add ``outcome`` (0 or 1) of each arm's type; drops arms whose outcome is not known.

    Parameters
    ----------
    arms
        As of ``contrasts``.
    seen
        As of ``read_outcomes``.
    """
    own = pl.lit(None, pl.Float64)
    for action in arms["action"].unique():
        outcome = outcome_of(action)
        value = pl.when(pl.col("_seen")).then(outcome.name).otherwise(pl.lit(outcome.unseen, pl.Boolean))
        own = pl.when(pl.col("action") == action).then(value.cast(pl.Float64)).otherwise(own)
    rows = arms.join(seen.with_columns(_seen=True), on="user_id", how="left", maintain_order="left")
    return rows.select(*arms.columns, outcome=own).drop_nulls("outcome")


def attributed(night: date, reader: Reader) -> pl.DataFrame | None:
    """Return the rows that a night learns from, as of ``model.contribution``; None where there are none."""
    closed = night - timedelta(days=1)
    parts = []
    by_days = {days: closed - timedelta(days=days) for days in DAYS}
    decided = read_decisions([*by_days.values()], reader)
    for days, day in by_days.items():
        decisions = decided[day]
        if decisions.is_empty():
            continue
        answers = read_feedback(day, night, reader)
        arms = contrasts(in_force(decisions, answers))
        due = [action for action in arms["action"].unique() if outcome_of(action).days == days]
        rows = arms.filter(pl.col("action").is_in(due)).join(answers, on="decision_id", how="left")
        parts.append(rows.with_columns(pl.col(FEEDBACK).fill_null(0) * pl.col("drawn")))
    return judged(pl.concat(parts), read_outcomes(closed, reader)) if parts else None
