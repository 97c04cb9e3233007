"""What every model can be made of: logistic regression and boosted trees on tabular features."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any, Protocol, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
SEED = 17
MOST_DEVIATIONS = 5.0
# Rows of one person repeat one another, so some dozens of features on as many rows a person need a firm hand.
STRENGTH = 0.01
# A candidate that reads days needs as many rows that have them as any model needs rows.
MIN_SEQUENCES = 500


class Estimator(Protocol):
    """What training and scoring ask of a candidate; ``rows`` is the data set, or the people of a night."""

    features: tuple[str, ...]
    kind: str

    def fit(self, rows: pl.DataFrame) -> Self:
        """Fit on rows with a label."""
        ...

    def predict(self, rows: pl.DataFrame) -> FloatArray:
        """Return the probability of the label, or the amount."""
        ...

    def contributions(self, rows: pl.DataFrame) -> FloatArray:
        """Return each feature's addend to the log-odds (or amount), with the rest as the last column."""
        ...


def lacking(estimator: Estimator, rows: pl.DataFrame) -> str | None:
    """Return why an estimator cannot be fitted here on the rows; None where it can.

    An estimator says by ``needs_tensorflow`` and ``needs_sequence`` what it needs beyond features.
    """
    if getattr(estimator, "needs_tensorflow", False) and find_spec("tensorflow") is None:
        return "TensorFlow is not installed (scripts/setup.sh --tensorflow installs it)"
    if getattr(estimator, "needs_sequence", False):
        known = rows["sequence"].count() if "sequence" in rows.columns else 0
        if known < MIN_SEQUENCES:
            return f"{known} training rows have their days in gold.user_sequence, {MIN_SEQUENCES} are needed"
    return None


def matrix(rows: pl.DataFrame, features: tuple[str, ...]) -> FloatArray:
    """Return the features as a float matrix; a missing value is NaN."""
    return rows.select(pl.col(name).cast(pl.Float64) for name in features).fill_null(float("nan")).to_numpy()


def tree_data(rows: pl.DataFrame, features: tuple[str, ...], label: FloatArray | None = None) -> Any:
    """Return the features as XGBoost reads them, with a label for training."""
    import xgboost as xgb

    return xgb.DMatrix(matrix(rows, features), label=label, feature_names=list(features))


def grow(data: Any, objective: Mapping[str, Any], *, trees: int, depth: int, learning_rate: float, seed: int) -> Any:
    """Return small trees on histograms, with fixed threads, so that the same rows give the same trees."""
    import xgboost as xgb

    parameters = {
        **objective,
        "tree_method": "hist",
        "max_depth": depth,
        "eta": learning_rate,
        "subsample": 0.8,
        "colsample_bytree": 0.8,
        "min_child_weight": 20,
        "seed": seed,
        "nthread": 2,
    }
    return xgb.train(parameters, data, num_boost_round=trees)


def standardised(values: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return the values with mean 0 and deviation 1, missing ones as the median; and median, mean, deviation."""
    with warnings.catch_warnings():
        # A feature without any value has no median: it says nothing, and is 0 for everybody.
        warnings.simplefilter("ignore", RuntimeWarning)
        median = np.nanmedian(values, axis=0)
    median = np.where(np.isnan(median), 0.0, median)
    filled = np.where(np.isnan(values), median, values)
    mean, scale = filled.mean(axis=0), np.maximum(filled.std(axis=0), 1e-9)
    return in_deviations(values, median, mean, scale), median, mean, scale


def in_deviations(values: FloatArray, median: FloatArray, mean: FloatArray, scale: FloatArray) -> FloatArray:
    """Return the values in deviations from the mean, missing ones as the median; none counts for more than five."""
    filled = np.where(np.isnan(values), median, values)
    return np.asarray(np.clip((filled - mean) / scale, -MOST_DEVIATIONS, MOST_DEVIATIONS))


@dataclass(slots=True)
class Logistic:
    """Logistic regression on standardised features; missing values take the training median.

    ``strength`` is the inverse of the L2 penalty.
    """

    features: tuple[str, ...]
    kind: str = "logistic_regression"
    median: FloatArray = field(default_factory=lambda: np.empty(0))
    mean: FloatArray = field(default_factory=lambda: np.empty(0))
    scale: FloatArray = field(default_factory=lambda: np.empty(0))
    weights: FloatArray = field(default_factory=lambda: np.empty(0))
    intercept: float = 0.0
    strength: float = 1.0

    def fit(self, rows: pl.DataFrame) -> "Logistic":
        """Fit on rows with a label."""
        from sklearn.linear_model import LogisticRegression

        values, self.median, self.mean, self.scale = standardised(matrix(rows, self.features))
        model = LogisticRegression(C=self.strength, max_iter=500).fit(values, rows["label"].to_numpy())
        self.weights, self.intercept = model.coef_[0], float(model.intercept_[0])
        return self

    def added(self, values: FloatArray, features: Sequence[str]) -> FloatArray:
        """Return what some of the features add to the log-odds together.

        Parameters
        ----------
        values
            Rows by these features; a missing value is NaN.
        """
        own = [self.features.index(name) for name in features]
        return in_deviations(values, self.median[own], self.mean[own], self.scale[own]) @ self.weights[own]

    def contributions(self, rows: pl.DataFrame) -> FloatArray:
        """Return each feature's addend to the log-odds, with the intercept as the last column."""
        values = in_deviations(matrix(rows, self.features), self.median, self.mean, self.scale)
        parts = values * self.weights
        return np.column_stack([parts, np.full(len(parts), self.intercept)])

    def predict(self, rows: pl.DataFrame) -> FloatArray:
        """Return the probability of the label."""
        return np.asarray(1 / (1 + np.exp(-self.contributions(rows).sum(axis=1))))


@dataclass(slots=True)
class Boosted:
    """XGBoost with histograms, small trees and fixed threads, so that the same rows give the same model."""

    features: tuple[str, ...]
    kind: str = "xgboost"
    booster: Any = None
    trees: int = 80
    depth: int = 3
    learning_rate: float = 0.05
    seed: int = SEED

    def fit(self, rows: pl.DataFrame) -> "Boosted":
        """Fit on rows with a label."""
        self.booster = grow(
            tree_data(rows, self.features, rows["label"].to_numpy()),
            {"objective": "binary:logistic"},
            trees=self.trees,
            depth=self.depth,
            learning_rate=self.learning_rate,
            seed=self.seed,
        )
        return self

    def contributions(self, rows: pl.DataFrame) -> FloatArray:
        """Return each feature's addend to the log-odds, with the bias as the last column.

        Each split on a row's path is credited with what it changes (Saabas 2014): ten times faster than Shapley values,
        which a million people a night cannot afford, and it adds up as well.
        """
        found = self.booster.predict(tree_data(rows, self.features), pred_contribs=True, approx_contribs=True)
        return np.asarray(found, dtype=np.float64)

    def predict(self, rows: pl.DataFrame) -> FloatArray:
        """Return the probability of the label."""
        return np.asarray(self.booster.predict(tree_data(rows, self.features)), dtype=np.float64)


def logistic_and_trees(features: tuple[str, ...]) -> dict[str, Estimator]:
    """Return the unfitted candidates that every model of an event has, by name."""
    return {"logistic_regression": Logistic(features, strength=STRENGTH), "xgboost": Boosted(features)}
