"""What a model of an amount can be made of: ridge regression and boosted quantiles, both with an interval."""

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import polars as pl

from models.lifecycle.estimators import (
    SEED,
    Estimator,
    FloatArray,
    grow,
    in_deviations,
    matrix,
    standardised,
    tree_data,
)

# Ends of the 80 % interval and the median between.
QUANTILES = (0.1, 0.5, 0.9)
BINS = 10
# As for events, a firm hand where rows of one person repeat one another.
PENALTY = 300.0


class Amount(Estimator, Protocol):
    """An estimator of an amount: it has an interval too."""

    def interval(self, rows: pl.DataFrame) -> tuple[FloatArray, FloatArray]:
        """Return the ends of an interval that should hold 80 % of the amounts."""
        ...


@dataclass(slots=True)
class Ridge:
    """Ridge regression on standardised features; the interval is that of the residuals of like predictions."""

    features: tuple[str, ...]
    kind: str = "ridge"
    penalty: float = 1.0
    median: FloatArray = field(default_factory=lambda: np.empty(0))
    mean: FloatArray = field(default_factory=lambda: np.empty(0))
    scale: FloatArray = field(default_factory=lambda: np.empty(0))
    weights: FloatArray = field(default_factory=lambda: np.empty(0))
    intercept: float = 0.0
    edges: FloatArray = field(default_factory=lambda: np.empty(0))
    residuals: FloatArray = field(default_factory=lambda: np.empty((0, 2)))

    def fit(self, rows: pl.DataFrame) -> "Ridge":
        """Fit on rows with a label."""
        from sklearn.linear_model import Ridge as Model

        filled, self.median, self.mean, self.scale = standardised(matrix(rows, self.features))
        label = rows["label"].to_numpy()
        model = Model(alpha=self.penalty).fit(filled, label)
        self.weights, self.intercept = model.coef_, float(model.intercept_)
        predicted = self.predict(rows)
        parts = [part for part in np.array_split(np.argsort(predicted, kind="stable"), BINS) if len(part)]
        self.edges = np.array([predicted[part].max() for part in parts])
        self.residuals = np.array([np.quantile((label - predicted)[part], QUANTILES[::2]) for part in parts])
        return self

    def contributions(self, rows: pl.DataFrame) -> FloatArray:
        """Return each feature's addend to the amount, with the rest as the last column."""
        values = in_deviations(matrix(rows, self.features), self.median, self.mean, self.scale)
        parts = values * self.weights
        total = parts.sum(axis=1) + self.intercept
        # An amount is never below 0.
        return np.column_stack([parts, np.maximum(total, 0) - parts.sum(axis=1)])

    def predict(self, rows: pl.DataFrame) -> FloatArray:
        """Return the expected amount."""
        return np.asarray(self.contributions(rows).sum(axis=1))

    def interval(self, rows: pl.DataFrame) -> tuple[FloatArray, FloatArray]:
        """Return the ends of the 80 % interval."""
        predicted = self.predict(rows)
        part = np.minimum(np.searchsorted(self.edges, predicted), len(self.edges) - 1)
        ends = np.maximum(predicted[:, None] + self.residuals[part], 0)
        return np.minimum(ends[:, 0], predicted), np.maximum(ends[:, 1], predicted)


@dataclass(slots=True)
class BoostedQuantiles:
    """XGBoost on the 0.1, 0.5 and 0.9 quantiles at once: the median, and the 80 % interval around it."""

    features: tuple[str, ...]
    kind: str = "xgboost_quantiles"
    booster: Any = None
    trees: int = 80
    depth: int = 3
    learning_rate: float = 0.05
    seed: int = SEED

    def fit(self, rows: pl.DataFrame) -> "BoostedQuantiles":
        """Fit on rows with a label."""
        self.booster = grow(
            tree_data(rows, self.features, rows["label"].to_numpy()),
            {"objective": "reg:quantileerror", "quantile_alpha": np.array(QUANTILES)},
            trees=self.trees,
            depth=self.depth,
            learning_rate=self.learning_rate,
            seed=self.seed,
        )
        return self

    def _quantiles(self, rows: pl.DataFrame) -> FloatArray:
        found = np.asarray(self.booster.predict(tree_data(rows, self.features)), dtype=np.float64)
        # Quantiles of different trees can cross; sorting them is no worse (Chernozhukov 2010).
        return np.sort(np.maximum(found, 0), axis=1)

    def contributions(self, rows: pl.DataFrame) -> FloatArray:
        """Return each feature's addend to the amount, with the rest as the last column."""
        found = self.booster.predict(tree_data(rows, self.features), pred_contribs=True, approx_contribs=True)
        parts = np.asarray(found[:, QUANTILES.index(0.5), :-1], dtype=np.float64)
        return np.column_stack([parts, self.predict(rows) - parts.sum(axis=1)])

    def predict(self, rows: pl.DataFrame) -> FloatArray:
        """Return the median amount."""
        return np.asarray(self._quantiles(rows)[:, 1])

    def interval(self, rows: pl.DataFrame) -> tuple[FloatArray, FloatArray]:
        """Return the ends of the 80 % interval."""
        quantiles = self._quantiles(rows)
        return np.asarray(quantiles[:, 0]), np.asarray(quantiles[:, 2])


def amounts(features: tuple[str, ...]) -> dict[str, Amount]:
    """Return what a mean amount can be predicted by, unfitted, by name."""
    return {"ridge": Ridge(features, penalty=PENALTY), "xgboost_quantiles": BoostedQuantiles(features)}
