"""Who the person is and what they did: profile, key figures, days."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from habitlake.errors import PermanentError
from habitlake.report import wording
from habitlake.report.night.people import WEEKDAYS
from habitlake.report.panels import Content, MissingError, Recipe
from habitlake.report.stores import Row, Stores
from habitlake.tables import FEATURES

WEEKS = 8
# A day's facts arrive with its night, or later; plans arrive before it.
EARLY_NIGHTS = 14
PROFILE = {
    "primary_goal": "main goal",
    "goal_timeline": "time to the goal",
    "fitness_level": "stated level",
    "preferred_times": "preferred parts of the day",
    "workout_types": "preferred workouts",
    "communication_style": "preferred tone",
    "subscription_tier": "subscription",
    "notifications_allowed": "consent to messages",
}
KEY_FEATURES = (
    "injured",
    "sessions_7d",
    "sessions_28d",
    "days_since_last_session",
    "streak_length_current",
    "consistency_score",
    "completion_rate_30d",
    "skip_rate_30d",
    "top_barrier",
    "sleep_debt_hours",
    "stress_level",
    "acute_load",
    "chronic_load",
)
MEANINGS = {
    "injured": "an injury that began in the last 14 days is not resolved",
    "days_since_last_session": "days since the last session (looks back 90 days)",
    "streak_length_current": (
        "session days since the last break: a missed plan or 7 days without a session; a rest day breaks nothing"
    ),
    "stress_level": "mean of all stress reports (not of days), 7 days",
    "acute_load": "acute daily load: weighted mean that looks back about a week",
    "chronic_load": "chronic daily load: weighted mean that looks back about four weeks",
}


def snapshot(stores: Stores, user_id: str, night: date) -> Row:
    """Return the person's features as known at the end of the night.

    Raises
    ------
    PermanentError
        If nobody of that name is known then.
    """
    rows = stores.lake("SELECT * FROM gold.user_features WHERE batch_date = ? AND user_id = ?", night, user_id)
    if not rows:
        msg = (
            f"no person {user_id!r} is known at the end of night {night}; identifiers are those the app sends:"
            ' habitlake sql "select user_id from gold.user_features limit 5"'
        )
        raise PermanentError(msg)
    return rows[0]


def who(stores: Stores, user_id: str, night: date, features: Row) -> Content:
    """Return the profile in force and the key figures with their meaning."""
    profiles = stores.lake(
        f"SELECT {', '.join(PROFILE)}, target_sessions_per_week, target_weight_kg FROM silver.profiles"
        " WHERE batch_date <= ? AND user_id = ? ORDER BY batch_date DESC LIMIT 1",
        night,
        user_id,
    )
    return who_view(features, profiles[0] if profiles else {})


def who_view(features: Mapping[str, Any], profile: Mapping[str, Any]) -> Content:
    """Shape the profile and the key figures; what is not known says why."""
    meaning = {feature.name: feature for feature in FEATURES}
    return {
        "injured": bool(features.get("injured")),
        "time_zone": features["time_zone"],
        "as_of": features["as_of_date"],
        "first_seen": features["first_local_date"],
        "profile": [
            (label, _said(profile[name])) for name, label in PROFILE.items() if profile.get(name) not in (None, [])
        ],
        "figures": [
            {
                "name": wording.words(name),
                "value": _value(features.get(name), meaning[name].unit),
                "unit": _unit(name, meaning[name].unit),
                "is_text": meaning[name].unit == "text",
                "meaning": MEANINGS.get(name, meaning[name].description),
                "why_missing": meaning[name].null_means if features.get(name) is None else None,
            }
            for name in KEY_FEATURES
            if name in meaning
        ],
    }


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(wording.words(str(part)) for part in value)
    return wording.words(str(value))


def _unit(name: str, unit: str) -> str:
    if name.startswith("streak_length"):
        return "session days"
    return "" if unit in {"text", "share", "flag"} else unit


def _value(value: str | float | None, unit: str) -> str:
    if value is None:
        return "–"
    if unit == "flag":
        return "yes" if value else "no"
    if unit == "share" and not isinstance(value, str):
        return wording.percent(value)
    return wording.words(value) if isinstance(value, str) else wording.number(value)


def days(stores: Stores, user_id: str, night: date, features: Row) -> Content:
    """Return the last weeks day by day, as known at the end of the night."""
    last = features["as_of_date"]
    first = last - timedelta(days=last.weekday() + 7 * (WEEKS - 1))
    rows = stores.lake(
        "SELECT local_date, sum(events)::BIGINT AS events, sum(workouts_planned)::BIGINT AS planned,"
        " sum(workouts_completed)::BIGINT AS completed, sum(workouts_skipped)::BIGINT AS skipped,"
        " sum(duration_s) / 60.0 AS minutes, sum(sleep_s) / 3600.0 / nullif(sum(sleep_count), 0) AS sleep_hours,"
        " sum(stress_permille) / 1000.0 / nullif(sum(stress_count), 0) AS stress,"
        " sum(screen_s) / 60.0 AS screen_minutes"
        " FROM gold.user_day WHERE batch_date BETWEEN ? AND ? AND user_id = ? AND local_date BETWEEN ? AND ?"
        " GROUP BY local_date ORDER BY local_date",
        first - timedelta(days=EARLY_NIGHTS),
        night,
        user_id,
        first,
        last,
    )
    return days_view(first, last, features["first_local_date"], rows)


def days_view(first: date, last: date, begin: date, rows: Sequence[Row]) -> Content:
    """Shape the calendar: one row per week from Monday, one cell per day, and the days with their facts."""
    known = {row["local_date"]: row for row in rows}
    if not any(row["events"] for row in rows):
        msg = f"nothing is known of the days from {first} to {last}: no event of the person arrived for them"
        raise MissingError(msg)
    weeks: list[Row] = []
    monday = first
    while monday <= last:
        cells = []
        for offset in range(7):
            one = monday + timedelta(days=offset)
            cells.append(None if one > last or one < begin else _day(one, known.get(one)))
        weeks.append({"monday": monday, "cells": cells})
        monday += timedelta(days=7)
    counted = [cell for week in weeks for cell in week["cells"] if cell]
    return {
        "weekdays": WEEKDAYS,
        "weeks": weeks,
        "days": [row for row in reversed(rows) if row["events"]],
        "first": max(first, begin),
        "last": last,
        "observed": len(counted),
        "trained": sum(cell["kind"] == "done" for cell in counted),
        "missed": sum(cell["kind"] == "missed" for cell in counted),
        "silent": sum(cell["kind"] == "silent" for cell in counted),
    }


def _day(one: date, row: Mapping[str, Any] | None) -> Row:
    """Return what a day of the calendar shows: a session, a missed plan, a day of rest, or silence."""
    if row is None or not row["events"]:
        return {"kind": "silent", "mark": "", "text": "no sign", "title": f"{wording.day(one)}: no sign of use"}
    if row["completed"]:
        kind, mark, text = "done", "✓", f"{row['minutes']:.0f} min"
    elif row["skipped"] or row["planned"]:
        kind, mark, text = "missed", "✕", "missed"
    else:
        kind, mark, text = "rest", "·", "rest"
    title = (
        f"{wording.day(one)}: {row['completed']} completed, {row['skipped']} skipped, {row['planned']} planned,"
        f" {row['minutes']:.0f} minutes"
    )
    return {"kind": kind, "mark": mark, "text": text, "title": title}


WHO = Recipe(
    "who",
    "What is known",
    "The profile as the person last stated it, and figures of the last complete days.",
    who,
    (
        ("as of", "last local day that was over for the person when the night ended; figures look back from it"),
        ("windows", "each figure's window stands in its meaning; days are local days of the person"),
        ("mean", "of all reports of the window: a day with three reports weighs three times"),
    ),
)
DAYS = Recipe(
    "days",
    "Day by day",
    "Sessions, missed plans and rest of the last eight weeks.",
    days,
    (
        ("✓ session", "at least one workout was completed; minutes of all sessions of the day"),
        ("✕ missed", "a workout was planned or skipped and none was completed"),
        ("· rest", "signs of use, nothing planned, nothing done: a day off, not a miss"),
        ("no sign", "no event of the person is known for the day: it is not counted as a miss"),
    ),
)
