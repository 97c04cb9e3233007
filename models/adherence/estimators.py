"""The candidates of the adherence model."""

from models.adherence.blend import Blend, Fitting, Stacked
from models.adherence.lstm import Lstm
from models.adherence.svr import Svr
from models.lifecycle.estimators import Boosted, Estimator, Logistic, logistic_and_trees

# Versions registered before estimators were shared by all models name their classes here.
__all__ = ["Boosted", "Logistic", "candidates"]


def candidates(features: tuple[str, ...]) -> dict[str, Estimator]:
    """Return the unfitted candidates by name; the blends share their members."""
    fitting = Fitting(features)
    return {
        **logistic_and_trees(features),
        "lstm": Lstm(),
        "svr": Svr(features),
        "blend": Blend(fitting),
        "stacked": Stacked(fitting),
    }
