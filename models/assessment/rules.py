"""The declared rules of the assessment, over gold.user_features beside gold.user_predictions and their levels.

A value that is not known fires nothing. ``<model>_level`` sets a person's odds against those that are usual for the
version (``assess.LEVELS``). Thresholds that interventions/triggers.yaml has too are the same there.
"""

from dataclasses import dataclass

import polars as pl

HIGH, RAISED = "high", "raised"


@dataclass(frozen=True, slots=True)
class Rule:
    """An action or an opportunity: its name, when it is one, and the numbers that say so."""

    name: str
    when: pl.Expr
    because: tuple[str, ...]


def _at_least(model: str, *levels: str) -> pl.Expr:
    return pl.col(f"{model}_level").is_in(levels)


col = pl.col
INJURED = col("injured") == 1
# A caution and no prediction: the ratio of acute to chronic load is no validated probability (methods, section 6).
LOAD_JUMPED = (col("acute_load") > 1.5 * col("chronic_load")) & (col("sessions_7d") >= 3)
WORN_OUT = (
    (col("sleep_debt_hours") > 2) | (col("stress_level") > 7) | _at_least("burnout", HIGH) | (col("energy_level") < 3)
)
# Nobody of whom one of these holds is told to do more.
CAREFUL = INJURED | LOAD_JUMPED | WORN_OUT | _at_least("injury_risk", HIGH)
AWAY = (col("days_since_last_session") >= 7) & (col("sessions_28d") > 0)
STABLE_LOAD = col("acute_load").is_between(0.8 * col("chronic_load"), 1.3 * col("chronic_load"))
READY = (
    (col("adherence_probability") >= 0.7)
    & (col("completion_rate_30d") >= 0.9)
    & (col("sessions_28d") >= 8)
    & STABLE_LOAD
)

# In this order: what protects, what brings back, what makes the plan hold, what takes further.
ACTIONS = (
    Rule("rest_the_injury", INJURED, ("injured",)),
    Rule("ease_the_load", LOAD_JUMPED, ("acute_load", "chronic_load", "injury_risk_probability")),
    Rule("watch_for_injury", _at_least("injury_risk", HIGH), ("injury_risk_probability", "load_7d", "monotony")),
    Rule("sleep_more", col("sleep_debt_hours") > 2, ("sleep_debt_hours", "sleep_hours_7d")),
    Rule(
        "recover",
        (col("stress_level") > 7) | (col("energy_level") < 3) | _at_least("burnout", HIGH),
        ("stress_level", "energy_level", "burnout_probability"),
    ),
    Rule(
        "come_back_small",
        AWAY | (_at_least("lapse_7d", HIGH) & (col("sessions_28d") > 0)),
        ("days_since_last_session", "lapse_7d_probability", "habitual_weekly_sessions"),
    ),
    Rule("stay_in_touch", _at_least("churn", HIGH), ("churn_probability", "observed_days_28d")),
    Rule(
        "plan_less",
        (col("adherence_probability") < 0.4) & (col("planned_next_7d") > col("habitual_weekly_sessions")),
        ("adherence_probability", "planned_next_7d", "habitual_weekly_sessions", "performance"),
    ),
    Rule(
        "plan_the_week",
        (col("planned_next_7d") == 0) & (col("planned_7d") > 0),
        ("planned_next_7d", "planned_7d", "adherence_probability"),
    ),
    Rule(
        "remove_the_barrier",
        (col("barrier_frequency") >= 0.3) & col("top_barrier").is_not_null(),
        ("top_barrier", "barrier_frequency", "skip_rate_30d"),
    ),
    Rule(
        "keep_to_good_times",
        col("success_rate_variance_by_time") > 0.4,
        ("success_rate_variance_by_time", "time_of_day_consistency"),
    ),
    Rule("train_together", col("social_context_impact") > 0.3, ("social_context_impact", "partner_share_30d")),
    Rule(
        "change_the_stimulus",
        _at_least("plateau", RAISED, HIGH) & ~CAREFUL.fill_null(value=False),
        ("plateau_probability", "workout_variety_score", "intensity_progression"),
    ),
    Rule(
        "step_up",
        READY & ~CAREFUL.fill_null(value=False),
        ("adherence_probability", "completion_rate_30d", "performance", "habitual_weekly_sessions"),
    ),
)
# For whom no rule fires.
KEEP_GOING = Rule(
    "keep_going", pl.lit(value=True), ("adherence_probability", "sessions_7d", "habitual_weekly_sessions")
)

OPPORTUNITIES = (
    Rule(
        "breakthrough",
        # Even the low end of what is expected is above what they usually do, or the streak is about to be their longest.
        (
            ((col("performance_low") > col("habitual_weekly_sessions")) & (col("habitual_weekly_sessions") >= 1))
            | ((col("streak_length_current") >= 5) & (col("streak_length_longest") - col("streak_length_current") <= 1))
        )
        & ~CAREFUL.fill_null(value=False),
        (
            "performance",
            "performance_low",
            "habitual_weekly_sessions",
            "streak_length_current",
            "streak_length_longest",
        ),
    ),
    Rule(
        "progression",
        READY & ~CAREFUL.fill_null(value=False),
        ("adherence_probability", "completion_rate_30d", "acute_load", "chronic_load"),
    ),
    Rule(
        "habit_strengthening",
        # They come regularly, at no fixed time: the cue is what is missing.
        (col("consistency_score") >= 0.6) & (col("time_of_day_consistency") < 0.8),
        ("consistency_score", "time_of_day_consistency", "day_of_week_consistency"),
    ),
)
# Of what comes, and is not wanted.
FORECASTS = ("injury_risk", "burnout", "plateau")
