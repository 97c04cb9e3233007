"""What was decided: from everyone to those who will hear from us, why the others will not, and what people answered."""

import math
from collections.abc import Sequence
from datetime import date, timedelta

from habitlake.report import reasons, wording
from habitlake.report.charts import Chart, Series, stacked_bars
from habitlake.report.panels import Content, MissingError, Recipe, described
from habitlake.report.stores import Row, Stores

ANSWER_DAYS = 28
MESSAGES_SHOWN = 10
BINS = 20
DRAW = "could be sent something, but was drawn to silence, so that effects can be compared"


def decisions(stores: Stores, night: date) -> Content:
    """Return the funnel of the night's decisions for the next local day, its draws and mix, and reasons for silence."""
    totals = stores.lake(
        "SELECT count(*) AS decided, count(*) FILTER (addressed) AS addressed,"
        " count(*) FILTER (addressed AND len(triggers) > 0) AS triggered, count(*) FILTER (available) AS available,"
        " count(*) FILTER (send) AS sent, avg(probability) FILTER (available) AS probability,"
        " sum(probability) AS expected, sum(probability * (1 - probability)) AS variance,"
        " any_value(policy_version) AS policy"
        " FROM (SELECT *, list_has_all(?, unavailable_reasons) AS addressed"
        " FROM gold.decisions WHERE batch_date = ? AND horizon = 0)",
        list(reasons.MOMENT),
        night,
    )
    bins = stores.lake(
        "SELECT least(round(probability * 1e6)::BIGINT // ?, ?)::INT AS bin, count(*) AS people,"
        " count(*) FILTER (send) AS sent, sum(probability) AS expected FROM gold.decisions"
        " WHERE batch_date = ? AND horizon = 0 AND available GROUP BY bin ORDER BY bin",
        1_000_000 // BINS,
        BINS - 1,
        night,
    )
    mix = stores.lake(
        "SELECT action, channel, count(*) AS available, count(*) FILTER (send) AS sent, avg(probability) AS probability"
        " FROM gold.decisions WHERE batch_date = ? AND horizon = 0 AND available"
        " GROUP BY GROUPING SETS ((action), (channel)) ORDER BY sent DESC, available DESC, action, channel",
        night,
    )
    messages = stores.lake(
        "SELECT coalesce(intervention, action) AS name, channel, count(*) AS sent FROM gold.decisions"
        " WHERE batch_date = ? AND horizon = 0 AND send GROUP BY ALL ORDER BY sent DESC, name, channel",
        night,
    )
    silence = stores.lake(
        "SELECT reason, count(*) AS people FROM (SELECT unnest(unavailable_reasons) AS reason FROM gold.decisions"
        " WHERE batch_date = ? AND horizon = 0 AND NOT available) GROUP BY reason ORDER BY people DESC, reason",
        night,
    )
    triggers = stores.lake(
        "SELECT name, count(*) AS people, count(*) FILTER (send) AS sent FROM (SELECT unnest(triggers) AS name, send"
        " FROM gold.decisions WHERE batch_date = ? AND horizon = 0) GROUP BY name ORDER BY people DESC, name",
        night,
    )
    return decisions_view(night, totals[0], bins, mix, messages, silence, triggers)


def decisions_view(
    night: date,
    totals: Row,
    bins: Sequence[Row],
    mix: Sequence[Row],
    messages: Sequence[Row],
    silence: Sequence[Row],
    triggers: Sequence[Row],
) -> Content:
    """Shape the funnel, the draws and the tables; shares are of all people decided on."""
    decided = totals["decided"]
    if not decided:
        msg = f"nothing was decided in night {night} yet: the task decide writes gold.decisions"
        raise MissingError(msg)
    stages = (
        ("decided on", decided),
        ("may be written to", totals["addressed"]),
        ("and a trigger fired", totals["triggered"]),
        ("and a message remained", totals["available"]),
        ("and drawn to send", totals["sent"]),
    )
    why = [{"text": reasons.unavailable(row["reason"]), "people": row["people"]} for row in silence]
    held_back = totals["available"] - totals["sent"]
    if held_back:
        why.append({"text": DRAW, "people": held_back})
    half = wording.Z_95 * math.sqrt(totals["variance"] or 0.0)
    return {
        "stages": wording.with_shares([{"name": name, "people": people} for name, people in stages], "people", decided),
        "types": [row for row in mix if row["action"] is not None],
        "channels": [row for row in mix if row["channel"] is not None],
        "messages": messages[:MESSAGES_SHOWN],
        "more_messages": max(0, len(messages) - MESSAGES_SHOWN),
        "silence": wording.with_shares(sorted(why, key=lambda row: (-row["people"], row["text"])), "people", decided),
        "triggers": wording.with_shares(
            [{**row, "meaning": reasons.TRIGGERS.get(row["name"])} for row in triggers], "people", decided
        ),
        "decided": decided,
        "available": totals["available"],
        "sent": totals["sent"],
        "policy": totals["policy"],
        "probability": totals["probability"],
        "expected": totals["expected"],
        "expected_low": max(0.0, (totals["expected"] or 0.0) - half),
        "expected_high": (totals["expected"] or 0.0) + half,
        "draws": draws(bins) if bins else None,
        "bins": [{**row, "range": _range(row["bin"])} for row in bins],
    }


def draws(bins: Sequence[Row]) -> Chart:
    """Return the histogram of the stored probabilities, each bar divided into what was drawn."""
    known = {row["bin"]: row for row in bins}
    span = range(min(known), max(known) + 1)

    def values(part: str) -> tuple[float | None, ...]:
        return tuple(
            (known[one]["sent"] if part == "send" else known[one]["people"] - known[one]["sent"])
            if one in known
            else None
            for one in span
        )

    return stacked_bars(
        [Series("drawn to send", "s1", values("send")), Series("drawn to silence", "s3", values("silence"))],
        [_range(one) for one in span],
        label="People who could be sent something, by their probability to be sent it",
        x_title="probability to send, as stored",
        y_title="people",
    )


def _range(one: int) -> str:
    return f"{100 * one // BINS}–{100 * (one + 1) // BINS} %"


def answers(stores: Stores, night: date) -> Content:
    """Return what people did with the messages of the last 28 local days, by kind of message."""
    rows = stores.postgres(
        "SELECT action, sum(sent)::bigint AS sent, sum(delivered)::bigint AS delivered, sum(opened)::bigint AS opened,"
        " sum(acted)::bigint AS acted, sum(dismissed)::bigint AS dismissed FROM marts.mart_intervention_funnel"
        " WHERE local_date BETWEEN %s AND %s AND action <> 'none' GROUP BY action ORDER BY delivered DESC, action",
        night - timedelta(days=ANSWER_DAYS - 1),
        night,
    )
    first = stores.postgres(
        "SELECT min(local_date) AS since FROM marts.mart_intervention_funnel WHERE sent > 0 AND local_date <= %s", night
    )
    return answers_view(night, rows, first[0]["since"])


def answers_view(night: date, rows: Sequence[Row], since: date | None) -> Content:
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
        "since": since,
        "rows": [
            {
                **row,
                "is_small": row["delivered"] < wording.SMALL_BASIS,
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
    "For each person's first local day that had not begun when the run started: who will hear from us, who will not, and"
    " why.",
    decisions,
    (
        ("decided on", "every person gets one decision for that day, also when it is silence"),
        (
            "may be written to",
            "an adult who did not opt out, in use, below the caps, not held out, in a known time zone",
        ),
        ("a message remained", "of those that answer the triggers, at least one message remained after exclusions"),
        ("drawn to send", "the draw fell below the probability; silence by draw makes effects estimable"),
        *described("gold.decisions", ("probability",)),
        (
            "expected to be sent",
            "sum of the probabilities; draws that keep to them fall into the interval on 95 % of nights",
        ),
        (
            "reasons for silence",
            "a person counts under each reason that holds for them, so the rows need not add up to those who stay silent",
        ),
        (
            "could be",
            (
                "people who could be sent something, by the type and channel of the message drawn, or, where silence was"
                " drawn, of the best message for them"
            ),
        ),
        ("mean probability", "mean, over the people of the row, of the probability to be sent anything at all"),
        ("triggers", "several may fire for a person, and a message answers one of them"),
    ),
)
ANSWERS = Recipe(
    "answers",
    "What people answered",
    "Messages of the last 28 days: delivered, opened, acted on.",
    answers,
    (
        ("delivered", "decisions for which the app reported a delivery"),
        ("opened", "delivered and opened; the percentage is of those delivered"),
        ("acted on", "delivered and followed by what the message asked for, as the app reports it"),
        ("95 % interval", "Wilson's interval of the percentage acted on"),
        ("sent", "decisions drawn to send; not all of them are reported as delivered, or not yet"),
        ("small basis", f"fewer than {wording.SMALL_BASIS} delivered: the percentages say little"),
        ("not an effect", "people who act might have trained anyway; effects come from comparing with silence by draw"),
    ),
)
