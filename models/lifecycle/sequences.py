"""The last thirty days of people as one column, for candidates that read days and not features."""

import numpy as np
import polars as pl

from habitlake.clock import Interval
from habitlake.lake import scan_table
from habitlake.settings import Settings
from habitlake.tables.people import SEQUENCE_CHANNELS, SEQUENCE_DAYS

KEY = ("batch_date", "user_id")
CHANNELS = tuple(name for name, _ in SEQUENCE_CHANNELS)


def scan_sequences(nights: Interval, settings: Settings) -> pl.LazyFrame:
    """Return gold.user_sequence of the nights: batch_date, user_id and a list of days per channel."""
    return scan_table("gold.user_sequence", settings, nights=nights).select(*KEY, *CHANNELS)


def read_sequences(rows: pl.DataFrame, nights: Interval, settings: Settings) -> pl.DataFrame:
    """Return what ``scan_sequences`` does for the nights and people of the rows alone.

    Parameters
    ----------
    rows
        batch_date, user_id and whatever else; of the nights.
    """
    of_rows = [pl.col(name).is_in(rows[name].unique().implode()) for name in KEY]
    return scan_sequences(nights, settings).filter(of_rows).collect()


def with_sequence(rows: pl.DataFrame, days: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with ``sequence``: 30 days by 10 channels, day after day, as one array; NaN where not reported.

    Null for a person of whom the night holds none: old nights of gold.user_sequence are thinned to one a week.

    Parameters
    ----------
    rows
        batch_date, user_id and whatever else.
    days
        As ``scan_sequences`` reads it.
    """
    found = rows.select(KEY).join(days, on=KEY, how="left", maintain_order="left")
    known = found[CHANNELS[0]].is_not_null()
    values = np.full((rows.height, SEQUENCE_DAYS, len(CHANNELS)), np.nan, dtype=np.float32)
    if known.any():
        for channel, name in enumerate(CHANNELS):
            flat = found[name].drop_nulls().explode().to_numpy()
            values[known.to_numpy(), :, channel] = flat.reshape(-1, SEQUENCE_DAYS)
    width = SEQUENCE_DAYS * len(CHANNELS)
    sequence = pl.Series("sequence", values.reshape(rows.height, width), dtype=pl.Array(pl.Float32, width))
    return rows.with_columns(pl.when(known).then(sequence).alias("sequence"))
