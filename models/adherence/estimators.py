"""The candidates of the adherence model."""

from models.lifecycle.estimators import Boosted, Estimator, Logistic, logistic_and_trees

# Versions registered before estimators were shared by all models name their classes here.
__all__ = ["Boosted", "Logistic", "candidates"]


def candidates(features: tuple[str, ...]) -> dict[str, Estimator]:
    """Return the unfitted candidates by name."""
    return logistic_and_trees(features)
