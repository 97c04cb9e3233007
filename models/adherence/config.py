"""The fixed choices of the adherence model."""

import polars as pl

from models.adherence.estimators import candidates
from models.adherence.labels import adherence
from models.lifecycle.spec import ModelSpec

RECENCY_FREQUENCY = ("sessions_7d", "sessions_28d", "days_since_last_session")
# Last week's sessions over twice the usual week.
FREQUENCY_7D = (pl.col("sessions_7d") / pl.max_horizontal(pl.col("habitual_weekly_sessions"), pl.lit(1.0)) / 2).clip(
    0, 1
)

SPEC = ModelSpec(
    name="adherence",
    feature_service="adherence_v1",
    predicts=(
        "whether a person does at least 80 % of the sessions planned for the next 7 complete local days; where none is"
        " planned, of their usual week"
    ),
    label=adherence(),
    horizon_days=7,
    candidates=candidates,
    baselines={"recency_frequency": RECENCY_FREQUENCY},
    rules={"frequency_7d": FREQUENCY_7D},
    anchor="AUC 0.90 for relapse of the next week by logistic regression (DiPS, 210 women); 0.63 to 0.81 on LifeSnaps",
)
