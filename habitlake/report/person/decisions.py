"""What was decided for the person, night by night, and why."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from habitlake.report import wording
from habitlake.report.night.decisions import REASONS
from habitlake.report.panels import Content, MissingError, Recipe, described
from habitlake.report.stores import Row, Stores

NIGHTS = 14
ANSWERS = {
    "intervention_delivered": "delivered",
    "intervention_opened": "opened",
    "intervention_dismissed": "dismissed",
    "intervention_acted": "acted on",
    "intervention_rated": "rated",
}


def decisions(stores: Stores, user_id: str, night: date, _: Row) -> Content:
    """Return the last nights' decisions for the person's next day, with what the person answered."""
    first = night - timedelta(days=NIGHTS - 1)
    rows = stores.lake(
        "SELECT batch_date, decision_id, local_date, available, unavailable_reasons, triggers, intervention, action,"
        " channel, send, probability, candidates, message, policy_version, model, model_version FROM gold.decisions"
        " WHERE batch_date BETWEEN ? AND ? AND user_id = ? AND horizon = 0 ORDER BY batch_date DESC",
        first,
        night,
        user_id,
    )
    answers = stores.lake(
        "SELECT decision_id, event_type, rating FROM silver.intervention_events"
        " WHERE batch_date BETWEEN ? AND ? AND user_id = ? ORDER BY event_at, event_type",
        first,
        night,
        user_id,
    )
    return decisions_view(night, rows, answers)


def decisions_view(night: date, rows: Sequence[Row], answers: Sequence[Row]) -> Content:
    """Shape each decision as what, why, and what came of it."""
    if not rows:
        msg = f"nothing was decided for the person in the {NIGHTS} nights up to {night}"
        raise MissingError(msg)
    given: dict[str, list[str]] = {}
    for answer in answers:
        text = ANSWERS.get(answer["event_type"], wording.words(answer["event_type"]))
        if answer["rating"] is not None:
            text += f" {wording.number(answer['rating'])} stars"
        given.setdefault(answer["decision_id"], []).append(text)
    shown = [_decision(row, given.get(row["decision_id"], [])) for row in rows]
    newest: set[date] = set()
    for decision in shown:
        # After a change of the person's time zone two nights decide on one date: the newer one counts.
        decision["replaced"] = decision["local_date"] in newest
        newest.add(decision["local_date"])
    return {
        "rows": shown,
        "sent": sum(row["send"] for row in rows),
        "nights": len(rows),
    }


def _decision(row: Mapping[str, Any], answers: Sequence[str]) -> Row:
    """Return one decision; ``why`` is one sentence."""
    probability = wording.percent(row["probability"])
    # Nights before entries had names know the type alone.
    name = wording.words(row["intervention"] or row["action"])
    if not row["available"]:
        reasons = [REASONS.get(reason, wording.words(reason)) for reason in row["unavailable_reasons"] or []]
        result, why = "silence", "; ".join(reasons).capitalize()
    elif row["send"]:
        result = name
        why = f"Something was to be sent with probability {probability}, and the draw fell on this"
    else:
        result = "silence"
        why = f"{name.capitalize()} was the best candidate; at probability {probability} the draw said no"
    return {
        "local_date": row["local_date"],
        "night": row["batch_date"],
        "decision_id": row["decision_id"],
        "result": result,
        "sent": row["send"],
        "channel": wording.words(row["channel"]) if row["send"] else None,
        "why": why,
        "triggers": [wording.words(name) for name in row["triggers"] or []],
        "message": row["message"] if row["available"] else None,
        "candidates": [
            {
                "name": wording.words(candidate.get("intervention") or candidate["action"]),
                "score": candidate["score"],
                "trigger": wording.words(candidate["trigger"]),
                "excluded": wording.words(candidate["excluded"]) if candidate["excluded"] else None,
            }
            for candidate in sorted(json.loads(row["candidates"] or "[]"), key=lambda item: -item["score"])
        ],
        "model": f"{row['model']} version {row['model_version']}" if row["model"] else "no model",
        "policy": row["policy_version"],
        "answers": answers,
    }


DECISIONS = Recipe(
    "person_decisions",
    "Decisions and why",
    "For each of the last nights: what was decided for the next day, the reasons, and the answer.",
    decisions,
    (
        *described("gold.decisions", ("triggers", "probability", "policy_version")),
        (
            "candidate",
            "a message that answers a trigger that fired; the best ones not excluded are drawn among, with silence",
        ),
        ("score", "how promising the message is for the person, 0 to 1: the prior of what is learned of its effect"),
        ("the whole story", "habitlake explain DECISION_ID tells a decision with every value and threshold"),
    ),
)
