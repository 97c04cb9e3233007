"""The candidates of the adherence model and the baselines they have to beat."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.adherence.config import CONFIG, FEATURES, RECENCY_FREQUENCY

FloatArray = NDArray[np.float64]


def matrix(rows: pl.DataFrame, features: tuple[str, ...]) -> FloatArray:
    """Return the features as a float matrix; a missing value is NaN."""
    return rows.select(pl.col(name).cast(pl.Float64) for name in features).fill_null(float("nan")).to_numpy()


@dataclass(slots=True)
class Logistic:
    """Logistic regression on standardised features; missing values take the training median."""

    features: tuple[str, ...]
    kind: str = "logistic_regression"
    median: FloatArray = field(default_factory=lambda: np.empty(0))
    mean: FloatArray = field(default_factory=lambda: np.empty(0))
    scale: FloatArray = field(default_factory=lambda: np.empty(0))
    weights: FloatArray = field(default_factory=lambda: np.empty(0))
    intercept: float = 0.0

    def fit(self, rows: pl.DataFrame) -> "Logistic":
        """Fit on rows with a label."""
        from sklearn.linear_model import LogisticRegression

        values = matrix(rows, self.features)
        with np.errstate(all="ignore"):
            median = np.nanmedian(values, axis=0) if len(values) else np.zeros(values.shape[1])
        self.median = np.where(np.isnan(median), 0.0, median)
        filled = np.where(np.isnan(values), self.median, values)
        self.mean, self.scale = filled.mean(axis=0), np.maximum(filled.std(axis=0), 1e-9)
        model = LogisticRegression(C=1.0, max_iter=500).fit((filled - self.mean) / self.scale, rows["label"].to_numpy())
        self.weights, self.intercept = model.coef_[0], float(model.intercept_[0])
        return self

    def contributions(self, rows: pl.DataFrame) -> FloatArray:
        """Return each feature's addend to the log-odds, with the intercept as the last column."""
        values = matrix(rows, self.features)
        parts = (np.where(np.isnan(values), self.median, values) - self.mean) / self.scale * self.weights
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

    def fit(self, rows: pl.DataFrame) -> "Boosted":
        """Fit on rows with a label."""
        import xgboost as xgb

        data = xgb.DMatrix(
            matrix(rows, self.features), label=rows["label"].to_numpy(), feature_names=list(self.features)
        )
        parameters = {
            "objective": "binary:logistic",
            "tree_method": "hist",
            "max_depth": CONFIG.depth,
            "eta": CONFIG.learning_rate,
            "subsample": 0.8,
            "colsample_bytree": 0.8,
            "min_child_weight": 20,
            "seed": CONFIG.seed,
            "nthread": 2,
        }
        self.booster = xgb.train(parameters, data, num_boost_round=CONFIG.trees)
        return self

    def contributions(self, rows: pl.DataFrame) -> FloatArray:
        """Return each feature's addend to the log-odds, with the bias as the last column."""
        import xgboost as xgb

        data = xgb.DMatrix(matrix(rows, self.features), feature_names=list(self.features))
        return np.asarray(self.booster.predict(data, pred_contribs=True), dtype=np.float64)

    def predict(self, rows: pl.DataFrame) -> FloatArray:
        """Return the probability of the label."""
        import xgboost as xgb

        data = xgb.DMatrix(matrix(rows, self.features), feature_names=list(self.features))
        return np.asarray(self.booster.predict(data), dtype=np.float64)


Estimator = Logistic | Boosted


def candidates() -> dict[str, Estimator]:
    """Return the unfitted candidates by name."""
    return {"logistic_regression": Logistic(FEATURES), "xgboost": Boosted(FEATURES)}


def recency_frequency() -> Logistic:
    """Return the unfitted baseline: logistic regression on recency and frequency alone."""
    return Logistic(RECENCY_FREQUENCY, kind="recency_frequency")


def naive_scores(train: pl.DataFrame, test: pl.DataFrame) -> dict[str, FloatArray]:
    """Return the baselines that need no fit: the base rate, and last week's sessions over the usual week."""
    usual = pl.max_horizontal(pl.col("habitual_weekly_sessions"), pl.lit(1.0))
    frequency = test.select((pl.col("sessions_7d") / usual / 2).clip(0, 1)).to_series().to_numpy()
    return {
        "base_rate": np.full(test.height, float(train["label"].mean() or 0.0)),  # type: ignore[arg-type]
        "frequency_7d": np.asarray(frequency, dtype=np.float64),
    }
