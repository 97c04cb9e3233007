"""What 71 real people say of the habit: its strength and the features by the stage of change that they gave themselves.

The stages of change are those of the transtheoretical model (Prochaska and DiClemente 1983), answered in LifeSnaps at the
start and near the end of a round of nine weeks. A person's state is that of the night of the last answer, no
earlier than four weeks after the first event: an earlier one has seen too little to say anything.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
from scipy.stats import spearmanr

from habitlake.lake import scan_table
from habitlake.settings import Settings

FILE = Path("lifesnaps") / "surveys" / "ttm.csv"
# In the order of the model; few people gave one of the first three, so they stand together.
STAGES = {
    "Precontemplation": "before action",
    "Contemplation": "before action",
    "Preparation": "before action",
    "Action": "action",
    "Maintenance": "maintenance",
}
GROUPS = ("before action", "action", "maintenance")
FIRST_WEEKS = timedelta(days=28)
MEASURES = (
    "strength",
    "habit_score",
    # From here on features.
    "workout_frequency_30d",
    "consistency_score",
    "time_of_day_consistency",
    "resting_heart_rate_trend",
    "sleep_debt_hours",
)
RESAMPLES = 2_000
SEED = 7


@dataclass(frozen=True, slots=True)
class Interval95:
    """A figure with its 95 % interval by bootstrap over people, and the people it rests on."""

    value: float
    low: float
    high: float
    people: int

    def __str__(self) -> str:
        """Return the figure as it is printed."""
        return f"{self.value:.2f} [{self.low:.2f}, {self.high:.2f}] of {self.people}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """A measure by group of stages, and its rank correlation with the five stages."""

    measure: str
    groups: dict[str, Interval95 | None]
    correlation: Interval95 | None


def read_states(answers: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """Return per person the stage and the measures as known on the night that the answer is compared with."""
    habits = scan_table("gold.habit_state", settings).select("user_id", "batch_date", "strength", "habit_score")
    features = scan_table("gold.user_features", settings).select("user_id", "batch_date", *MEASURES[2:])
    states = habits.join(features, on=["user_id", "batch_date"]).collect()
    return at_answers(states, answers)


def at_answers(states: pl.DataFrame, answers: pl.DataFrame) -> pl.DataFrame:
    """Return the state of each person on the night of the last answer, or the first night that is late enough.

    Parameters
    ----------
    states
        One row per person (``user_id``) and night (``batch_date``) with the measures.
    answers
        ``user_id``, ``submitdate`` and ``stage``; several per person.
    """
    last = answers.sort("user_id", "submitdate").unique("user_id", keep="last", maintain_order=True)
    nights = states.group_by("user_id").agg(first=pl.col("batch_date").min(), newest=pl.col("batch_date").max())
    chosen = last.join(nights, on="user_id").with_columns(
        batch_date=pl.min_horizontal(pl.max_horizontal("submitdate", pl.col("first") + FIRST_WEEKS), "newest")
    )
    enough = chosen.filter(pl.col("batch_date") >= pl.col("first") + FIRST_WEEKS)
    return enough.select("user_id", "batch_date", "stage").join(states, on=["user_id", "batch_date"]).sort("user_id")


def _resampled(rows: np.ndarray, figure: Callable[[np.ndarray], float]) -> tuple[float, float]:
    draw = np.random.default_rng(SEED)
    found = [figure(rows[draw.integers(0, len(rows), len(rows))]) for _ in range(RESAMPLES)]
    low, high = np.nanquantile(found, [0.025, 0.975])
    return float(low), float(high)


def _mean(values: np.ndarray) -> float:
    return float(values.mean())


def _correlation(pairs: np.ndarray) -> float:
    if len(np.unique(pairs[:, 0])) < 2 or len(np.unique(pairs[:, 1])) < 2:
        return float("nan")
    return float(spearmanr(pairs[:, 0], pairs[:, 1]).statistic)


def compare(states: pl.DataFrame) -> list[Comparison]:
    """Return each measure by group of stages with intervals, and its rank correlation with the stages."""
    order = {stage: number for number, stage in enumerate(STAGES)}
    states = states.with_columns(
        group=pl.col("stage").replace_strict(STAGES), order=pl.col("stage").replace_strict(order, return_dtype=pl.Int64)
    )
    found = []
    for name in MEASURES:
        known = states.drop_nulls(name)
        groups: dict[str, Interval95 | None] = {}
        for group in GROUPS:
            values = known.filter(pl.col("group") == group)[name].to_numpy()
            groups[group] = (
                Interval95(_mean(values), *_resampled(values, _mean), len(values)) if len(values) > 1 else None
            )
        pairs = known.select("order", name).to_numpy()
        correlation = (
            Interval95(_correlation(pairs), *_resampled(pairs, _correlation), len(pairs)) if len(pairs) > 2 else None
        )
        found.append(Comparison(name, groups, correlation))
    return found


def measure(settings: Settings) -> list[Comparison]:
    """Compare the people of this world with what they answered; empty where none of them did."""
    answers = pl.read_csv(settings.real_data / FILE, columns=["user_id", "submitdate", "stage"], try_parse_dates=True)
    states = read_states(answers, settings)
    return compare(states) if states.height else []
