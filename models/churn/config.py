"""The fixed choices of the churn model."""

import polars as pl

from models.churn.labels import churn
from models.lifecycle.hazard import hazards
from models.lifecycle.spec import RECENCY_FREQUENCY, ModelSpec

SPEC = ModelSpec(
    name="churn",
    label=churn(),
    horizon_days=28,
    make_candidates=hazards,
    eligible=pl.col("observed_days_28d") > 0,
    baselines={"recency_frequency": RECENCY_FREQUENCY, "use": ("observed_days_28d", "app_minutes_7d")},
    anchor="login counts alone predict churn on day 7 with F1 0.87",
    limits="A week of silence can be a holiday; who comes back has churned here nevertheless.",
)
