"""The fixed choices of the model of single days."""

import polars as pl

from models.daily_session.labels import session_days, session_share
from models.lifecycle.spec import RECENCY_FREQUENCY, ModelSpec

SPEC = ModelSpec(
    name="daily_session",
    label=session_share(),
    horizon_days=7,
    days=session_days(),
    baselines={"recency_frequency": RECENCY_FREQUENCY},
    rules={"weekday_rate": pl.col("weekday_session_rate")},
    anchor="of a week, at least one session: AUC 0.81 on LifeSnaps; of a single day no published figure is known",
    limits="A day is the person's whole local day, of which the first may have begun when the night ends. What is predicted"
    " is a session on a day of use: silence is censored, and the models of lapse and churn are about it.",
)
