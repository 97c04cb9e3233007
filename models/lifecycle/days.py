"""The seven local days after the as-of date, for models whose rows are days: what a night knows of each of them.

A row is a person, a night and a day ahead. Beside the person's features of the night it holds ``DAY_FEATURES``: what the
last thirty days (gold.user_sequence) and the plans known on the night (gold.user_day) say of that day. A person's seven
days travel as one column, ``days``, until they are rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from habitlake.clock import Interval
from habitlake.lake import scan_table
from habitlake.settings import Settings
from habitlake.tables import DAY_FEATURES
from habitlake.tables.people import SEQUENCE_DAYS
from models.lifecycle.estimators import Estimator, FloatArray, Logistic, matrix
from models.lifecycle.outcomes import DAYS, WEEK_DAYS

KEY = ("batch_date", "user_id")
NAMES = tuple(DAY_FEATURES)
CHANNELS = ("sessions", "planned", "observed")
# A weekday's share counts as much as so many days at the person's own share.
PRIOR_DAYS = 2
# Plans arrive up to so many nights before their day, as gold.user_features takes it, too.
PLAN_NIGHTS = 60
# Rows that a model is trained and judged on; people beyond are left out evenly.
MOST_ROWS = 300_000
WIDTH = DAYS * len(NAMES)
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Known:
    """What nights know of coming days: the last thirty days as they are stored, and the plans.

    ``recent`` has batch_date, user_id and CHANNELS (a list of thirty days each), ``plans`` a row per day ahead for which a
    workout is known to be planned: batch_date, user_id, local_date.
    """

    recent: pl.LazyFrame
    plans: pl.DataFrame


def read_known(nights: Sequence[date], settings: Settings, users: pl.Series | None = None) -> Known:
    """Return what the nights know of the days ahead of some people, or of everybody."""
    between = Interval(min(nights), max(nights))
    recent = scan_table("gold.user_sequence", settings, nights=between).select(*KEY, *CHANNELS)
    return Known(recent, read_plans(nights, settings, users))


def read_plans(nights: Sequence[date], settings: Settings, users: pl.Series | None = None) -> pl.DataFrame:
    """Return batch_date, user_id and local_date of days ahead with a workout planned, as known on each of the nights.

    Parameters
    ----------
    users
        People who are asked about; everybody where it is None.
    """
    first, last = min(nights), max(nights)
    entries = (
        scan_table("gold.user_day", settings, Interval(first - timedelta(days=PLAN_NIGHTS), last))
        .filter(pl.col("local_date") >= first, pl.col("local_date") >= pl.col("batch_date"))
        .filter(pl.col("workouts_planned") != 0)
        .filter(True if users is None else pl.col("user_id").is_in(users.unique().implode()))
        .select("batch_date", "user_id", "local_date", "workouts_planned")
        .collect()
    )
    # The day after an as-of date is the night's date or the one after it, whatever the zone.
    known = [
        entries.filter(
            pl.col("batch_date") <= night, pl.col("local_date").is_between(night, night + timedelta(days=DAYS))
        )
        .group_by("user_id", "local_date")
        .agg(pl.col("workouts_planned").sum())
        .filter(pl.col("workouts_planned") > 0)
        .select(pl.lit(night).alias("batch_date"), "user_id", "local_date")
        for night in nights
    ]
    return pl.concat(known)


def _flags(lists: pl.Series) -> Flags:
    """Return lists of thirty numbers as flags (people, days): above 0; a person without a list has none."""
    known = lists.is_not_null().to_numpy()
    flags = np.zeros((len(lists), SEQUENCE_DAYS), dtype=np.bool_)
    flags[known] = lists.drop_nulls().explode().to_numpy().reshape(-1, SEQUENCE_DAYS) > 0
    return flags


def _share(happened: Flags, counted: Flags) -> FloatArray:
    """Return per person the share of the counted days on which it happened; NaN where no day counts."""
    days = counted.sum(axis=1)
    return np.divide(happened.sum(axis=1), days, out=np.full(len(days), np.nan), where=days > 0)


def day_features(sessions: Flags, planned: Flags, observed: Flags, planned_ahead: Flags) -> FloatArray:
    """Return DAY_FEATURES of the seven days ahead: people by days by features; NaN where nothing is known.

    Parameters
    ----------
    sessions, planned, observed
        People by thirty days, the as-of date last.
    planned_ahead
        People by the seven days ahead.
    """
    seen = observed | sessions
    counted = {"weekday_session_rate": (sessions, seen), "weekday_planned_rate": (planned, seen | planned)}
    found = np.empty((len(sessions), DAYS, len(NAMES)))
    for ahead in range(1, DAYS + 1):
        # The same weekday in the weeks before: the seventh day ahead is the as-of date's own.
        same = np.arange(SEQUENCE_DAYS - 1 - WEEK_DAYS + ahead, -1, -WEEK_DAYS)
        values = {
            "days_ahead": np.full(len(sessions), ahead),
            "workout_planned": planned_ahead[:, ahead - 1],
            "session_week_before": np.where(seen.any(axis=1), sessions[:, same[0]], np.nan),
            **{
                name: (happened[:, same].sum(axis=1) + PRIOR_DAYS * _share(happened, days))
                / (days[:, same].sum(axis=1) + PRIOR_DAYS)
                for name, (happened, days) in counted.items()
            },
        }
        found[:, ahead - 1] = np.column_stack([values[name] for name in NAMES])
    return found


def with_days(rows: pl.DataFrame, known: Known) -> pl.DataFrame:
    """Return the rows with ``days``: DAY_FEATURES of the seven days ahead, day after day, as one array.

    Parameters
    ----------
    rows
        batch_date, user_id, as_of_date and whatever else.
    """
    users = rows["user_id"].unique()
    # By the bounds whole parts of a file are left out, by the names the rest.
    own = known.recent.filter(
        pl.col("batch_date").is_in(rows["batch_date"].unique().implode()),
        pl.col("user_id").is_between(pl.lit(users.min()), pl.lit(users.max())),
        pl.col("user_id").is_in(users.implode()),
    )
    found = rows.select(KEY).join(own.collect(), on=KEY, how="left", maintain_order="left")
    ahead = (pl.col("local_date") - pl.col("as_of_date")).dt.total_days()
    plans = (
        rows.select(*KEY, "as_of_date")
        .with_row_index("row")
        .join(known.plans, on=KEY)
        .with_columns(ahead=ahead)
        .filter(pl.col("ahead").is_between(1, DAYS))
    )
    planned_ahead = np.zeros((rows.height, DAYS), dtype=np.bool_)
    planned_ahead[plans["row"].to_numpy(), plans["ahead"].to_numpy() - 1] = True
    sessions, planned, observed = (_flags(found[name]) for name in CHANNELS)
    values = day_features(sessions, planned, observed, planned_ahead)
    days = pl.Series("days", values.reshape(rows.height, WIDTH).astype(np.float32), dtype=pl.Array(pl.Float32, WIDTH))
    return rows.with_columns(days)


def day_values(rows: pl.DataFrame) -> FloatArray:
    """Return what ``with_days`` added: people by days by DAY_FEATURES."""
    return rows["days"].to_numpy().reshape(rows.height, DAYS, len(NAMES)).astype(np.float64)


def of_day(rows: pl.DataFrame, ahead: int) -> pl.DataFrame:
    """Return the rows as those of one day ahead: with DAY_FEATURES of it as columns, in place of ``days``."""
    values = day_values(rows)[:, ahead - 1]
    return rows.drop("days").with_columns(pl.Series(name, values[:, number]) for number, name in enumerate(NAMES))


def day_rows(rows: pl.DataFrame, labels: Sequence[str]) -> pl.DataFrame:
    """Return a row per day ahead whose label is known, and of whose weekday anything is.

    Parameters
    ----------
    rows
        user_id, ``days``, the labels, and whatever else a row needs.
    labels
        Columns that hold the label of each day ahead; in their place the result has ``value``.
    """
    users = rows["user_id"].unique().sort()
    if rows.height * DAYS > MOST_ROWS:
        users = users.gather_every(-(-rows.height * DAYS // MOST_ROWS))
    some = rows.filter(pl.col("user_id").is_in(users.implode()))
    return pl.concat(
        of_day(some.filter(pl.col(label).is_not_null()), ahead).rename({label: "value"}).drop(labels, strict=False)
        for ahead, label in enumerate(labels, start=1)
    ).filter(pl.col("weekday_session_rate").is_not_nan())


def day_scores(estimator: Estimator, people: pl.DataFrame) -> FloatArray:
    """Return the probability of each of the seven days ahead, people by days.

    An additive model's part of the person is the same on every day, so it is worked out once; any other model is asked a
    day at a time, so that no more rows than people are held.

    Parameters
    ----------
    people
        Features and ``days``.
    """
    if isinstance(estimator, Logistic):
        features = tuple(name for name in estimator.features if name not in NAMES)
        own = estimator.added(matrix(people, features), features)
        of_days = estimator.added(day_values(people).reshape(-1, len(NAMES)), NAMES).reshape(-1, DAYS)
        return np.asarray(1 / (1 + np.exp(-(own[:, None] + of_days + estimator.intercept))))
    return np.column_stack([estimator.predict(of_day(people, ahead)) for ahead in range(1, DAYS + 1)])
