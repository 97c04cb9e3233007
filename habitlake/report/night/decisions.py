"""What was decided: from everyone to those who will hear from us, why the others will not, and what people answered."""

from collections.abc import Sequence
from datetime import date, timedelta

from habitlake.report import wording
from habitlake.report.panels import Content, MissingError, Recipe, described
from habitlake.report.stores import Row, Stores

ANSWER_DAYS = 28
REASONS = {
    "opted_out": "does not want messages",
    "minor": "under age",
    "no_use": "no sign of use for weeks",
    "weekly_cap": "already reached as often as a week allows",
    "unknown_time_zone": "time zone not known, so no hour is safe",
    "no_trigger": "nothing called for a message",
    "no_candidate": "every message for the triggers was excluded",
}
DRAW = "could be sent, but the draw said no: kept as comparison"


def decisions(stores: Stores, night: date) -> Content:
    """Return the funnel of the night's decisions for the next local day, its mix, and the reasons for silence."""
    totals = stores.lake(
        "SELECT count(*) AS decided, count(*) FILTER (len(triggers) > 0) AS triggered,"
        " count(*) FILTER (available) AS available, count(*) FILTER (send) AS sent,"
        " avg(probability) FILTER (available) AS probability, any_value(policy_version) AS policy"
        " FROM gold.decisions WHERE batch_date = ? AND horizon = 0",
        night,
    )
    mix = stores.lake(
        "SELECT action, channel, count(*) AS available, count(*) FILTER (send) AS sent, avg(probability) AS probability"
        " FROM gold.decisions WHERE batch_date = ? AND horizon = 0 AND available"
        " GROUP BY action, channel ORDER BY sent DESC, available DESC, action, channel",
        night,
    )
    silence = stores.lake(
        "SELECT reason, count(*) AS people FROM (SELECT unnest(unavailable_reasons) AS reason FROM gold.decisions"
        " WHERE batch_date = ? AND horizon = 0 AND NOT available) GROUP BY reason ORDER BY people DESC, reason",
        night,
    )
    triggers = stores.lake(
        "SELECT name, count(*) AS people FROM (SELECT unnest(triggers) AS name FROM gold.decisions"
        " WHERE batch_date = ? AND horizon = 0) GROUP BY name ORDER BY people DESC, name",
        night,
    )
    return decisions_view(night, totals[0], mix, silence, triggers)


def decisions_view(
    night: date, totals: Row, mix: Sequence[Row], silence: Sequence[Row], triggers: Sequence[Row]
) -> Content:
    """Shape the funnel and its tables; shares are of all people decided on."""
    decided = totals["decided"]
    if not decided:
        msg = f"nothing was decided in night {night} yet: the task decide writes gold.decisions"
        raise MissingError(msg)
    stages = (
        ("decided on", decided),
        ("a trigger fired", totals["triggered"]),
        ("could be sent something", totals["available"]),
        ("will be sent it", totals["sent"]),
    )
    reasons = [
        {"text": REASONS.get(row["reason"], wording.words(row["reason"])), "people": row["people"]} for row in silence
    ]
    held_back = totals["available"] - totals["sent"]
    if held_back:
        reasons.append({"text": DRAW, "people": held_back})
    return {
        "stages": [
            {"name": name, "people": people, "share": wording.ratio(people, decided)} for name, people in stages
        ],
        "mix": mix,
        "silence": [
            {**row, "share": wording.ratio(row["people"], decided)}
            for row in sorted(reasons, key=lambda row: (-row["people"], row["text"]))
        ],
        "triggers": [{**row, "share": wording.ratio(row["people"], decided)} for row in triggers],
        "decided": decided,
        "policy": totals["policy"],
        "probability": totals["probability"],
    }


def answers(stores: Stores, night: date) -> Content:
    """Return what people did with the messages of the last 28 local days, by kind of message."""
    rows = stores.postgres(
        "SELECT action, sum(sent)::bigint AS sent, sum(delivered)::bigint AS delivered, sum(opened)::bigint AS opened,"
        " sum(acted)::bigint AS acted, sum(dismissed)::bigint AS dismissed FROM marts.mart_intervention_funnel"
        " WHERE local_date BETWEEN %s AND %s AND action <> 'none' GROUP BY action ORDER BY delivered DESC, action",
        night - timedelta(days=ANSWER_DAYS - 1),
        night,
    )
    return answers_view(night, rows)


def answers_view(night: date, rows: Sequence[Row]) -> Content:
    """Shape the answers; rates are of what was delivered."""
    if not any(row["delivered"] for row in rows):
        msg = (
            f"no message for the {ANSWER_DAYS} days up to {night} is known to be delivered yet:"
            " the app reports it with events of the intervention family"
        )
        raise MissingError(msg)
    return {
        "from": night - timedelta(days=ANSWER_DAYS - 1),
        "to": night,
        "rows": [
            {
                **row,
                "opened_share": wording.ratio(row["opened"], row["delivered"]),
                "acted_share": wording.ratio(row["acted"], row["delivered"]),
                "acted_bounds": wording.wilson(row["acted"], row["delivered"]),
            }
            for row in rows
        ],
    }


DECISIONS = Recipe(
    "decisions",
    "Decisions for the next day",
    "From everyone to those who will hear from us, and why the others will not.",
    decisions,
    (
        ("decided on", "every person gets one decision for their next local day, also when it is silence"),
        *described("gold.decisions", ("available", "triggers", "send", "probability")),
        (
            "will be sent it",
            "available, and the draw fell below the probability; silence by draw makes effects estimable",
        ),
        ("reasons for silence", "a person can have several, so they need not add up"),
    ),
)
ANSWERS = Recipe(
    "answers",
    "What people answered",
    "Messages of the last 28 days: delivered, opened, acted on.",
    answers,
    (
        ("delivered", "decisions for which the app reported a delivery"),
        ("opened", "delivered and opened; the share is of those delivered"),
        ("acted on", "delivered and followed by what the message asked for, as the app reports it"),
        ("95 % interval", "Wilson's interval of the share acted on"),
        ("not an effect", "people who act might have trained anyway; effects come from comparing with silence by draw"),
    ),
)
