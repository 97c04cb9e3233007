"""What the person wants and what is recommended to them, beside the plan of the week."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from habitlake.report import wording
from habitlake.report.night.growth import PROGRESS
from habitlake.report.panels import Content, MissingError, Recipe, described
from habitlake.report.stores import Row, Stores

PLAN_DAYS = 7
PLAN_NIGHTS = 14
GOAL_RULES = {
    "largest_rise": "held to the largest step up from the goal before or from what is usual",
    "largest_fall": "held to the largest step down from the goal before",
    "floor": "raised to the least goal there is",
    "cap": "lowered to the greatest goal there is",
    "worn_out": "not raised, since sleep or stress speak against more",
    "injured": "cut for an unresolved injury",
    "stated_constraint": "not raised, for a constraint that the person stated",
    "unloading": "eased as the plan of the week, which unloads",
}
STRATEGIES = {
    "estimated": "estimated from the weeks known",
    "step_rule": "a tenth above or below the goal before",
    "start": "a first goal",
    "recovery": "eased for recovery",
}
# What of the plan is compared with which goal.
PLANNED = {"weekly_sessions": "sessions", "weekly_minutes": "minutes"}
GOALS = {
    "goal_progress": ("main goal", "progress of the person's main goal"),
    "goal_progress_weight": ("weight", "share of the way to the target weight"),
    "goal_progress_sessions": ("sessions", "sessions of 28 days over four weekly targets"),
    "goal_progress_steps": ("steps", "mean daily steps of 28 days over the steps goal"),
    "goal_progress_strength": ("strength", "strength sessions of 28 days over their goal"),
    "goal_progress_stress": ("stress", "share of the way from the first stress level to the goal"),
}


def goals(stores: Stores, user_id: str, night: date, features: Row) -> Content:
    """Return how far each goal of the person is reached."""
    rows = stores.lake(
        f"SELECT {', '.join(GOALS)} FROM gold.user_analytics WHERE batch_date = ? AND user_id = ?", night, user_id
    )
    targets = stores.lake(
        "SELECT primary_goal, target_sessions_per_week, target_weight_kg FROM silver.profiles"
        " WHERE batch_date <= ? AND user_id = ? ORDER BY batch_date DESC LIMIT 1",
        night,
        user_id,
    )
    recommended = stores.lake(
        "SELECT kind, valid_for, recommended_goal, usual_amount, success_probability, difficulty_level,"
        " adaptation_strategy, reasons FROM gold.goals"
        " WHERE batch_date = ? AND user_id = ? ORDER BY kind DESC",
        night,
        user_id,
    )
    plans = stores.lake(
        "SELECT sessions, minutes, deload FROM gold.workout_plans WHERE batch_date BETWEEN ? AND ? AND user_id = ?"
        " AND valid_from >= ? ORDER BY batch_date DESC LIMIT 1",
        night - timedelta(days=PLAN_NIGHTS),
        night,
        user_id,
        night - timedelta(days=PLAN_DAYS - 2),
    )
    found = (rows, targets, plans)
    analytics, stated, plan = (some[0] if some else {} for some in found)
    return goals_view(analytics, features, stated, recommended, plan)


def goals_view(
    analytics: Mapping[str, Any],
    features: Mapping[str, Any],
    targets: Mapping[str, Any],
    recommended: Sequence[Row],
    plan: Mapping[str, Any],
) -> Content:
    """Shape the goals beside the plan that is not over; without the app's record the features' main goal stands alone."""
    progress = [
        {"name": name, "meaning": meaning, "share": analytics[column]}
        for column, (name, meaning) in GOALS.items()
        if analytics.get(column) is not None
    ]
    if not progress and features.get("goal_progress") is not None:
        name, meaning = GOALS["goal_progress"]
        progress = [{"name": name, "meaning": meaning, "share": features["goal_progress"]}]
    if not progress and not recommended:
        msg = "the person has stated no goal that can be measured: targets come with profile events"
        raise MissingError(msg)
    return {
        "stated": targets.get("primary_goal"),
        "target_sessions": targets.get("target_sessions_per_week"),
        "sessions": features.get("sessions_7d"),
        "rate": features.get("goal_progress_rate"),
        "weeks": features.get("weeks_to_goal"),
        "rows": progress,
        "recommended": [_goal(row, plan) for row in recommended],
        "deload": bool(plan.get("deload")),
    }


def _goal(row: Mapping[str, Any], plan: Mapping[str, Any]) -> Row:
    """Return a recommended goal with the plan's amount of the same kind, in whole steps and minutes."""
    decimals = 1 if row["kind"] == "weekly_sessions" else 0
    planned, usual = plan.get(PLANNED.get(row["kind"], "")), row["usual_amount"]
    strategy = row["adaptation_strategy"]
    return {
        **row,
        "goal": wording.number(row["recommended_goal"], decimals),
        "planned": None if planned is None else wording.number(planned, decimals),
        "usual": None if usual is None else wording.number(usual, decimals),
        "set_by": "; ".join(
            [
                STRATEGIES.get(strategy, wording.words(strategy)),
                *(GOAL_RULES.get(rule, wording.words(rule)) for rule in row["reasons"] or []),
            ]
        ),
    }


GOAL_PANEL = Recipe(
    "goals",
    "Goals",
    "How far the person has come on what they want to reach.",
    goals,
    (
        ("progress", PROGRESS),
        ("target", "what the person set; the recommended goals are the platform's, and can be lower"),
        *described("gold.goals", ("recommended_goal", "usual_amount", "difficulty_level")),
        (
            "in the plan",
            (
                "what the workout plan of the week holds; it can be less than the goal, since its sessions are of whole"
                " steps of five minutes and no longer than the person has time for"
            ),
        ),
        ("chance", "probability that the person meets the goal, as set"),
        ("times the weekly target", "sessions of the last 7 days over the weekly target, told up to 2"),
        ("weeks to goal", "at the pace of the last weeks; not known where the pace leads nowhere"),
    ),
)
