"""At which hour of the local day to write to a person: where they opened most, shrunk to what everybody does.

A message sent in a part of the day is opened or not. A person's share of each part is that of a beta-binomial model whose
prior is everybody's share there, worth ``PRIOR_MESSAGES``; the part with the greatest one wins. Who was sent fewer than
``LEAST_MESSAGES`` has no learned hour, and is written to at the preferred time.
"""

from datetime import date

import polars as pl

from interventions.reading import Reader, View

NIGHTS = 56
MESSAGES = View(
    "silver.intervention_events",
    ("user_id", "event_type", "event_at", "event_offset_s", "response_time_s"),
    where=pl.col("event_type").is_in(["intervention_delivered", "intervention_opened"]),
    nights=NIGHTS,
)
LEAST_MESSAGES = 5
PRIOR_MESSAGES = 20.0
# Start of each part and the hour at which it is written; the first reaches back to midnight, the last to the next one.
PARTS = ((0.0, 8.5), (10.0, 11.5), (13.5, 15.0), (16.5, 17.5), (19.0, 20.0))


def sent_hour() -> pl.Expr:
    """Return the local hour at which the message of an answer was delivered, 0 to 24."""
    seconds = pl.col("event_at").dt.epoch("s") + pl.col("event_offset_s").fill_null(0)
    return (seconds - pl.col("response_time_s").fill_null(0.0)) % 86_400 / 3_600


def part_of_day() -> pl.Expr:
    """Return the hour that stands for the part of the day in which the message was delivered."""
    hour = pl.lit(PARTS[0][1])
    for start, written in PARTS[1:]:
        hour = pl.when(sent_hour() >= start).then(written).otherwise(hour)
    return hour


def read_messages(night: date, reader: Reader) -> pl.DataFrame:
    """Return per person and part of the day (``hour``) the messages ``delivered`` and ``opened`` of the last nights."""
    kind = pl.col("event_type")
    return (
        reader.rows(MESSAGES, night)
        .group_by("user_id", hour=part_of_day())
        .agg(delivered=(kind == "intervention_delivered").sum(), opened=(kind == "intervention_opened").sum())
    )


def learned_hours(messages: pl.DataFrame) -> pl.DataFrame:
    """Return ``user_id`` and ``learned_hour`` of who was sent enough messages to tell, by user.

    A part in which the person was sent nothing counts as everybody's, so it is tried where theirs do worse.
    """
    everybody = messages.group_by("hour").agg(
        usual=(pl.col("opened").sum() + 1) / (pl.max_horizontal(pl.col("delivered").sum(), pl.col("opened").sum()) + 2)
    )
    told = messages.group_by("user_id").agg(pl.col("delivered").sum()).filter(pl.col("delivered") >= LEAST_MESSAGES)
    trials = pl.max_horizontal("delivered", "opened").fill_null(0)
    return (
        told.select("user_id")
        .join(everybody, how="cross")
        .join(messages, on=["user_id", "hour"], how="left")
        .with_columns(
            share=(pl.col("opened").fill_null(0) + PRIOR_MESSAGES * pl.col("usual")) / (trials + PRIOR_MESSAGES)
        )
        .sort("user_id", "share", "hour", descending=[False, True, False])
        .unique("user_id", keep="first", maintain_order=True)
        .select("user_id", learned_hour="hour")
    )
