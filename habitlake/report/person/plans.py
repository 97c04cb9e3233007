"""What the person is to train this week, and where they stand in onboarding."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from habitlake.report import wording
from habitlake.report.night.plans import DUE, RULES
from habitlake.report.panels import Content, MissingError, Recipe, described
from habitlake.report.stores import Row, Stores

NIGHTS = 28
BLOCK_WEEKS = 4
PARTS = (("warm_up", "Warm-up"), ("main", "Main part"), ("cool_down", "Cool-down"))


def plan(stores: Stores, user_id: str, night: date, _: Row) -> Content:
    """Return the person's newest plan, as known at the end of the night."""
    rows = stores.lake(
        "SELECT batch_date, valid_from, due_reason, sessions, session_minutes, level, block_week, deload, injured,"
        " injured_regions, swapped, reasons, plan FROM gold.workout_plans"
        " WHERE batch_date BETWEEN ? AND ? AND user_id = ? ORDER BY batch_date DESC LIMIT 1",
        night - timedelta(days=NIGHTS - 1),
        night,
        user_id,
    )
    return plan_view(night, rows)


def plan_view(night: date, rows: Sequence[Row]) -> Content:
    """Shape the plan: what it is and why, and its sessions day by day with what to do."""
    if not rows:
        msg = (
            f"no plan was made for the person in the {NIGHTS} nights up to {night}: minors, people who opted out and"
            " people out of use get none"
        )
        raise MissingError(msg)
    row = rows[0]
    written = json.loads(row["plan"])
    first, last = date.fromisoformat(written["valid_from"]), date.fromisoformat(written["valid_to"])
    return {
        "first": first,
        "last": last,
        "over": last <= night,
        "night": row["batch_date"],
        "sessions": row["sessions"],
        "minutes": row["session_minutes"],
        "facts": plan_facts(row, written),
        "days": [_session(session) for session in written["sessions"]],
        "motivation": written["motivation"]["general"],
    }


def plan_facts(row: Mapping[str, Any], written: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what shaped the plan as (name, words)."""
    facts = [
        ("written because", DUE.get(row["due_reason"], wording.words(row["due_reason"]))),
        ("level", wording.words(row["level"])),
        (
            "block",
            "a week of unloading: less time, smaller doses"
            if row["deload"]
            else f"week {row['block_week']} of {BLOCK_WEEKS}",
        ),
        (
            "begins with",
            "the short version, since energy was low" if written["start_with"] == "short" else "the full session",
        ),
    ]
    if row["injured"]:
        regions = ", ".join(wording.words(region) for region in row["injured_regions"] or [])
        facts.append(("unresolved injury", regions or "region not named, or an illness"))
    if row["swapped"]:
        facts.append(("adapted", "exercises were swapped for an injury or a stated constraint"))
    if row["reasons"]:
        facts.append(
            ("rules that shaped it", "; ".join(RULES.get(rule, wording.words(rule)) for rule in row["reasons"]))
        )
    return facts


def _session(session: Mapping[str, Any]) -> Row:
    short = session["short_version"]
    return {
        "date": date.fromisoformat(session["date"]),
        "title": session["title"],
        "part_of_day": wording.words(session["part_of_day"]) if session["part_of_day"] else None,
        "place": wording.words(session["place"]),
        "intensity": session["intensity"],
        "minutes": session["minutes"],
        "equipment": session["equipment"],
        "parts": [
            {"name": name, "exercises": [_exercise(one) for one in session[part]]}
            for part, name in PARTS
            if session[part]
        ],
        "short_minutes": short["minutes"],
        "short_energy": short["energy_at_most"],
        "short": [_exercise(one) for one in short["exercises"]],
    }


def _exercise(one: Mapping[str, Any]) -> Row:
    instead = one.get("instead_of")
    return {
        "label": one["label"],
        "dose": dose(one),
        "rest": seconds(one["rest_s"]) if one["rest_s"] else None,
        "cue": one["cue"],
        "instead_of": wording.words(instead) if instead else None,
    }


def dose(exercise: Mapping[str, Any]) -> str:
    """Return how much of an exercise to do, such as 3 × 10, or 22 min."""
    reps = exercise.get("reps")
    amount = f"{reps} times" if reps else seconds(exercise["seconds"])
    return f"{exercise['sets']} × {reps or amount}" if exercise["sets"] > 1 else amount


def seconds(value: int) -> str:
    """Return a time of an exercise, such as 45 s, 2 min or 2 min 30 s."""
    minutes, rest = divmod(value, 60)
    return " ".join(text for text in (f"{minutes} min" if minutes else "", f"{rest} s" if rest else "") if text)


def onboarding(stores: Stores, user_id: str, night: date, _: Row) -> Content:
    """Return where the person stands in onboarding, or when it was over."""
    rows = stores.lake(
        "SELECT batch_date, segment, stage, stage_entered_on, success_on, next_step, next_step_due, due,"
        " reminders_sent, message, path, estimated_days, status FROM gold.onboarding"
        " WHERE batch_date BETWEEN ? AND ? AND user_id = ? ORDER BY batch_date DESC LIMIT 1",
        night - timedelta(days=NIGHTS - 1),
        night,
        user_id,
    )
    return onboarding_view(night, rows)


def onboarding_view(night: date, rows: Sequence[Row]) -> Content:
    """Shape onboarding: the stage among all, the next step, and which steps of the path are done."""
    if not rows:
        msg = f"the person was in no onboarding in the {NIGHTS} nights up to {night}: it is over, or never began"
        raise MissingError(msg)
    row = rows[0]
    path = json.loads(row["path"])
    names = [stage["stage"] for stage in path["stages"]]
    titles = {step["step"]: step["title"] for stage in path["stages"] for step in stage["steps"]}
    here = names.index(row["stage"]) if row["stage"] in names else None
    active = row["status"] == "active"
    return {
        "status": row["status"],
        "active": active,
        "as_of": row["batch_date"],
        "stage": wording.words(row["stage"]),
        "number": None if here is None else here + 1,
        "stages_in_all": len(names),
        "entered": row["stage_entered_on"],
        "success_on": row["success_on"],
        "segment": wording.words(row["segment"]),
        "step": titles.get(row["next_step"], wording.words(row["next_step"])) if row["next_step"] else None,
        "step_due": row["next_step_due"],
        "due": row["due"],
        # Two local dates can begin before the one that the night decides on.
        "overdue": row["next_step_due"] is not None and row["next_step_due"] <= night,
        "asked": row["reminders_sent"],
        "message": row["message"] if row["next_step"] else None,
        "days": row["estimated_days"],
        "stages": [
            {
                "name": wording.words(stage["stage"]),
                "now": active and number == here,
                "done": sum(step["done"] for step in stage["steps"]),
                "steps": stage["steps"],
            }
            for number, stage in enumerate(path["stages"])
        ],
    }


PLAN = Recipe(
    "person_plan",
    "Workout plan",
    "The week's training, session by session, in the person's language.",
    plan,
    (
        ("dose", "rounds × repetitions, or time; rest is between rounds"),
        ("short version", "for a day on which the person reports energy of so much or less"),
        ("instead of", "the exercise that an injury or a stated constraint ruled out"),
        *described("gold.workout_plans", ("block_week",)),
    ),
)
ONBOARDING = Recipe(
    "person_onboarding",
    "Onboarding",
    "The stage that the person is in, and the step that comes next.",
    onboarding,
    (
        *described("gold.onboarding", ("segment", "next_step_due", "reminders_sent", "estimated_days")),
        ("✓ done", "the step is done or was once"),
        ("○ open", "the step is not done yet"),
        *described("gold.onboarding", ("status",)),
    ),
)
