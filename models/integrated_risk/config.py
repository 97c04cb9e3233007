"""The fixed choices of the integrated risk."""

from models.integrated_risk.labels import setback
from models.lifecycle.spec import RECENCY_FREQUENCY, ModelSpec

SPEC = ModelSpec(
    name="integrated_risk",
    label=setback(),
    horizon_days=28,
    baselines={
        "recency_frequency": RECENCY_FREQUENCY,
        "use": ("observed_days_28d", "app_minutes_7d"),
        "load": ("acute_load", "chronic_load"),
        "reports": ("energy_level", "motivation_level", "stress_level"),
    },
    anchor="no figure is known to us; nothing is promised",
    limits="Setbacks of different weight count alike; which one it is, the single models say.",
)
