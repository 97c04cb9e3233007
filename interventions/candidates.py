"""What could be sent to each person: one row per person and intervention with a trigger that fired.

Scores and exclusions are computed for those rows alone, so a night's cost follows what fired and not the size of the
library.
"""

import polars as pl

from interventions.catalogue import Catalogue
from interventions.eligibility import COOL_DOWN, chosen_channel, excluded, fired_triggers
from interventions.scoring import score
from interventions.values import with_derived

ROW = "_row"
SCHEMA = {
    ROW: pl.UInt32, "position": pl.UInt16, "intervention": pl.String, "action": pl.String, "trigger": pl.String,
    "channel": pl.String, "score": pl.Float64, "excluded": pl.String,
}  # fmt: skip


def with_triggers(people: pl.DataFrame, catalogue: Catalogue) -> pl.DataFrame:
    """Add the derived values, and ``triggers``: the list of what fired, most urgent first."""
    people = with_derived(people)
    named = [pl.when(fires).then(pl.lit(name)) for name, fires in fired_triggers(catalogue).items()]
    return people.with_columns(triggers=pl.concat_list(named).list.drop_nulls())


def candidates(people: pl.DataFrame, catalogue: Catalogue) -> pl.DataFrame:
    """Return each person's candidates, in the order of the library.

    Parameters
    ----------
    people
        One row per person, with the row's number in ``_row``, ``first_decision_date``, ``triggers`` and how full the
        channels are (``caps.with_channel_weeks``).

    Returns
    -------
    pl.DataFrame
        ``_row``, ``position`` in the library, ``intervention``, ``action``, ``trigger`` (the most urgent of the
        intervention's that fired), ``channel``, ``score``, ``excluded`` (why not, or null).
    """
    present = set(people["triggers"].explode().unique())
    urgency = [trigger.name for trigger in catalogue.active_triggers if trigger.name in present]
    lazy = people.lazy()
    parts = [pl.LazyFrame(schema=SCHEMA)]
    for position, item in enumerate(catalogue.interventions):
        by = [
            pl.when(pl.col("triggers").list.contains(name)).then(pl.lit(name))
            for name in urgency
            if name in item.triggers
        ]
        if by:
            columns = {
                "position": pl.lit(position), "intervention": pl.lit(item.name), "action": pl.lit(item.action),
                "trigger": pl.coalesce(by), "channel": chosen_channel(item, catalogue.caps), "score": score(item),
                "excluded": excluded(item, catalogue.guards, catalogue.caps),
            }  # fmt: skip
            fired = lazy.filter(pl.col("triggers").list.set_intersection(list(item.triggers)).list.len() > 0)
            parts.append(fired.select(ROW, **columns).cast(SCHEMA))  # type: ignore[arg-type]
    return _cooled_down(pl.concat(parts).collect(), people, catalogue)


def _cooled_down(possible: pl.DataFrame, people: pl.DataFrame, catalogue: Catalogue) -> pl.DataFrame:
    """Exclude what was sent to the person within its cool-down; other reasons stay."""
    sent = people.select(ROW, "first_decision_date", "sent_before").explode("sent_before").unnest("sent_before")
    days = {item.name: item.cool_down_days for item in catalogue.interventions}
    # A name that has left the library cools nothing down.
    last_days = pl.col("intervention").replace_strict(days, default=0, return_dtype=pl.Int64)
    since = (pl.col("first_decision_date") - pl.col("local_date")).dt.total_days()
    hot = sent.filter(since < last_days).select(ROW, "intervention", cooling=pl.lit(COOL_DOWN))
    return (
        possible.join(hot.unique(), on=[ROW, "intervention"], how="left", maintain_order="left")
        .with_columns(pl.coalesce("excluded", "cooling"))
        .drop("cooling")
    )


def listed(possible: pl.DataFrame, arms: pl.DataFrame) -> pl.DataFrame:
    """Return ``_row`` and ``candidates``, the person's candidates as a JSON list in the order of the library.

    Parameters
    ----------
    possible
        Candidates with ``effect`` and ``effect_sd``.
    arms
        As of ``interventions.arms.offered``: who is no arm has probability null.
    """
    drawn = arms.lazy().select(ROW, intervention="arms", probability="arm_probabilities")
    drawn = drawn.explode("intervention", "probability")
    record = pl.struct(
        "intervention", "action", "channel", "score", "effect", "effect_sd", "probability", "trigger", "excluded"
    ).struct.json_encode()
    # Rows come in the order of the library, and a group keeps it.
    joined = possible.lazy().join(drawn, on=[ROW, "intervention"], how="left", maintain_order="left")
    joined = joined.select(ROW, record=record).group_by(ROW).agg(pl.col("record").str.join(","))
    return joined.select(ROW, candidates=pl.format("[{}]", "record")).collect()
