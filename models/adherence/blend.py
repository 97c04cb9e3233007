"""Blends of several models: the founding document's 0.6 LSTM + 0.4 SVR, and a stacked one.

What a blend learns about its members it learns from people whom they have not seen: the training people are cut in two,
and each half is scored by members fitted on the other. Halves of people and not of weeks, because labels of
neighbouring nights share days, and few weeks would be left.
"""

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from models.adherence.factors import ALL, FACTORS, Present, logit, parts_of_people, platt, shapley, sigmoid
from models.adherence.lstm import Lstm
from models.adherence.svr import Svr
from models.lifecycle.estimators import Estimator, FloatArray, logistic_and_trees

LSTM_SHARE = 0.6
FOLDS = 2
# The regression is unbounded; the mixture of both is clipped to this far from 0 and 1.
EDGE = 0.001


@dataclass(frozen=True, slots=True)
class Members:
    """The four models that blends are made of, fitted on the same rows."""

    logistic: Estimator
    boosted: Estimator
    lstm: Lstm
    svr: Svr

    def all(self) -> tuple[Estimator, ...]:
        """Return the members in the order of the stacked blend's weights."""
        return (self.logistic, self.boosted, self.lstm, self.svr)

    def log_odds(self, rows: pl.DataFrame) -> FloatArray:
        """Return each member's log-odds: rows by members."""
        return np.column_stack([logit(member.predict(rows)) for member in self.all()])

    def mixture(self, rows: pl.DataFrame, present: Present = ALL) -> FloatArray:
        """Return the log-odds of 0.6 times the network's probability and 0.4 times the regression's value, clipped."""
        network, regression = sigmoid(self.lstm.log_odds(rows, present)), self.svr.value(rows, present)
        return logit(np.clip(LSTM_SHARE * network + (1 - LSTM_SHARE) * regression, EDGE, 1 - EDGE))


def fit_members(rows: pl.DataFrame, inputs: tuple[str, ...]) -> Members:
    """Return the members, fitted on rows with a label."""
    logistic, boosted = (estimator.fit(rows) for estimator in logistic_and_trees(inputs).values())
    return Members(logistic, boosted, Lstm().fit(rows), Svr(inputs).fit(rows))


@dataclass(slots=True)
class Fitting:
    """The members of a run's blends, fitted once for a frame however many blends ask.

    ``log_odds`` (a column per member) and ``mixture`` are those of people whom the member had not seen.
    """

    inputs: tuple[str, ...]
    members: Members | None = None
    log_odds: FloatArray = field(default_factory=lambda: np.empty((0, 0)))
    mixture: FloatArray = field(default_factory=lambda: np.empty(0))
    rows: pl.DataFrame | None = None

    def fit(self, rows: pl.DataFrame) -> Members:
        """Return the members fitted on all rows; their scores out of fold stand in the fields."""
        if self.members is not None and self.rows is rows:
            return self.members
        part = parts_of_people(rows, FOLDS)
        order, scores = [], []
        for fold in range(FOLDS):
            own = part == fold
            apart = rows.filter(own)
            members = fit_members(rows.filter(~own), self.inputs)
            order.append(np.flatnonzero(own))
            scores.append(np.column_stack([members.log_odds(apart), members.mixture(apart)]))
        held_out = np.concatenate(scores)[np.argsort(np.concatenate(order))]
        self.log_odds, self.mixture = held_out[:, :-1], held_out[:, -1]
        self.members, self.rows = fit_members(rows, self.inputs), rows
        return self.members


@dataclass
class Blend:
    """0.6 LSTM + 0.4 SVR, clipped and scaled to a probability (Platt 1999) on people whom neither had seen."""

    fitting: Fitting
    features: tuple[str, ...] = FACTORS
    kind: str = "blend"
    needs_sequence: bool = True
    needs_tensorflow: bool = True
    members: Members | None = None
    slope: float = 1.0
    intercept: float = 0.0

    def fit(self, rows: pl.DataFrame) -> "Blend":
        """Fit on rows with a label."""
        self.members = self.fitting.fit(rows)
        self.slope, self.intercept = platt(self.fitting.mixture, rows["label"].to_numpy())
        return self

    def _log_odds(self, rows: pl.DataFrame, present: Present) -> FloatArray:
        return self.slope * fitted(self.members).mixture(rows, present) + self.intercept

    def contributions(self, rows: pl.DataFrame) -> FloatArray:
        """Return each factor's Shapley value of the log-odds, with the rest as the last column."""
        return shapley(lambda present: self._log_odds(rows, present))

    def predict(self, rows: pl.DataFrame) -> FloatArray:
        """Return the probability of the label."""
        return sigmoid(self._log_odds(rows, ALL))

    def __getstate__(self) -> dict[str, object]:
        """Return what is stored: without the training rows."""
        return {**vars(self), "fitting": Fitting(self.fitting.inputs)}


@dataclass
class Stacked:
    """Logistic regression over the members' log-odds out of fold; its addends are theirs, weighted."""

    fitting: Fitting
    kind: str = "stacked"
    needs_sequence: bool = True
    needs_tensorflow: bool = True
    members: Members | None = None
    weights: FloatArray = field(default_factory=lambda: np.empty(0))
    intercept: float = 0.0
    features: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Name the features of the members that read them, then the factors of the others."""
        self.features = (*self.fitting.inputs, *FACTORS)

    def fit(self, rows: pl.DataFrame) -> "Stacked":
        """Fit on rows with a label."""
        from sklearn.linear_model import LogisticRegression

        self.members = self.fitting.fit(rows)
        model = LogisticRegression(C=1.0, max_iter=500).fit(self.fitting.log_odds, rows["label"].to_numpy())
        self.weights, self.intercept = model.coef_[0], float(model.intercept_[0])
        return self

    def contributions(self, rows: pl.DataFrame) -> FloatArray:
        """Return each feature's and factor's addend to the log-odds, with the rest as the last column."""
        column = {name: at for at, name in enumerate(self.features)}
        total = np.zeros((rows.height, len(self.features) + 1))
        total[:, -1] = self.intercept
        for member, weight in zip(fitted(self.members).all(), self.weights, strict=True):
            parts = weight * member.contributions(rows)
            total[:, [column[name] for name in member.features]] += parts[:, :-1]
            total[:, -1] += parts[:, -1]
        return total

    def predict(self, rows: pl.DataFrame) -> FloatArray:
        """Return the probability of the label."""
        return sigmoid(fitted(self.members).log_odds(rows) @ self.weights + self.intercept)

    def __getstate__(self) -> dict[str, object]:
        """Return what is stored: without the training rows."""
        return {**vars(self), "fitting": Fitting(self.fitting.inputs)}


def fitted(members: Members | None) -> Members:
    """Return the members of a fitted blend."""
    if members is None:
        msg = "the blend is not fitted"
        raise RuntimeError(msg)
    return members
