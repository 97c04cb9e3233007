"""Discrete-time hazards: in which of the next weeks an event comes, from any classifier of one week.

Each row becomes one row per week that it is at risk (Singer and Willett 1993); P(event) = 1 - product of (1 - hazard).
"""

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from models.lifecycle.estimators import STRENGTH, Boosted, Estimator, FloatArray, Logistic

WEEK = "week"
# The week whose contributions are shown: all weeks share them where week has no interactions.
SHOWN_WEEK = 1
CERTAIN = 1e-9


@dataclass(slots=True)
class Hazard:
    """A classifier of weeks made into the probability of an event within ``weeks`` weeks."""

    features: tuple[str, ...]
    weekly: Estimator
    kind: str = "hazard"
    weeks: int = field(default=4)

    def fit(self, rows: pl.DataFrame) -> "Hazard":
        """Fit on rows with ``value``: the week of the event, 0 where none came."""
        at_risk = [
            rows.filter((pl.col("value") == 0) | (pl.col("value") >= week)).with_columns(
                pl.lit(week).alias(WEEK), label=(pl.col("value") == week).cast(pl.Int64)
            )
            for week in range(1, self.weeks + 1)
        ]
        self.weekly.fit(pl.concat(at_risk))
        return self

    def hazards(self, rows: pl.DataFrame) -> FloatArray:
        """Return the hazard of each week (rows x weeks): the probability of the event, given that it has not come."""
        weeks = range(1, self.weeks + 1)
        return np.column_stack([self.weekly.predict(rows.with_columns(pl.lit(week).alias(WEEK))) for week in weeks])

    def predict(self, rows: pl.DataFrame) -> FloatArray:
        """Return the probability of the event within all weeks."""
        return np.asarray(1 - np.prod(1 - self.hazards(rows), axis=1))

    def contributions(self, rows: pl.DataFrame) -> FloatArray:
        """Return each feature's addend to the log-odds of the first week's hazard.

        The last column is what brings their sum to the log-odds of the event within all weeks.
        """
        parts = self.weekly.contributions(rows.with_columns(pl.lit(SHOWN_WEEK).alias(WEEK)))[:, : len(self.features)]
        probability = np.clip(self.predict(rows), CERTAIN, 1 - CERTAIN)
        rest = np.log(probability / (1 - probability)) - parts.sum(axis=1)
        return np.column_stack([parts, rest])


def hazards(features: tuple[str, ...]) -> dict[str, Estimator]:
    """Return the unfitted candidates of a model of weekly hazards, by name."""
    weekly = (*features, WEEK)
    return {
        "logistic_hazard": Hazard(features, Logistic(weekly, strength=STRENGTH), kind="logistic_hazard"),
        "xgboost_hazard": Hazard(features, Boosted(weekly), kind="xgboost_hazard"),
    }
