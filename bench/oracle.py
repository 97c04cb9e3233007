"""What the simulated world itself knew of a label, from its truth (what it could have said on the night: ``forecast``).

Two bounds. The oracle is the probability of the label from the true probability of each day's session, as things were on
the day after whatever the days before brought: no night can know that. The hidden states are those of the as-of date,
as further features of a logistic regression: what a model could do that saw into people.
"""

from collections.abc import Callable
from datetime import timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from habitlake.settings import Settings
from models.adherence.labels import SHARE

DAYS = 7
# States on the as-of date, and the mean true probability of sessions, as it follows from traits that no night sees.
STATES = ("habit", "efficacy", "energy", "stress", "life", "dosage", "load", "injured_days", "dropped")
MEANS = {"true_7d": 7, "true_28d": 28}
HIDDEN = (*(f"true_{name}" for name in STATES), *MEANS)
FloatArray = NDArray[np.float64]


def counts(probability: FloatArray) -> FloatArray:
    """Return the probability of 0 to n sessions on n days, rows by n + 1 (Poisson binomial).

    Parameters
    ----------
    probability
        Rows by days.
    """
    rows, days = probability.shape
    result = np.zeros((rows, days + 1))
    result[:, 0] = 1.0
    for day in range(days):
        own = probability[:, day, None]
        result[:, 1:] = result[:, 1:] * (1 - own) + result[:, :-1] * own
        result[:, :1] *= 1 - own
    return result


def scan_truth(settings: Settings) -> pl.LazyFrame:
    """Return the truth of each person and local date."""
    truth = pl.scan_parquet(f"{settings.truth_dir}/local_date=*/people-*.parquet", hive_partitioning=True)
    return truth.with_columns(pl.col("local_date").cast(pl.Date))


def with_hidden(rows: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """Return the rows with HIDDEN: the true states at the end of the as-of date.

    Parameters
    ----------
    rows
        user_id, as_of_date and whatever else.
    """
    states = (
        scan_truth(settings)
        .sort("user_id", "local_date")
        .select(
            "user_id",
            pl.col("local_date").alias("as_of_date"),
            *(pl.col(name).cast(pl.Float64).alias(f"true_{name}") for name in STATES),
            *(
                pl.col("probability").rolling_mean(days, min_samples=1).over("user_id").alias(n)
                for n, days in MEANS.items()
            ),
        )
    )
    return rows.join(states.collect(), on=["user_id", "as_of_date"], how="left", maintain_order="left")


def true_days(rows: pl.DataFrame, settings: Settings) -> FloatArray:
    """Return the true probability of a session on each of the seven days after the as-of date, rows by days.

    Parameters
    ----------
    rows
        user_id, as_of_date.
    """
    known = scan_truth(settings).select("user_id", "local_date", "probability").collect()
    columns = [
        rows.select("user_id", local_date=pl.col("as_of_date") + timedelta(days=day))
        .join(known, on=["user_id", "local_date"], how="left", maintain_order="left")["probability"]
        .fill_null(0.0)
        for day in range(1, DAYS + 1)
    ]
    return np.column_stack([column.to_numpy() for column in columns])


def adherence(count: FloatArray, rows: pl.DataFrame) -> FloatArray:
    """Return the probability of at least 80 % of the target: the planned sessions, or, where none, the usual week.

    Parameters
    ----------
    count
        As ``counts`` returns it.
    rows
        workouts_planned_1 (planned in the week), sessions_28d.
    """
    usual = pl.max_horizontal((pl.col("sessions_28d") / 4).round(), pl.lit(1.0))
    planned = pl.col("workouts_planned_1")
    target = rows.select(pl.when(planned > 0).then(planned).otherwise(usual)).to_series().to_numpy()
    needed = np.ceil(SHARE * target - 1e-9).astype(np.int64)
    at_least = np.cumsum(count[:, ::-1], axis=1)[:, ::-1]
    # More sessions than days can only be reached by two on a day, which the simulated people do not do.
    return np.asarray(at_least[np.arange(len(needed)), np.minimum(needed, DAYS)] * (needed <= DAYS))


def lapse(count: FloatArray, _: pl.DataFrame) -> FloatArray:
    """Return the probability of no session at all."""
    return count[:, 0]


ORACLES: dict[str, Callable[[FloatArray, pl.DataFrame], FloatArray]] = {"adherence": adherence, "lapse_7d": lapse}
