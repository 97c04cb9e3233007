"""Why nothing is sent, in plain words: of people, and of the candidates of one decision; pure functions."""

import re
from collections.abc import Mapping
from typing import Any

from habitlake.report import wording

UNAVAILABLE = {
    "opted_out": "does not want messages",
    "minor": "under age",
    "holdout": "held out: is sent nothing, so that the others can be compared with them",
    "no_use": "no sign of use for four weeks",
    "weekly_cap": "the messages of a week are used up, counting those sent and those known to be delivered",
    "channel_cap_reached": "the channel was used as often as it may be in a week",
    "unknown_time_zone": "time zone not known, so no hour is safe",
    "no_trigger": "nothing called for a message",
    "no_candidate": "every message for the triggers was excluded",
}
# What is about the moment; every other reason is about the person.
MOMENT = ("no_trigger", "no_candidate")
EXCLUDED = {
    "cool_down": "sent too recently",
    "channel_cap_reached": "its channels were used as often as they may be in a week",
    "no channel reaches the person": "no channel of it reaches the person",
}
# Why a line was refused (habitlake.contracts.base.Reason).
REFUSED = {
    "unreadable_file": "the file could not be read",
    "invalid_encoding": "not UTF-8",
    "oversized_line": "longer than a line may be",
    "empty_line": "nothing on the line",
    "malformed_json": "not JSON",
    "not_an_object": "JSON, but no object",
    "missing_field": "a field that must be there is not",
    "wrong_type": "a value of another type than the contract's",
    "out_of_range": "a value outside the contract's range",
    "bad_timestamp": "a time that cannot be read",
    "clock_skew": "a time that lies after the night in which the line arrived",
    "unknown_event_type": "a kind of event without a contract",
    "conflict": "the event is known already, with other content",
}
ALLOWED = {"recovery alone": "recovery messages only"}
# What makes each trigger fire, short; thresholds stand in interventions/triggers.yaml.
TRIGGERS = {
    "injured": "an injury of the last 14 days is not resolved",
    "burnout_risk": "the predicted risk of burnout is high",
    "injury_risk": "the load of the last days is far above the usual one; no prediction of an injury",
    "onboarding_step_due": "a step of onboarding comes up",
    "high_skip_risk": "the model expects the plan of the week to be missed",
    "streak_at_risk": "a streak of sessions, and none for two days",
    "comeback": "the first session of the week after a gap, by someone who usually trains more often",
    "lapse": "no session for a week; a lapsed habit is one without a session for 14 complete days",
    "sleep_debt": "much sleep is missing per night",
    "high_stress": "the mean of the reported stress is high",
    "monotonous_training": "the same load on nearly every day of the week",
    "goal_progress_slow": "far fewer sessions in the last 7 days than the weekly target",
    "plateau": "regular sessions, and no more output over eight weeks",
    "milestone_reached": "the streak has just reached a round number of session days",
    "habit_formed": "training became automatic within the last three days",
    "personal_record": "the streak is the longest of the last 90 days",
    "long_preparation": "many minutes of preparation before a session",
    "uneven_times": "sessions succeed far more at some times of day than at others",
    "better_together": "sessions with others succeed more than those alone",
}
COMPARED = {">": "above", ">=": "at least", "<": "below", "<=": "at most", "==": ""}
CONDITION = re.compile(r"(\w+) (>=|<=|==|>|<) (-?[\d.e+-]+)")


def unavailable(reason: str) -> str:
    """Return why a person cannot be sent anything; an unknown reason by its name."""
    return UNAVAILABLE.get(reason, wording.words(reason))


def excluded(reason: str, values: Mapping[str, Any]) -> str:
    """Return why a candidate was excluded, with what the decision knew of the values that it names.

    Parameters
    ----------
    reason
        As in ``candidates`` of gold.decisions: ``cool_down``, ``required: CONDITION``,
        ``contraindicated: CONDITION and CONDITION``, ``GUARD: what it allows``, or a reason by name.
    values
        ``features`` of the decision.
    """
    if reason in EXCLUDED:
        return EXCLUDED[reason]
    kind, colon, rest = reason.partition(": ")
    if not colon:
        return wording.words(reason)
    told = CONDITION.sub(lambda found: _condition(found, values), rest)
    if kind == "required":
        return f"needs {told}"
    if kind == "contraindicated":
        return f"not for {told}"
    return f"{wording.words(kind)}: {ALLOWED.get(told, told)}"


def _condition(found: re.Match[str], values: Mapping[str, Any]) -> str:
    name, operator, threshold = found.groups()
    known = values.get(name)
    value = "not known" if known is None else f"is {_apart(float(known), float(threshold))}"
    bound = f"{COMPARED[operator]} {wording.number(float(threshold))}".strip()
    return f"{wording.words(name)} {bound} ({value})"


def _apart(value: float, threshold: float) -> str:
    """Return the value with as many decimals as it takes to differ from the threshold, where it differs."""
    texts = [wording.number(value, decimals) for decimals in (2, 3, 4, 6)]
    return next((text for text in texts if text != wording.number(threshold, 6)), texts[0])
