from datetime import date

import pyarrow as pa

from habitlake.cli.decided import decided
from habitlake.clock import Interval
from habitlake.lake import arrow_schema, replace_nights
from habitlake.tables import get_table

NIGHT = date(2026, 3, 1)


def write(settings, name, rows):
    schema = arrow_schema(get_table(name))
    whole = [dict.fromkeys(schema.names) | {"batch_date": NIGHT} | row for row in rows]
    replace_nights(pa.Table.from_pylist(whole, schema=schema), name, Interval(NIGHT, NIGHT), settings)


def test_a_night_says_who_is_told_something_and_why_the_others_are_not(make_settings):
    settings = make_settings()
    sent = {"user_id": "a", "horizon": 0, "available": True, "send": True}
    drawn = {"user_id": "b", "horizon": 0, "available": True, "send": False}
    capped = {
        "user_id": "c",
        "horizon": 0,
        "available": False,
        "send": False,
        "unavailable_reasons": ["weekly_cap", "no_trigger"],
    }
    write(settings, "gold.decisions", [sent, drawn, capped, sent | {"horizon": 1}])
    goals = [
        {"user_id": user, "kind": "weekly_sessions", "recommended_goal": goal}
        for user, goal in zip("ab", (2, 3), strict=True)
    ]
    write(settings, "gold.goals", goals)
    plan = {"sessions": 3, "session_minutes": 20}
    write(settings, "gold.workout_plans", [{"user_id": "a"} | plan, {"user_id": "b", "sessions": 0}])
    newcomer = {"user_id": "a", "stage": "core_setup", "status": "active", "due": True}
    write(settings, "gold.onboarding", [newcomer, newcomer | {"user_id": "b", "status": "finished"}])
    assert decided(settings, NIGHT) == [
        ("messages", 1, "of 3 people"),
        ("without a message", 2, "silence drawn 1, weekly cap 1"),
        ("goals", 2, "weekly sessions 2.5 (median)"),
        ("plans due", 2, "sessions 3.0, minutes a session 20 (medians), a week of rest 1"),
        ("onboarding", 1, "core setup 1, steps due 1"),
    ]


def test_a_night_on_which_nothing_could_be_decided_says_so(make_settings):
    assert [people for _, people, _ in decided(make_settings(), NIGHT)] == [0] * 5
