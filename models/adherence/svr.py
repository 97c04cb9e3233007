"""The founding document's support vector regression on the features: rbf, C = 100, gamma scale."""

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from models.adherence.factors import ALL, FACTORS, Present, kept, parts_of_people, platt, shapley, sigmoid, thinned
from models.lifecycle.estimators import FloatArray, in_deviations, matrix, standardised

# Training is quadratic in rows: more are thinned to this many, drawn with the seed.
MAX_ROWS = 2_000
PENALTY = 100.0
# A part of the people is left to Platt's scaling: an rbf kernel with C = 100 fits its own rows almost perfectly.
PARTS = 4
ROWS_AT_ONCE = 2_048


@dataclass(slots=True)
class Svr:
    """Regression of the label on standardised features, unbounded, and its Platt scaling to a probability.

    Support vectors are kept as arrays: their kernel is two matrix products, several times as fast as the library's loop.
    """

    inputs: tuple[str, ...]
    features: tuple[str, ...] = FACTORS
    kind: str = "svr"
    needs_sequence: bool = False
    median: FloatArray = field(default_factory=lambda: np.empty(0))
    mean: FloatArray = field(default_factory=lambda: np.empty(0))
    scale: FloatArray = field(default_factory=lambda: np.empty(0))
    support: FloatArray = field(default_factory=lambda: np.empty((0, 0)))
    weights: FloatArray = field(default_factory=lambda: np.empty(0))
    gamma: float = 0.0
    offset: float = 0.0
    slope: float = 1.0
    intercept: float = 0.0

    def fit(self, rows: pl.DataFrame) -> "Svr":
        """Fit on rows with a label: at most MAX_ROWS of three quarters of the people, scaled on the others."""
        from sklearn.svm import SVR

        standard, self.median, self.mean, self.scale = standardised(matrix(rows, self.inputs))
        label = rows["label"].to_numpy()
        held_back = parts_of_people(rows, PARTS) == PARTS - 1
        own = thinned(np.flatnonzero(~held_back), MAX_ROWS)
        # The library's "scale".
        self.gamma = float(1 / (len(self.inputs) * standard[own].var()))
        model = SVR(kernel="rbf", C=PENALTY, gamma=self.gamma, cache_size=500).fit(standard[own], label[own])
        self.support, self.weights = model.support_vectors_, model.dual_coef_[0]
        self.offset = float(model.intercept_[0])
        self.slope, self.intercept = platt(self._value(standard[held_back]), label[held_back])
        return self

    def _standardised(self, rows: pl.DataFrame) -> FloatArray:
        return in_deviations(matrix(rows, self.inputs), self.median, self.mean, self.scale)

    def _value(self, standard: FloatArray) -> FloatArray:
        size = (self.support**2).sum(axis=1)
        result = np.empty(len(standard))
        for start in range(0, len(standard), ROWS_AT_ONCE):
            part = standard[start : start + ROWS_AT_ONCE]
            distance = (part**2).sum(axis=1)[:, None] + size - 2 * part @ self.support.T
            result[start : start + ROWS_AT_ONCE] = np.exp(-self.gamma * distance) @ self.weights + self.offset
        return result

    def value(self, rows: pl.DataFrame, present: Present = ALL) -> FloatArray:
        """Return the regression's own value, unbounded; factors that are not present stand at the training mean."""
        return self._value(self._standardised(rows) * kept(self.inputs, present))

    def contributions(self, rows: pl.DataFrame) -> FloatArray:
        """Return each factor's Shapley value of the log-odds, with the rest as the last column."""
        return shapley(lambda present: self.slope * self.value(rows, present) + self.intercept)

    def predict(self, rows: pl.DataFrame) -> FloatArray:
        """Return the probability of the label."""
        return sigmoid(self.slope * self.value(rows) + self.intercept)
