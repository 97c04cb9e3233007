"""Job: what sending does, as learned up to each night, into gold.response_state.

    python -m interventions.response --start 2026-03-01 --end 2026-03-07

Reads gold.decisions, silver.intervention_events, gold.user_day and the state of the night before; replaces each night of
gold.response_state. The state is a sum: yesterday's and what the night closes. Nights that were left out are made up for,
each as known on its own end, so the state is that of a straight run from the first one stored.
"""

from datetime import date, timedelta

import polars as pl

from habitlake.clock import Interval
from habitlake.job import JobContext, Summary
from habitlake.lake import replace_nights
from interventions.catalogue import Catalogue, catalogue
from interventions.reading import Reader, View
from interventions.response.attribution import attributed
from interventions.response.effects import expectations
from interventions.response.model import COUNTS, GROUP, SUMS, added, beliefs, contribution, nothing

STATE = View("gold.response_state")


def stored_sums(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the sums of products that a partition of the table holds, as of ``model.contribution``."""
    learned = rows.filter((pl.col("level") == "intervention") & (pl.col("decisions") > 0))
    fields = [pl.col("sums").list.get(number).alias(name) for number, name in enumerate(SUMS)]
    return learned.select(*GROUP, *COUNTS, *fields).sort(GROUP)


def state_rows(sums: pl.DataFrame, night: date, library: Catalogue) -> pl.DataFrame:
    """Return a night's rows of gold.response_state; counts of types and of all are those of their interventions."""
    known = beliefs(sums, expectations(library))
    leaves = sums.select(*GROUP, *COUNTS, sums=pl.concat_list(SUMS)).with_columns(level=pl.lit("intervention"))
    by_action = sums.group_by("action").agg(pl.col(COUNTS).sum()).with_columns(level=pl.lit("action"))
    overall = sums.select(pl.col(COUNTS).sum()).with_columns(level=pl.lit("overall"))
    counted = pl.concat([leaves, by_action, overall], how="diagonal_relaxed")
    return (
        known.join(counted, on=["level", *GROUP], how="left", nulls_equal=True, maintain_order="left")
        .with_columns(pl.col(COUNTS).fill_null(0), pl.lit(night).alias("batch_date"))
        .with_columns(name=pl.coalesce("intervention", "action", "level"))
    )


def sums_before(night: date, reader: Reader) -> tuple[pl.DataFrame, date]:
    """Return the newest sums stored before a night, and the first night that is not in them."""
    before = [stored for stored in reader.nights(STATE.table) if stored < night]
    if not before:
        return nothing(), night
    return stored_sums(reader.rows(STATE, before[-1])), before[-1] + timedelta(days=1)


def learn_night(night: date, reader: Reader, library: Catalogue) -> pl.DataFrame:
    """Write the night's state and return its rows: what ``decide`` believes."""
    sums, first = sums_before(night, reader)
    for missing in Interval(first, night).nights():
        rows = attributed(missing, reader)
        if rows is not None:
            sums = added(sums, contribution(rows))
    state = state_rows(sums, night, library)
    replace_nights(state.to_arrow(), STATE.table, Interval(night, night), reader.settings)
    return state


def run(context: JobContext) -> Summary:
    """Learn every night of the interval, one after the other: each rests on the night before."""
    reader, decisions = Reader(context.settings, context.interval.end), 0
    for night in context.interval.nights():
        state = learn_night(night, reader, catalogue())
        decisions = state.filter(pl.col("level") == "overall")["decisions"].item()
    return {"learned_from": decisions}
