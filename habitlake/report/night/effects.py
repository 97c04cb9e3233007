"""What sending did, by type of intervention: the beliefs of the night, learned from the draws."""

from collections.abc import Sequence
from datetime import date

from habitlake.report import wording
from habitlake.report.panels import Content, MissingError, Recipe, described
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
    return {
        "rows": [
            {
                **row,
                "sent_share": wording.ratio(row["sends_positive"], row["sends"]),
                "silent_share": wording.ratio(row["silent_positive"], row["decisions"] - row["sends"]),
                "low": row["effect"] - 1.96 * row["effect_sd"],
                "high": row["effect"] + 1.96 * row["effect_sd"],
            }
            for row in rows
        ]
    }


EFFECTS = Recipe(
    "effects",
    "What messages did",
    "What sending adds to the share of days with the response that a message aims at, compared with silence by draw.",
    effects,
    (
        *described("gold.response_state", ("decisions", "sends", "effect")),
        (
            "response",
            "a session on the date, or what the type aims at: rest, seven hours of sleep or little stress the day after",
        ),
        ("points", "per cent of days; the interval holds the effect with 95 %, the model and its prior granted"),
        (
            "the two shares",
            "as they were; people and days differ between them, which the effect takes out by the draws",
        ),
    ),
)
