"""An amount week by week, with intervals that people held out have calibrated.

Rows of the people on whom a model was fitted lie nearer to it than those of others, so intervals from its own residuals
hold too little. Here people are dealt into parts; what a model of the other parts says of a part tells by how much its
ends have to move, among like predictions, for a tenth of the amounts to lie beyond each (split conformal prediction,
Lei et al. 2018, crossed over parts; quantiles as in Romano et al. 2019).
"""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.lifecycle.amounts import PENALTY, QUANTILES, Amount, amounts
from models.lifecycle.estimators import Estimator, FloatArray, in_deviations, matrix, standardised
from models.lifecycle.spec import WEEK_COLUMNS

PARTS = 3
BINS = 10
# Fewer people than this behind an end of a bin say nothing of a tenth.
BIN_PEOPLE = 30


def end(gaps: FloatArray, people: NDArray[np.int64]) -> float:
    """Return what covers the gaps of nine in ten: a quantile in which each person counts once.

    Parameters
    ----------
    gaps
        By how much each amount lies beyond an end; below 0 where it lies inside.
    people
        Whose row it is.
    """
    order = np.argsort(gaps, kind="stable")
    _, which, rows = np.unique(people[order], return_inverse=True, return_counts=True)
    share = np.cumsum(1 / rows[which]) / len(rows)
    # One row more, the one to predict, could lie anywhere: the finite-sample correction. By people it held too much.
    level = min(QUANTILES[-1] * (1 + 1 / len(gaps)), 1.0)
    return float(gaps[order][min(int(np.searchsorted(share, level - 1e-12)), len(gaps) - 1)])


@dataclass(slots=True)
class Ends:
    """By how much the ends of an interval move, per part of like predictions."""

    edges: FloatArray
    below: FloatArray
    above: FloatArray

    @classmethod
    def calibrated(
        cls, predicted: FloatArray, low: FloatArray, high: FloatArray, label: FloatArray, people: NDArray[np.int64]
    ) -> "Ends":
        """Return the ends that hold the labels of people who were held out."""
        bins = int(np.clip(len(np.unique(people)) // BIN_PEOPLE, 1, BINS))
        parts = [part for part in np.array_split(np.argsort(predicted, kind="stable"), bins) if len(part)]
        return cls(
            np.array([predicted[part].max() for part in parts]),
            np.array([end((low - label)[part], people[part]) for part in parts]),
            np.array([end((label - high)[part], people[part]) for part in parts]),
        )

    def moved(self, predicted: FloatArray, low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the interval around the predictions; an amount is never below 0."""
        part = np.minimum(np.searchsorted(self.edges, predicted), len(self.edges) - 1)
        lower, upper = np.maximum(low - self.below[part], 0), np.maximum(high + self.above[part], 0)
        return np.minimum(lower, predicted), np.maximum(upper, predicted)


@dataclass(slots=True)
class Trajectory:
    """A model of a mean amount, and how each week departs from that mean; each with its 80 % interval.

    A week's departure is a ridge regression on the same features, so the weeks are about the mean that is explained.
    """

    features: tuple[str, ...]
    kind: str
    base: Amount
    weeks: tuple[str, ...] = ()
    median: FloatArray = field(default_factory=lambda: np.empty(0))
    mean: FloatArray = field(default_factory=lambda: np.empty(0))
    scale: FloatArray = field(default_factory=lambda: np.empty(0))
    slopes: FloatArray = field(default_factory=lambda: np.empty((0, 0)))
    intercepts: FloatArray = field(default_factory=lambda: np.empty(0))
    ends: list[Ends] = field(default_factory=list)

    def fit(self, rows: pl.DataFrame) -> "Trajectory":
        """Fit on rows with user_id, a label and, for the weeks, their own amounts (null where one is not known)."""
        people = rows["user_id"].rank("dense").to_numpy().astype(np.int64)
        part = people % PARTS
        held_out = np.empty((3 + len(self.weeks), rows.height))
        for number in range(PARTS):
            inside = part == number
            if not inside.any():
                continue
            fitted = deepcopy(self).fit_once(rows.filter(~inside))
            rest = rows.filter(inside)
            held_out[:, inside] = [
                fitted.predict(rest),
                *fitted.base.interval(rest),
                *fitted.weekly_amounts(rest),
            ]
        predicted, low, high = held_out[:3]
        self.ends = [Ends.calibrated(predicted, low, high, rows["label"].to_numpy(), people)]
        for name, amount in zip(self.weeks, held_out[3:], strict=True):
            known = rows[name].is_not_null().to_numpy()
            label = rows[name].fill_null(0).to_numpy()[known]
            own = amount[known]
            self.ends.append(Ends.calibrated(own, own, own, label, people[known]))
        return self.fit_once(rows)

    def fit_once(self, rows: pl.DataFrame) -> "Trajectory":
        """Fit without calibrating the intervals."""
        from sklearn.linear_model import Ridge as Model

        self.base.fit(rows)
        values, self.median, self.mean, self.scale = standardised(matrix(rows, self.features))
        slopes, intercepts = [], []
        for name in self.weeks:
            known = rows[name].is_not_null().to_numpy()
            departure = (rows[name] - rows["label"]).drop_nulls().to_numpy()
            model = Model(alpha=PENALTY).fit(values[known], departure)
            slopes.append(model.coef_)
            intercepts.append(float(model.intercept_))
        self.slopes, self.intercepts = np.array(slopes), np.array(intercepts)
        return self

    def predict(self, rows: pl.DataFrame) -> FloatArray:
        """Return the expected mean amount."""
        return self.base.predict(rows)

    def contributions(self, rows: pl.DataFrame) -> FloatArray:
        """Return each feature's addend to the mean amount, with the rest as the last column."""
        return self.base.contributions(rows)

    def interval(self, rows: pl.DataFrame) -> tuple[FloatArray, FloatArray]:
        """Return the ends of the 80 % interval of the mean amount."""
        return self.ends[0].moved(self.predict(rows), *self.base.interval(rows))

    def weekly_amounts(self, rows: pl.DataFrame) -> list[FloatArray]:
        """Return the expected amount of each week."""
        mean = self.predict(rows)
        values = in_deviations(matrix(rows, self.features), self.median, self.mean, self.scale)
        return [
            np.maximum(mean + values @ slope + intercept, 0)
            for slope, intercept in zip(self.slopes, self.intercepts, strict=True)
        ]

    def weekly_intervals(self, weeks: Sequence[FloatArray]) -> list[tuple[FloatArray, FloatArray]]:
        """Return the ends of the 80 % interval around the amount of each week."""
        return [ends.moved(amount, amount, amount) for ends, amount in zip(self.ends[1:], weeks, strict=True)]


def trajectories(features: tuple[str, ...]) -> dict[str, Estimator]:
    """Return the unfitted candidates of a model of a weekly amount, by name."""
    return {name: Trajectory(features, name, base, WEEK_COLUMNS) for name, base in amounts(features).items()}
