"""When something should be done: thresholds on scores and features, as data.

Thresholds of the first five are the founding document's. Priority 1 is the most urgent.
"""

from dataclasses import dataclass
from typing import Literal

import polars as pl


@dataclass(frozen=True, slots=True)
class Trigger:
    """Fires when ``column`` compares to ``threshold``; a null value never fires."""

    name: str
    column: str
    comparison: Literal[">", ">=", "<"]
    threshold: float
    priority: int
    source: str

    def expression(self) -> pl.Expr:
        """Return whether it fires, per row."""
        value = pl.col(self.column)
        fired = {
            ">": value > self.threshold,
            ">=": value >= self.threshold,
            "<": value < self.threshold,
        }[self.comparison]
        return fired.fill_null(value=False)


SEED = "founding document, intervention engine"
# burnout_risk > 0.7 belongs to the founding list; it joins when a burnout model is registered.
TRIGGERS = (
    Trigger("injured", "injured", ">", 0, 1, "guard rail: an unresolved injury of the last 14 days"),
    Trigger("high_skip_risk", "skip_probability", ">", 0.6, 2, SEED),
    Trigger("lapse", "days_since_last_session", ">=", 7, 3, "a week without a session breaks a streak"),
    Trigger("streak_at_risk", "streak_at_risk", ">", 0, 4, "streak of 3 or more, 2 days or more since the last session"),
    Trigger("high_stress", "stress_level", ">", 7, 5, SEED),
    Trigger("sleep_debt", "sleep_debt_hours", ">", 2, 6, SEED),
    Trigger("goal_progress_slow", "goal_progress_rate", "<", 0.5, 7, SEED),
    Trigger("slow_preparation", "preparation_time_avg", ">", 15, 8, "founding document, micro-interventions"),
)


def with_signals(frame: pl.DataFrame) -> pl.DataFrame:
    """Add the derived columns that triggers read: skip_probability and streak_at_risk."""
    return frame.with_columns(
        skip_probability=(1 - pl.col("probability")).round(6),
        streak_at_risk=((pl.col("streak_length_current") >= 3) & (pl.col("days_since_last_session") >= 2)).cast(pl.Int64),
    )


def fired_triggers() -> pl.Expr:
    """Return the list of fired triggers per row, most urgent first."""
    ordered = sorted(TRIGGERS, key=lambda trigger: trigger.priority)
    names = [pl.when(trigger.expression()).then(pl.lit(trigger.name)) for trigger in ordered]
    return pl.concat_list(names).list.drop_nulls()
