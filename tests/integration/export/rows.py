"""Rows of a small lake, written by hand."""

from datetime import UTC, date, datetime

import pyarrow as pa

from habitlake.clock import Interval
from habitlake.lake import arrow_schema, replace_nights
from habitlake.settings import Settings
from habitlake.tables import get_table


def night(day: int) -> date:
    return date(2026, 1, day)


def write(settings: Settings, name: str, rows: list[dict], first: int, last: int | None = None) -> None:
    """Replace the nights of January by the rows; counts that are not given are 0, everything else is null."""
    schema = arrow_schema(get_table(name))
    defaults = {
        field.name: 0 if name == "gold.user_day" and pa.types.is_integer(field.type) else None for field in schema
    }
    data = pa.Table.from_pylist([{**defaults, **row} for row in rows], schema=schema)
    replace_nights(data, name, Interval(night(first), night(last or first)), settings)


def user_day(batch: int, user: str, day: int, **facts) -> dict:
    return {"batch_date": night(batch), "user_id": user, "local_date": night(day), "events": 1, **facts}


def decision(batch: int, user: str, day: int, *, send: bool = True, action: str = "encouragement", **values) -> dict:
    return {
        "batch_date": night(batch),
        "decision_id": f"{batch}-{user}-{day}",
        "user_id": user,
        "local_date": night(day),
        "horizon": day - batch - 1,
        "available": True,
        "unavailable_reasons": [],
        "triggers": ["habit_gap"],
        "action": action,
        "channel": "push",
        "send": send,
        "probability": 0.5,
        **values,
    }


def answer(batch: int, decision_id: str, kind: str = "delivered", **values) -> dict:
    return {
        "batch_date": night(batch),
        "event_id": f"{batch}-{decision_id}-{kind}",
        "user_id": decision_id.split("-")[1],
        "event_type": f"intervention_{kind}",
        "event_at": datetime(2026, 1, batch, 12, tzinfo=UTC),
        "event_date": night(batch),
        "decision_id": decision_id,
        **values,
    }


def audit(batch: int, raw: int, accepted: int, duplicate: int = 0, reasons: dict | None = None, **values) -> dict:
    return {
        "batch_date": night(batch),
        "_source_file": "events.jsonl",
        "raw_count": raw,
        "accepted_count": accepted,
        "duplicate_count": duplicate,
        "rejected_count": sum((reasons or {}).values()),
        "reasons": list((reasons or {}).items()),
        **values,
    }


def workout(batch: int, user: str, workout_id: str, kind: str = "completed", **values) -> dict:
    return {
        "batch_date": night(batch),
        "event_id": f"{batch}-{user}-{workout_id}-{kind}",
        "user_id": user,
        "event_type": f"workout_{kind}",
        "event_at": datetime(2026, 1, batch, 12, tzinfo=UTC),
        "event_date": night(batch),
        "event_offset_s": 0,
        "workout_id": workout_id,
        "duration_s": 1800.0,
        **values,
    }


def profile(batch: int, user: str, **values) -> dict:
    return {
        "batch_date": night(batch),
        "user_id": user,
        "event_at": datetime(2026, 1, batch, 1, tzinfo=UTC),
        "time_zone": "UTC",
        **values,
    }


def habit(batch: int, user: str, days: int, strength: float, **values) -> dict:
    return {
        "batch_date": night(batch),
        "user_id": user,
        "first_session_date": night(batch - days),
        "days_since_start": days,
        "strength": strength,
        "habit_score": strength,
        "status": "forming",
        "status_at_66_days": "not_yet",
        **values,
    }


def analytics(batch: int, user: str, **values) -> dict:
    return {"batch_date": night(batch), "user_id": user, "as_of_date": night(batch), "goal_progress": 0.5, **values}
