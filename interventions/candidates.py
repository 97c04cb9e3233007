"""What could be sent to each person: one row per person and intervention with a trigger that fired.

Scores and exclusions are computed for those rows alone, so a night's cost follows what fired and not the size of the
library.
"""

import polars as pl

from interventions.catalogue import Catalogue
from interventions.eligibility import chosen_channel, excluded, fired_triggers
from interventions.scoring import score

ROW = "_row"
SCHEMA = {
    ROW: pl.UInt32, "position": pl.UInt16, "intervention": pl.String, "action": pl.String, "trigger": pl.String,
    "channel": pl.String, "score": pl.Float64, "excluded": pl.String,
}  # fmt: skip


def with_triggers(people: pl.DataFrame, catalogue: Catalogue) -> pl.DataFrame:
    """Add ``triggers``, the list of what fired, most urgent first."""
    named = [pl.when(fires).then(pl.lit(name)) for name, fires in fired_triggers(catalogue).items()]
    return people.with_columns(triggers=pl.concat_list(named).list.drop_nulls())


def candidates(people: pl.DataFrame, catalogue: Catalogue) -> pl.DataFrame:
    """Return each person's candidates, in the order of the library.

    Parameters
    ----------
    people
        One row per person, with the row's number in ``_row`` and with ``triggers``.

    Returns
    -------
    pl.DataFrame
        ``_row``, ``position`` in the library, ``intervention``, ``action``, ``trigger`` (the most urgent of the
        intervention's that fired), ``channel``, ``score``, ``excluded`` (why not, or null).
    """
    urgency = [trigger.name for trigger in catalogue.active_triggers]
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
                "trigger": pl.coalesce(by), "channel": chosen_channel(item), "score": score(item),
                "excluded": excluded(item),
            }  # fmt: skip
            fired = lazy.filter(pl.col("triggers").list.set_intersection(list(item.triggers)).list.len() > 0)
            parts.append(fired.select(ROW, **columns).cast(SCHEMA))  # type: ignore[arg-type]
    return pl.concat(parts).collect()


def best(possible: pl.DataFrame) -> pl.DataFrame:
    """Return each person's eligible candidate with the greatest score; ties go to the earlier one in the library."""
    return (
        possible.filter(pl.col("excluded").is_null())
        .sort(ROW, "score", "position", descending=[False, True, False])
        .unique(ROW, keep="first", maintain_order=True)
    )


def listed(possible: pl.DataFrame) -> pl.DataFrame:
    """Return ``_row`` and ``candidates``, the person's candidates as a JSON list."""
    record = pl.struct("intervention", "action", "channel", "score", "trigger", "excluded").struct.json_encode()
    return (
        possible.sort(ROW, "position")
        .select(ROW, record=record)
        .group_by(ROW, maintain_order=True)
        .agg(pl.col("record").str.join(","))
        .select(ROW, candidates=pl.format("[{}]", "record"))
    )
