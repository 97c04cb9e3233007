"""The fixed choices of the burnout model."""

import polars as pl

from models.burnout.labels import burnout
from models.lifecycle.spec import RECENCY_FREQUENCY, ModelSpec

SPEC = ModelSpec(
    name="burnout",
    label=burnout(),
    horizon_days=28,
    eligible=pl.col("energy_level").is_not_null() | pl.col("motivation_level").is_not_null(),
    eligible_means="everybody who reported energy or motivation in the last 7 days",
    baselines={
        "recency_frequency": RECENCY_FREQUENCY,
        "load": ("acute_load", "chronic_load"),
        "reports": ("energy_level", "motivation_level", "stress_level"),
    },
    anchor="no figure is known to us; nothing is promised",
    limits="A proxy of the signs of burnout in logs, no diagnosis: high levels fall more often, whatever the reason.",
)
