"""The last thirty days of a person as sequence models read them, in one column beside the features."""

import numpy as np
import polars as pl

from habitlake.tables.people import SEQUENCE_CHANNELS, SEQUENCE_DAYS

TABLE = "gold.user_sequence"
SEQUENCE = "sequence"
CHANNELS = tuple(name for name, _ in SEQUENCE_CHANNELS)


def packed(sequences: pl.DataFrame) -> pl.DataFrame:
    """Return user_id, batch_date and ``sequence``: 300 numbers, day by day, the oldest first, ten channels each day.

    A channel without a report on a day is NaN.

    Parameters
    ----------
    sequences
        gold.user_sequence rows.
    """
    days = np.empty((sequences.height, SEQUENCE_DAYS, len(CHANNELS)), dtype=np.float32)
    for number, name in enumerate(CHANNELS):
        values = sequences[name].explode().cast(pl.Float32).fill_null(float("nan")).to_numpy()
        days[:, :, number] = values.reshape(sequences.height, SEQUENCE_DAYS)
    column = pl.Series(
        SEQUENCE,
        days.reshape(sequences.height, SEQUENCE_DAYS * len(CHANNELS)),
        dtype=pl.Array(pl.Float32, SEQUENCE_DAYS * len(CHANNELS)),
    )
    return sequences.select("user_id", "batch_date").with_columns(column)


def with_sequences(rows: pl.DataFrame, stored: pl.LazyFrame) -> pl.DataFrame:
    """Return the rows with ``sequence`` as known on each row's night; null where the night's are no longer stored.

    Parameters
    ----------
    stored
        gold.user_sequence.
    """
    nights = rows["batch_date"].unique()
    users = rows["user_id"]
    own = stored.filter(
        pl.col("batch_date").is_in(nights.implode()),
        pl.col("user_id").is_between(pl.lit(users.min()), pl.lit(users.max())),
    ).collect()
    return rows.join(packed(own), on=["user_id", "batch_date"], how="left", maintain_order="left")
