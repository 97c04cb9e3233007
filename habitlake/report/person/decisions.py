"""What was decided for the person, night by night, and why."""

import itertools
import json
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from habitlake.report import reasons, wording
from habitlake.report.panels import Content, MissingError, Recipe, described
from habitlake.report.stores import Row, Stores

NIGHTS = 14
# A decision's draw is its seed over this.
DRAW_RANGE = 2.0**63
# Effects and scores are stored with 6 decimals.
SAME = 1e-4
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
        " channel, send, probability, arms, arm_probabilities, arm, seed, candidates, features, message, policy_version,"
        " model, model_version FROM gold.decisions"
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
    fired = {name for row in rows for name in row["triggers"] or []}
    return {
        "rows": shown,
        "triggers": [(wording.words(name), reasons.TRIGGERS[name]) for name in reasons.TRIGGERS if name in fired],
        "sent": sum(row["send"] for row in rows),
        "nights": len(rows),
    }


def _decision(row: Mapping[str, Any], answers: Sequence[str]) -> Row:
    """Return one decision; ``why`` is one sentence."""
    probability = wording.percent(row["probability"])
    # Nights before entries had names know the type alone.
    name = wording.words(row["intervention"] or row["action"])
    if not row["available"]:
        result = "silence"
        why = "; ".join(reasons.unavailable(reason) for reason in row["unavailable_reasons"] or []).capitalize()
    elif row["send"]:
        result = name
        why = f"Something was to be sent with probability {probability}, and the draw fell on this message"
    else:
        result = "silence"
        why = (
            f"Silence by draw: something would have been sent with probability {probability} ({_likeliest(row, name)})"
        )
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
        "candidates": _candidates(row),
        "prior_only": _is_prior(json.loads(row["candidates"] or "[]")),
        "draw": _draw(row),
        "model": f"{row['model']} version {row['model_version']}" if row["model"] else "no model",
        "policy": row["policy_version"],
        "answers": answers,
    }


def _candidates(row: Mapping[str, Any]) -> list[Row]:
    """Return the candidates, those drawn among first, then by score; ``excluded`` says why not in plain words."""
    values = json.loads(row["features"] or "{}")
    found = json.loads(row["candidates"] or "[]")
    # Nights before effects were learned know neither effect nor probability of a candidate.
    return [
        {
            "name": wording.words(one.get("intervention") or one["action"]),
            "score": one["score"],
            "effect": one.get("effect"),
            "effect_sd": one.get("effect_sd"),
            "probability": one.get("probability") if row["available"] else None,
            "trigger": wording.words(one["trigger"]),
            "excluded": reasons.excluded(one["excluded"], values) if one["excluded"] else None,
        }
        for one in sorted(found, key=lambda one: (-(one.get("probability") or 0), -one["score"]))
    ]


def _likeliest(row: Mapping[str, Any], best: str) -> str:
    if not row["arms"]:
        return f"best candidate {best}"
    probability, name = max(zip(row["arm_probabilities"], row["arms"], strict=True), key=lambda arm: arm[0])
    return f"most likely {wording.words(name)}, {wording.percent(probability)}"


def _is_prior(candidates: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether nothing was learned yet: then effects are one multiple of the scores, and equally uncertain."""
    told = [one for one in candidates if one.get("effect") is not None and one["score"]]
    if len(told) < 2:
        return False
    ratios = [one["effect"] / one["score"] for one in told]
    return len({one["effect_sd"] for one in told}) == 1 and max(ratios) - min(ratios) < SAME


def _draw(row: Mapping[str, Any]) -> Row | None:
    """Return the number drawn and the stretch of 0 to 1 of each arm and of silence; None where nothing was drawn."""
    if not row["available"] or not row["arms"]:
        return None
    names = [*(wording.words(name) for name in row["arms"]), "silence"]
    edges = [0.0, *itertools.accumulate(row["arm_probabilities"]), 1.0]
    drawn = len(row["arms"]) if row["arm"] is None else row["arm"]
    return {
        "number": row["seed"] / DRAW_RANGE,
        "arms": [
            {"name": name, "low": low, "high": high, "probability": high - low, "drawn": number == drawn}
            for number, (name, (low, high)) in enumerate(zip(names, itertools.pairwise(edges), strict=True))
        ],
    }


DECISIONS = Recipe(
    "person_decisions",
    "Decisions and why",
    "For each of the last nights: what was decided for the next day, the reasons, and the answer.",
    decisions,
    (
        *described("gold.decisions", ("triggers", "policy_version")),
        ("date", "the first local day of the person that had not begun when the night's run could start"),
        (
            "candidate",
            "a message that answers a trigger that fired; the best ones not excluded are drawn among, with silence",
        ),
        ("score", "how promising the message is for the person, 0 to 1: the prior of what is learned of its effect"),
        (
            "effect",
            (
                "what it is believed to add to the percentage of days with the response that it aims at, in percentage"
                " points; after ± one standard deviation of that belief"
            ),
        ),
        (
            "probability",
            "of being drawn; one uniform number from the decision's own seed falls on an arm or on silence",
        ),
        ("the whole story", "habitlake explain DECISION_ID tells a decision with every value and threshold"),
    ),
)
