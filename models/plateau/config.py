"""The fixed choices of the plateau model."""

import polars as pl

from models.lifecycle.spec import RECENCY_FREQUENCY, ModelSpec
from models.plateau.labels import plateau

MIN_SESSIONS = 8
KNOWN_DAYS = 28
SPEC = ModelSpec(
    name="plateau",
    label=plateau(),
    horizon_days=28,
    eligible=(pl.col("sessions_28d") >= MIN_SESSIONS) & (pl.col("days_since_first_event") >= KNOWN_DAYS),
    eligible_means="people known for four weeks, with 8 sessions or more in them",
    baselines={"recency_frequency": RECENCY_FREQUENCY, "load": ("load_7d", "load_28d", "sessions_7d", "sessions_28d")},
    anchor="no figure is known to us; nothing is promised",
    limits="Output varies from session to session: a part of what is predicted is its return to the mean.",
)
