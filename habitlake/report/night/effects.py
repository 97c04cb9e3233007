"""What sending did, by type of intervention: the beliefs of the night, learned from the draws."""

from collections.abc import Sequence
from datetime import date

from habitlake.report import wording
from habitlake.report.panels import Content, MissingError, Recipe
from habitlake.report.stores import Row, Stores


def effects(stores: Stores, night: date) -> Content:
    """Return the effect of each type that something was learned about, the greatest first."""
    rows = stores.lake(
        "SELECT action, decisions, sends, sends_positive, silent_positive, effect, effect_sd FROM gold.response_state"
        " WHERE batch_date = ? AND level = 'action' AND decisions > 0 ORDER BY effect DESC, action",
        night,
    )
    return effects_view(night, rows)


def effects_view(night: date, rows: Sequence[Row]) -> Content:
    """Shape the effects; intervals are of 95 %."""
    if not rows:
        msg = (
            f"nothing is known of the effect of messages in night {night} yet: it is learned from published decisions,"
            " a night after their local date"
        )
        raise MissingError(msg)
    shown = [
        {
            **row,
            "silent": row["decisions"] - row["sends"],
            "sent_share": wording.ratio(row["sends_positive"], row["sends"]),
            "silent_share": wording.ratio(row["silent_positive"], row["decisions"] - row["sends"]),
            "low": row["effect"] - 1.96 * row["effect_sd"],
            "high": row["effect"] + 1.96 * row["effect_sd"],
        }
        for row in rows
    ]
    return {"rows": shown, "proven": sum(row["low"] > 0 or row["high"] < 0 for row in shown)}


EFFECTS = Recipe(
    "effects",
    "What messages did",
    "How many more days in a hundred have the response that a message aims at when it is sent, compared with silence by"
    " draw; learned from every drawn decision whose local day is over and judged.",
    effects,
    (
        ("sent, silent", "days on which the type was drawn to be sent, and on which silence was drawn instead of it"),
        ("effect", "best estimate of what sending adds, in percentage points"),
        (
            "response",
            "a session on the date, or what the type aims at: rest, seven hours of sleep or little stress the day after",
        ),
        ("95 % interval", "holds the effect with 95 % probability, if the model's assumptions hold"),
        (
            "response when sent, when silent",
            (
                "as they were counted; their difference need not be the effect: people and days with a high probability to be"
                " sent are more often among those sent, which the effect corrects for by the known probabilities of the"
                " draws, and with few days it stays near what was assumed beforehand"
            ),
        ),
    ),
)
