"""The fixed choices of the performance model."""

import polars as pl

from models.lifecycle.spec import RECENCY_FREQUENCY, ModelSpec
from models.lifecycle.trajectory import trajectories
from models.performance.labels import sessions_by_week, weekly_sessions

# Sessions a week since first seen, at most the last 28 days.
LAST_FOUR_WEEKS = pl.col("sessions_28d") / pl.col("days_since_first_event").clip(7, 28) * 7
SPEC = ModelSpec(
    name="performance",
    label=weekly_sessions(),
    horizon_days=28,
    trajectory=sessions_by_week(),
    make_candidates=trajectories,
    baselines={"recency_frequency": RECENCY_FREQUENCY},
    rules={"last_four_weeks": LAST_FOUR_WEEKS},
    anchor="adaptive goals rest on the same quantity; the mean of the last four weeks is hard to beat",
    limits="Compared by the mean absolute error, which favours the median.",
)
