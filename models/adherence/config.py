"""The fixed choices of the adherence model."""

from models.adherence.estimators import candidates
from models.adherence.labels import adherence
from models.lifecycle.spec import FREQUENCY_7D, RECENCY_FREQUENCY, ModelSpec

SPEC = ModelSpec(
    name="adherence",
    label=adherence(),
    horizon_days=7,
    make_candidates=candidates,
    needs_sequence=True,
    baselines={"recency_frequency": RECENCY_FREQUENCY},
    rules={"frequency_7d": FREQUENCY_7D},
    anchor="AUC 0.90 for relapse of the next week by logistic regression (DiPS, 210 women); 0.63 to 0.81 on LifeSnaps",
)
