"""A version's predictions, and what they say as JSON per person: weeks, days, what speaks for and against."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.lifecycle.days import NAMES, day_scores, day_values
from models.lifecycle.estimators import Estimator, FloatArray
from models.lifecycle.outcomes import DAYS
from models.lifecycle.spec import ModelSpec

TOP_FACTORS = 5
DECIMALS = 6
# A weekday is one of training where a workout is planned or done on so large a share of its days.
USUAL = 0.5
DAY = "days_ahead"
# As ``days_told`` is read again.
DAYS_TOLD = pl.List(pl.Struct({DAY: pl.Int64, "probability": pl.Float64}))


def rounded(values: FloatArray) -> FloatArray:
    """Return the values as they are stored.

    float32 trees and BLAS differ in the last digits between machines; six decimals are what is promised.
    """
    return np.asarray(np.round(values, DECIMALS))


def predict(spec: ModelSpec, estimator: Estimator, people: pl.DataFrame) -> tuple[FloatArray, FloatArray | None]:
    """Return a model's single number per person, and the probabilities of the seven days, people by days, where it knows any.

    Of such a model the single number is that of the first day.

    Parameters
    ----------
    people
        Features, with ``sequence`` and ``days`` where the version reads them.
    """
    if not spec.days:
        return rounded(estimator.predict(people)), None
    chances = rounded(day_scores(estimator, people))
    return chances[:, 0], chances


def _nulls(people: pl.DataFrame) -> pl.Series:
    return pl.Series([None] * people.height, dtype=pl.String)


def _listed(entries: Sequence[pl.DataFrame]) -> pl.Series:
    """Return per row the list of its entries, a column of JSON each; an entry that is null is left out."""
    together = pl.concat_str(pl.all(), separator=",", ignore_nulls=True)
    return pl.concat(entries, how="horizontal").select(pl.format("[{}]", together)).to_series()


def top_factors(rows: pl.DataFrame, contributions: FloatArray, features: Sequence[str]) -> pl.Series:
    """Return the largest contributions per row as JSON, largest first."""
    parts = contributions[:, : len(features)]
    order = np.argsort(-np.abs(parts), axis=1, kind="stable")[:, :TOP_FACTORS]
    # A factor of many days has no value of its own.
    columns = [pl.col(name).cast(pl.Float64) if name in rows.columns else pl.lit(None, pl.Float64) for name in features]
    values = rows.select(column.alias(name) for name, column in zip(features, columns, strict=True)).to_numpy()
    row = np.arange(len(parts))
    names = np.array(features)
    encoded = [
        pl.DataFrame(
            {
                "feature": names[order[:, rank]],
                "value": np.round(values[row, order[:, rank]], DECIMALS),
                "contribution": np.round(parts[row, order[:, rank]], 4),
            }
        )
        .with_columns(pl.col("value").fill_nan(None))
        .select(pl.struct(pl.all()).struct.json_encode().alias(str(rank)))
        for rank in range(order.shape[1])
    ]
    return _listed(encoded)


def trajectory(estimator: Any, rows: pl.DataFrame) -> pl.Series:
    """Return the amount of each week with its interval as JSON per row; null where the version knows no weeks."""
    weeks = estimator.weekly_amounts(rows) if hasattr(estimator, "weekly_amounts") else []
    if not weeks:
        return _nulls(rows)
    encoded = [
        pl.DataFrame({"value": rounded(value), "low": rounded(low), "high": rounded(high)}).select(
            pl.struct(pl.lit(number).alias("week"), pl.all()).struct.json_encode().alias(str(number))
        )
        for number, (value, (low, high)) in enumerate(
            zip(weeks, estimator.weekly_intervals(weeks), strict=True), start=1
        )
    ]
    return _listed(encoded)


def _of_days(people: pl.DataFrame, values: FloatArray, basis: NDArray[np.str_] | None = None) -> list[pl.DataFrame]:
    """Return per day ahead its date, its value and what that rests on (people by days) as JSON, a column each."""
    return [
        pl.DataFrame(
            {
                "local_date": people["as_of_date"].dt.offset_by(f"{number + 1}d"),
                DAY: np.full(people.height, number + 1),
                "probability": values[:, number],
                **({} if basis is None else {"basis": basis[:, number]}),
            }
        ).select(pl.struct(pl.all()).struct.json_encode().alias(str(number)))
        for number in range(DAYS)
    ]


def days_told(people: pl.DataFrame, chances: FloatArray | None) -> pl.Series:
    """Return the probability of each of the seven days ahead as JSON per person; null without ``chances``.

    Parameters
    ----------
    people
        as_of_date.
    chances
        Probabilities, people by days, as ``predict`` returns them.
    """
    return _nulls(people) if chances is None else _listed(_of_days(people, chances))


def skips_told(people: pl.DataFrame, chances: FloatArray | None) -> pl.Series:
    """Return how likely planned sessions are skipped, and, after the last day with a plan, those of the usual weekdays.

    As JSON per person; null without ``chances``.

    Parameters
    ----------
    people
        as_of_date, ``days``.
    chances
        Probabilities of a session, people by days, as ``predict`` returns them.
    """
    if chances is None:
        return _nulls(people)
    known = dict(zip(NAMES, np.moveaxis(day_values(people), 2, 0), strict=True))
    planned = known["workout_planned"] > 0
    usual = np.fmax(known["weekday_session_rate"], known["weekday_planned_rate"]) >= USUAL
    # Up to the last planned day a person has decided; what comes after is open.
    decided = np.logical_or.accumulate(planned[:, ::-1], axis=1)[:, ::-1]
    wanted = planned | (usual & ~decided)
    entries = _of_days(people, rounded(1 - chances), np.where(planned, "planned", "usual"))
    return _listed(
        [entry.select(pl.when(pl.Series(wanted[:, number])).then(pl.all())) for number, entry in enumerate(entries)]
    )
