"""The fixed choices of the injury risk model."""

import polars as pl

from models.injury_risk.labels import injury
from models.lifecycle.spec import RECENCY_FREQUENCY, ModelSpec

SPEC = ModelSpec(
    name="injury_risk",
    label=injury(),
    horizon_days=28,
    eligible=pl.col("injured") == 0,
    eligible_means="everybody without an unresolved injury of the last 14 days",
    baselines={"recency_frequency": RECENCY_FREQUENCY, "load": ("acute_load", "chronic_load")},
    anchor="logs-only models of injury reach an AUC of 0.72 to 0.78 at best; the acute:chronic ratio alone 0.57",
    limits=(
        "From logs alone: no history of injuries, no examination. Injuries that nobody reports are none here. A caution, no"
        " medical advice; a low value is no clearance to train."
    ),
)
