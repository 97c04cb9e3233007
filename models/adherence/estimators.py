"""The candidates of the adherence model."""

from models.lifecycle.estimators import Boosted, Estimator, Logistic


def candidates(features: tuple[str, ...]) -> dict[str, Estimator]:
    """Return the unfitted candidates by name."""
    return {"logistic_regression": Logistic(features), "xgboost": Boosted(features)}
