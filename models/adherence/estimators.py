"""The candidates of the adherence model."""

from habitlake.tables import MODEL_FEATURES
from models.lifecycle.estimators import Boosted, Estimator, Logistic

FEATURES = MODEL_FEATURES["adherence_v1"]


def candidates() -> dict[str, Estimator]:
    """Return the unfitted candidates by name."""
    return {"logistic_regression": Logistic(FEATURES), "xgboost": Boosted(FEATURES)}
