"""The last thirty complete local days of every person, channel by channel: what sequence models read.

Placing days into arrays is no grouping: each ledger entry is added at (person, day) of a dense matrix, which NumPy does
at the speed of memory. In Spark the same took a group per day, a collected list, and interpreted lookups by day.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from habitlake.clock import Interval
from habitlake.lake import arrow_schema, count_rows, replace_nights_stream, scan_table
from habitlake.settings import Settings
from habitlake.tables import get_table
from habitlake.tables.people import SEQUENCE_CHANNELS, SEQUENCE_DAYS
from spark_jobs.features.as_known import PLAN_DAYS, look_back_start, passes

TABLE = "gold.user_sequence"
LEDGER = "gold.user_day"
PEOPLE_PER_CHUNK = 100_000
Sums = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Channel:
    """How a channel follows from the sums of a day: value / scale, per report if it is a mean.

    A channel with ``reports`` is null on days without any; one without is 0 there.
    """

    value: str
    scale: float = 1.0
    reports: str | None = None
    is_mean: bool = True
    most: float | None = None


CHANNELS = {
    "sessions": Channel("workouts_completed"),
    "completion_rate": Channel("completion_permille", 1000.0, "completion_count"),
    "load": Channel("load_au", 1000.0),
    "planned": Channel("workouts_planned"),
    "skipped": Channel("workouts_skipped"),
    # Two sleeps of a day add up; two reports of a level do not.
    "sleep_hours": Channel("sleep_s", 3600.0, "sleep_count", is_mean=False),
    "stress": Channel("stress_permille", 1000.0, "stress_count"),
    "energy": Channel("energy_permille", 1000.0, "energy_count"),
    "app_minutes": Channel("screen_s", 60.0),
    "observed": Channel("events", most=1.0),
}
MEASURES = tuple(dict.fromkeys(name for c in CHANNELS.values() for name in (c.value, c.reports) if name))


def placed_entries(people: pl.DataFrame, entries: pl.LazyFrame, night: date) -> pl.DataFrame:
    """Return what the night knows of the days of its people: person, age (the as-of date is 0) and MEASURES.

    Parameters
    ----------
    people
        The night's people: person (their number), user_id, as_of_date.
    entries
        Entries of gold.user_day: batch_date, user_id, local_date and MEASURES. Those of later batches, of other people
        and of other days are left out.
    """
    return (
        entries.filter(pl.col("batch_date") <= night)
        .join(people.lazy().select("person", "user_id", "as_of_date"), on="user_id")
        .with_columns(age=(pl.col("as_of_date") - pl.col("local_date")).dt.total_days())
        .filter(pl.col("age").is_between(0, SEQUENCE_DAYS - 1))
        .select("person", pl.col("age").cast(pl.UInt8), *MEASURES)
        .collect(engine="streaming")
    )


def sequences(people: pl.DataFrame, placed: pl.DataFrame, night: date) -> pa.Table:
    """Return gold.user_sequence of some of a night's people, whose numbers follow one another.

    Parameters
    ----------
    people
        person, user_id, as_of_date.
    placed
        Their days, as ``placed_entries`` returns them.
    """
    row = placed["person"].to_numpy().astype(np.int64) - people["person"][0]
    cell = row * SEQUENCE_DAYS + (SEQUENCE_DAYS - 1 - placed["age"].to_numpy().astype(np.int64))
    size = people.height * SEQUENCE_DAYS

    def of_days(measure: str) -> Sums:
        # Sums of whole numbers below 2**53 are exact in doubles, in any order.
        return np.bincount(cell, weights=placed[measure].to_numpy(), minlength=size).astype(np.float64, copy=False)

    columns = [
        pa.repeat(pa.scalar(night, pa.date32()), people.height),
        people["user_id"].to_arrow(),
        people["as_of_date"].to_arrow(),
    ]
    offsets = pa.array(np.arange(0, size + 1, SEQUENCE_DAYS, dtype=np.int32))
    for name, _ in SEQUENCE_CHANNELS:
        channel = CHANNELS[name]
        values, missing = of_days(channel.value) / channel.scale, None
        if channel.reports is not None:
            reports = of_days(channel.reports)
            missing = reports == 0
            if channel.is_mean:
                values /= np.maximum(reports, 1)
        if channel.most is not None:
            values = np.minimum(values, channel.most)
        columns.append(pa.ListArray.from_arrays(offsets, pa.array(values.astype(np.float32), mask=missing)))
    names = list(get_table(TABLE).column_names)
    return pa.table(columns, names=names).cast(arrow_schema(get_table(TABLE)))


def _chunks(people: pl.DataFrame, entries: pl.LazyFrame, nights: Interval) -> Iterator[pa.Table]:
    """Yield the nights' rows, so many people at a time that a large night fits in memory."""
    for night in nights.nights():
        of_night = people.filter(pl.col("batch_date") == night).sort("user_id").with_row_index("person")
        placed = placed_entries(of_night, entries, night)
        for some in of_night.iter_slices(PEOPLE_PER_CHUNK):
            own = pl.col("person").is_between(some["person"][0], some["person"][-1])
            yield sequences(some, placed.filter(own), night)


def build_user_sequences(interval: Interval, settings: Settings) -> None:
    """Write gold.user_sequence of the nights for the people of gold.user_features, with their as-of dates."""
    # Plans arrive ahead of their day, everything else on it or later.
    days = SEQUENCE_DAYS + PLAN_DAYS
    size = count_rows(LEDGER, settings, Interval(look_back_start(interval.start, days), interval.end))
    for nights in passes(interval, size):
        people = scan_table("gold.user_features", settings, nights=nights)
        ledger = scan_table(LEDGER, settings, nights=Interval(look_back_start(nights.start, days), nights.end))
        entries = ledger.filter(pl.col("local_date") >= look_back_start(nights.start, SEQUENCE_DAYS)).select(
            "batch_date", "user_id", "local_date", *MEASURES
        )
        chunks = partial(
            _chunks,
            people.select("batch_date", "user_id", "as_of_date").collect(),
            # Every night of a range looks back to much of the same, which is opened once.
            entries if len(nights) == 1 else entries.collect().lazy(),
            nights,
        )
        replace_nights_stream(chunks, TABLE, nights, settings)
