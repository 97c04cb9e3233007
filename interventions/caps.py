"""How often a person may be reached: five messages a week by all channels, and what each channel allows by itself.

A local date has one message at most, since a person has one decision for it.
"""

from collections.abc import Mapping

import polars as pl

from habitlake.contracts.intervention import Channel
from interventions.entries import Cap
from interventions.scoring import WEEKLY_CAP

CHANNEL_CAP = "channel_cap_reached"
WEEK_DAYS = 7
ARM_LISTS = ("arms", "arm_actions", "arm_channels", "arm_probabilities")


def messages_of_week() -> pl.Expr:
    """Return the messages of the person's week: what was sent, or what was delivered and is on its way, if that is more.

    Sent counts on the six local dates before the one decided on, delivered or not, since feedback comes later and from
    some channels never. Delivered counts in seven complete days, whoever sent it; one or two local dates lie between
    the last of them and the one decided on.
    """
    dates = pl.col("sent_before").list.eval(pl.element().struct.field("local_date"))

    def used(date: pl.Expr) -> pl.Expr:
        return dates.list.contains(date).fill_null(value=False).cast(pl.Int64)

    sent = [used(pl.col("first_decision_date") - pl.duration(days=days)) for days in range(1, WEEK_DAYS)]
    on_the_way = [used(pl.col("as_of_date") + pl.duration(days=days)) for days in (1, 2)]
    return pl.max_horizontal(
        pl.sum_horizontal(sent), pl.sum_horizontal(pl.col("interventions_7d").fill_null(0), *on_the_way)
    )


def week_of(channel: Channel) -> str:
    """Return the column that counts the messages sent by a channel on the six local dates before the one decided on."""
    return f"{channel}_of_week"


def with_channel_weeks(people: pl.DataFrame, caps: Mapping[Channel, Cap]) -> pl.DataFrame:
    """Add ``week_of`` each channel that has a cap, from ``sent_before`` and ``first_decision_date``.

    What was sent counts, delivered or not: feedback comes later, and from some channels never.
    """
    row = "_sender"
    people = people.with_row_index(row)
    sent = people.select(row, "first_decision_date", "sent_before").explode("sent_before").unnest("sent_before")
    since = (pl.col("first_decision_date") - pl.col("local_date")).dt.total_days()
    counted = sent.filter(since < WEEK_DAYS).group_by(row)
    weeks = counted.agg((pl.col("channel") == channel).sum().cast(pl.Int64).alias(week_of(channel)) for channel in caps)
    joined = people.join(weeks, on=row, how="left", maintain_order="left").drop(row)
    return joined.with_columns(pl.col([week_of(channel) for channel in caps]).fill_null(0))


def full(channel: Channel, caps: Mapping[Channel, Cap], days_ahead: pl.Expr | int = 0) -> pl.Expr:
    """Return whether the channel has no room left, were every one of the days before it used too."""
    if channel not in caps:
        return pl.lit(value=False)
    return pl.col(week_of(channel)) + days_ahead >= caps[channel].per_week


def with_fallback_caps(rows: pl.DataFrame, caps: Mapping[Channel, Cap]) -> pl.DataFrame:
    """Hold fallback days to the caps as if every day before them were sent something, by the channel in question.

    A day whose best arm's channel is full falls back on the other arm.
    """
    ahead = pl.col("horizon")
    first_is_full = pl.any_horizontal(
        pl.lit(value=False),
        *((pl.col("arm_channels").list.first() == channel) & full(channel, caps, ahead) for channel in caps),
    ).fill_null(value=False)
    other = (ahead > 0) & first_is_full & (pl.col("arms").list.len() > 1)
    rows = rows.with_columns(
        pl.when(other).then(pl.col(name).list.slice(1)).otherwise(name).alias(name) for name in ARM_LISTS
    )
    for name, reached in {
        "weekly_cap": pl.col("messages_of_week") + ahead >= WEEKLY_CAP,
        # Of the arm that is first now, and only where nothing else keeps it from being sent.
        CHANNEL_CAP: first_is_full & pl.col("available"),
    }.items():
        capped = (ahead > 0) & reached
        reasons = pl.col("unavailable_reasons")
        more = capped & ~reasons.list.contains(name)
        rows = rows.with_columns(
            available=pl.col("available") & ~capped,
            unavailable_reasons=pl.when(more).then(reasons.list.concat(pl.lit([name]))).otherwise(reasons),
        )
    return rows
