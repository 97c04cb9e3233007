"""Strength against the simulated world's latent habit, from the truth's own sessions and plans: no engine."""

from datetime import date

import numpy as np
import polars as pl
from scipy.stats import spearmanr

from habitlake.clock import Interval
from habitlake.settings import Settings
from habitlake.simulator import simulate_nights
from spark_jobs.features.strength import Days, trajectories


def test_strength_ranks_people_as_latent_habit_does_after_60_days(tmp_path):
    nights = Interval(date(2026, 1, 1), date(2026, 3, 5))
    settings = Settings(home=tmp_path, _env_file=None)
    simulate_nights(settings, nights, people=200, dirt=0.0, seed=5)
    days = [
        pl.read_parquet(settings.truth_dir / f"local_date={day}" / "*.parquet").sort("user_id")
        for day in nights.nights()
    ]
    sessions, planned = (np.stack([day[name].to_numpy() for day in days], axis=1) for name in ("session", "planned"))
    last = np.full(len(sessions), len(days) - 1)
    strength = trajectories(Days(sessions, planned, last), np.zeros(len(sessions)))[:, -1]
    latent = days[-1]["habit"].to_numpy()
    # The latent habit starts anywhere; strength starts at 0, and the sessions alone bring it near.
    assert spearmanr(strength, latent).statistic >= 0.8
