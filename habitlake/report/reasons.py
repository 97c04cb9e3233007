"""Why nothing is sent, in plain words: of people, and of the candidates of one decision; pure functions."""

import re
from collections.abc import Mapping
from typing import Any

from habitlake.report import wording

UNAVAILABLE = {
    "opted_out": "does not want messages",
    "minor": "under age",
    "holdout": "held out: is sent nothing, so that the others can be compared with them",
    "no_use": "no sign of use for weeks",
    "weekly_cap": "already reached as often as a week allows",
    "channel_cap_reached": "the channel was used as often as it may be in a week",
    "unknown_time_zone": "time zone not known, so no hour is safe",
    "no_trigger": "nothing called for a message",
    "no_candidate": "every message for the triggers was excluded",
}
# What is about the moment; every other reason is about the person.
MOMENT = ("no_trigger", "no_candidate")
EXCLUDED = {
    "cool_down": "was sent not long ago and has to rest",
    "channel_cap_reached": "its channels were used as often as they may be in a week",
    "no channel reaches the person": "no channel of it reaches the person",
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
    return f"{wording.words(kind)}: {told}"


def _condition(found: re.Match[str], values: Mapping[str, Any]) -> str:
    name, operator, threshold = found.groups()
    known = values.get(name)
    value = "not known" if known is None else f"is {wording.number(float(known))}"
    bound = f"{COMPARED[operator]} {wording.number(float(threshold))}".strip()
    return f"{wording.words(name)} {bound} ({value})"
