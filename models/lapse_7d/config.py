"""The fixed choices of the lapse model."""

from models.lapse_7d.labels import lapse
from models.lifecycle.spec import FREQUENCY_7D, RECENCY_FREQUENCY, ModelSpec

SPEC = ModelSpec(
    name="lapse_7d",
    label=lapse(),
    horizon_days=7,
    baselines={"recency_frequency": RECENCY_FREQUENCY},
    rules={"frequency_7d": 1 - FREQUENCY_7D},
    anchor="AUC 0.90 for relapse of the next week by logistic regression (DiPS, 210 women); 0.81 on LifeSnaps",
)
