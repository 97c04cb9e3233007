"""What predictions and features of the person together ask for: what to do next, what may come, what is within reach."""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from habitlake.report import wording
from habitlake.report.panels import Content, MissingError, Recipe, described
from habitlake.report.stores import Row, Stores
from habitlake.tables import CHANCES, FEATURES, MODELS

ACTIONS = {
    "rest_the_injury": "Rest or train around the injury until it is reported as resolved",
    "ease_the_load": "Train less this week than in the last: the load jumped (a caution, no prediction of an injury)",
    "watch_for_injury": "Keep sessions easy and report pain: the predicted risk of an injury is high",
    "sleep_more": "Sleep comes before the next hard session",
    "recover": "Plan a day of recovery: stress, energy or the predicted risk of burnout ask for it",
    "come_back_small": "Come back with one short session in the next two days",
    "stay_in_touch": "Open the app this week: the predicted risk of leaving is high",
    "plan_less": "Plan fewer sessions: the week as planned is likely to be missed",
    "plan_the_week": "Plan the sessions of the coming week: none is planned",
    "remove_the_barrier": "Find a way around the barrier that is named most often",
    "keep_to_good_times": "Put sessions where they succeed: some times of day go far better than others",
    "train_together": "Arrange a session with somebody: sessions with others succeed more",
    "change_the_stimulus": "Change kind or intensity of the sessions: output is not expected to rise",
    "step_up": "Add a little: the plan holds, and the load is steady",
    "keep_going": "Keep going as it is",
}
OPPORTUNITIES = {
    "breakthrough": "more than the person usually does is within reach",
    "progression": "ready for a little more",
    "habit_strengthening": "comes regularly: a fixed time would make it a habit",
}
FORECASTS = {"injury_risk": "injury", "burnout": "burnout", "plateau": "plateau"}


def assessment(stores: Stores, user_id: str, night: date, _: Row) -> Content:
    """Return the person's action plan, forecasts and opportunities of the night."""
    rows = stores.lake(
        "SELECT integrated_risk_probability, action_plan, forecasts, opportunities FROM gold.user_predictions"
        " WHERE batch_date = ? AND user_id = ?",
        night,
        user_id,
    )
    return assessment_view(night, rows[0] if rows else {})


def assessment_view(night: date, row: Mapping[str, Any]) -> Content:
    """Shape the lists; each number with its name and unit."""
    if not row.get("action_plan"):
        msg = f"the person was not assessed in night {night}: a model must be in force first (`habitlake models`)"
        raise MissingError(msg)
    return {
        "risk": row["integrated_risk_probability"],
        "actions": [
            {"what": ACTIONS.get(one["action"], wording.words(one["action"])), "because": _numbers(one["because"])}
            for one in json.loads(row["action_plan"])
        ],
        "forecasts": [{**one, "name": FORECASTS.get(one["what"], one["what"])} for one in json.loads(row["forecasts"])],
        "opportunities": [
            {
                "name": wording.words(one["opportunity"]),
                "what": OPPORTUNITIES.get(one["opportunity"], ""),
                "because": _numbers(one["because"]),
            }
            for one in json.loads(row["opportunities"])
        ],
    }


def _numbers(because: Mapping[str, Any]) -> str:
    """Return the numbers that are known, as words."""
    shares = {*CHANCES, *(feature.name for feature in FEATURES if feature.unit == "share")}

    def told(name: str, value: str | float) -> str:
        if isinstance(value, str):
            return wording.words(value)
        return wording.percent(value) if name in shares else wording.number(value)

    return "; ".join(
        f"{wording.words(name)} {told(name, value)}" for name, value in because.items() if value is not None
    )


ASSESSMENT = Recipe(
    "person_assessment",
    "Assessment",
    "What predictions and figures together ask for: what to do next, what may come, what is within reach.",
    assessment,
    (
        *described("gold.user_predictions", ("action_plan", "forecasts", "opportunities")),
        ("integrated risk", MODELS["integrated_risk"].predicts),
        ("order", "what protects comes first, then what brings back, what makes the plan hold, what takes further"),
    ),
)
