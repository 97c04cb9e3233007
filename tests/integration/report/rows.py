"""A night of forty people and the weeks before it, written by hand into lake, ledger and marts."""

import json
import math
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa

from habitlake.clock import Interval
from habitlake.lake import arrow_schema, replace_nights
from habitlake.nights import ledger
from habitlake.runtime import postgres
from habitlake.settings import Settings
from habitlake.tables import get_table

NIGHT = date(2026, 3, 31)
FIRST = NIGHT - timedelta(days=69)
PEOPLE = 40
HOSTILE = '"><script>document.title="broken"</script><img src=http://127.0.0.1:9/x>'
HERO = f"u0 {HOSTILE}"
SLOTS = ("early_morning", "morning", "midday", "afternoon", "evening")


def back(days: int) -> date:
    return NIGHT - timedelta(days=days)


def person(index: int) -> str:
    return HERO if index == 0 else f"u{index}"


def write(settings: Settings, name: str, rows: list[dict]) -> None:
    """Replace all nights of a table by the rows; what is not given is null, or 0 in a ledger."""
    schema = arrow_schema(get_table(name))
    empty = {
        field.name: 0 if name.startswith("gold.user_day") and pa.types.is_integer(field.type) else None
        for field in schema
    }
    data = pa.Table.from_pylist([{**empty, **row} for row in rows], schema=schema)
    replace_nights(data, name, Interval(FIRST, NIGHT), settings)


def audits() -> list[dict]:
    return [
        {
            "batch_date": back(days),
            "_source_file": "events.jsonl",
            "raw_count": 1_000 + 10 * days,
            "accepted_count": 980 + 10 * days,
            "duplicate_count": 5,
            "rejected_count": 15,
            "reasons": [("malformed_json", 10), (HOSTILE, 5)],
        }
        for days in range(40)
    ]


def gate_results() -> list[dict]:
    common = {"batch_date": NIGHT, "table_name": "silver.workouts", "row_count": 500}
    return [
        {**common, "gate": "silver", "expectation": "duration_s between", "severity": "fail", "success": True},
        {
            **common,
            "gate": "silver",
            "expectation": f"equipment known {HOSTILE}",
            "severity": "warn",
            "success": False,
            "unexpected_count": 12,
        },
    ]


def features() -> list[dict]:
    return [
        {
            "batch_date": NIGHT,
            "user_id": person(index),
            "time_zone": "Europe/Berlin",
            "as_of_date": NIGHT,
            "first_local_date": FIRST,
            "observed_days_28d": index % 29,
            "sessions_7d": index % 4,
            "sessions_28d": index % 13,
            "streak_length_current": 3,
            "consistency_score": 0.62,
            "top_barrier": HOSTILE,
            "goal_progress": 0.4,
            "goal_progress_rate": 0.75,
            "weeks_to_goal": 6.5,
        }
        for index in range(PEOPLE)
    ]


def user_days() -> list[dict]:
    """Three days of training, one missed plan and rest in turns; nothing known of each eleventh day."""
    rows = []
    for days in range(60):
        if days % 11 == 10:
            continue
        done, missed = int(days % 5 < 3), int(days % 5 == 3)
        rows += [
            {
                "batch_date": back(days),
                "user_id": person(index),
                "local_date": back(days),
                "events": 3,
                "workouts_planned": done + missed,
                "workouts_completed": done,
                "workouts_skipped": missed,
                "duration_s": 1_800 * done,
                "sleep_count": 1,
                "sleep_s": 25_200,
            }
            for index in range(0, PEOPLE, 8)
        ]
    return rows


def contexts() -> list[dict]:
    return [
        {
            "batch_date": back(days),
            "user_id": person(index),
            "local_date": back(days),
            "time_slot": SLOTS[(index + days) % 5],
            "weather_band": ("fair", "wet")[index % 2],
            "location": ("home", "gym", "unknown")[index % 3],
            "with_whom": ("alone", "partner")[days % 2],
            "completed": 1 if (index * 7 + days * 3) % 10 < 7 else 0,
            "skipped": 0 if (index * 7 + days * 3) % 10 < 7 else 1,
        }
        for days in range(28)
        for index in range(PEOPLE)
    ]


def habit_states() -> list[dict]:
    def state(night: date, index: int, start: int) -> dict:
        strength = round(1 - math.exp(-start / 60), 6)
        return {
            "batch_date": night,
            "user_id": person(index),
            "as_of_date": night,
            "first_session_date": night - timedelta(days=start),
            "days_since_start": start,
            "frequency": 0.8,
            "consistency": 0.7,
            "context_stability": None,
            "habit_score": 0.66,
            "strength": strength,
            "projected_automatic_on": night + timedelta(days=30),
            "projected_earliest": night + timedelta(days=20),
            "status": ("forming", "automatic", "lapsed")[index % 3],
            "status_at_66_days": ("not_yet", "reached", "missed")[index % 3],
        }

    return [state(NIGHT, index, 3 * (index // 2) + 40) for index in range(PEOPLE)] + [
        state(back(days), 0, 40 - days) for days in range(1, 30)
    ]


def patterns() -> list[dict]:
    anything = dict.fromkeys(("time_slot", "weekday", "weather_band", "location", "with_whom"), "any")
    common = {
        "batch_date": NIGHT,
        "user_id": HERO,
        "interval_low": 0.6,
        "interval_high": 0.9,
        **anything,
        "shrunken_rate": 0.74,
    }
    return [
        {**common, "dimension": "overall", "attempts": 40, "completed": 27, "success_rate": 0.675, "rank": 1},
        {
            **common,
            "dimension": "time_slot",
            "time_slot": "morning",
            "attempts": 27,
            "completed": 22,
            "success_rate": 0.8148,
            "verdict": "success",
            "rank": 1,
            "evidence": f"mornings 81 % of 27, evenings 38 % of 13 {HOSTILE}",
        },
        {
            **common,
            "dimension": "weekday",
            "weekday": "friday",
            "attempts": 13,
            "completed": 5,
            "success_rate": 0.3846,
            "verdict": "risk",
            "rank": 1,
            "evidence": "fridays 38 % of 13, other days 81 % of 27",
        },
    ]


def predictions() -> list[dict]:
    factors = [
        {"feature": "sessions_7d", "value": 3.0, "contribution": 0.9},
        {"feature": HOSTILE, "value": None, "contribution": -0.4},
    ]

    def row(night: date, index: int) -> dict:
        return {
            "batch_date": night,
            "user_id": person(index),
            "model": "adherence",
            "model_version": "3",
            "feature_service": "adherence_v1",
            "probability": round(0.02 + index / PEOPLE * 0.96, 6),
            "confidence": 0.8,
            "top_factors": json.dumps(factors),
            "input_quality": "thin" if index % 10 == 9 else "complete",
        }

    ahead = [{"local_date": str(back(-days)), "days_ahead": days, "probability": days / 8} for days in range(1, 8)]
    skips = [one | {"probability": 1 - one["probability"], "basis": HOSTILE} for one in ahead[1::2]]
    of_days = {**row(NIGHT, 0), "model": "daily_session", "days": json.dumps(ahead), "skips": json.dumps(skips)}
    return [of_days] + [row(NIGHT, index) for index in range(PEOPLE)] + [row(back(days), 5) for days in range(1, 9)] + [
        {**row(back(days), 0), "probability": 0.5 + days / 60} for days in range(1, 20)
    ]  # fmt: skip


def user_predictions() -> list[dict]:
    plan = [{"action": HOSTILE, "because": {"sleep_debt_hours": 2.5, "top_barrier": HOSTILE}}]
    forecasts = [{"what": HOSTILE, "probability": None, "level": None, "not_known": "no model in force"}]
    return [
        {
            "batch_date": NIGHT,
            "user_id": person(index),
            "action_plan": json.dumps(plan),
            "forecasts": json.dumps(forecasts),
            "opportunities": json.dumps([{"opportunity": "progression", "because": {"adherence_probability": 0.8}}]),
            "input_quality": "complete",
        }
        for index in range(PEOPLE)
    ]


def decisions() -> list[dict]:
    candidates = [
        {"intervention": "small_start", "action": "encouragement", "channel": "push", "score": 0.6, "effect": 0.06,
         "effect_sd": 0.07, "probability": 0.4, "trigger": "lapse", "excluded": None},
        {"intervention": "one_walk", "action": "encouragement", "channel": "push", "score": 0.5, "effect": 0.05,
         "effect_sd": 0.07, "probability": 0.2, "trigger": "lapse", "excluded": None},
        {"intervention": "slow_breathing", "action": "stress_relief", "channel": "push", "score": 0.3, "effect": 0.03,
         "effect_sd": 0.07, "probability": None, "trigger": "sleep_debt", "excluded": "required: stress_level > 7"},
        {"action": "sleep_hygiene", "channel": "email", "score": 0.2, "trigger": "sleep_debt", "excluded": HOSTILE},
    ]  # fmt: skip

    def row(night: date, index: int) -> dict:
        available = index % 4 != 3
        send = available and index % 3 != 1
        return {
            "batch_date": night,
            "decision_id": f"{night}-{index}",
            "user_id": person(index),
            "local_date": night + timedelta(days=1),
            "time_zone": "Europe/Berlin",
            "horizon": 0,
            "available": available,
            "unavailable_reasons": [] if available else ["no_trigger", "weekly_cap"],
            "triggers": ["lapse", "sleep_debt"] if available else [],
            "action": ("encouragement", "habit_stacking")[index % 2] if available else "none",
            "channel": "push" if available else None,
            "intervention": "small_start" if available else None,
            "send": send,
            "probability": 0.6 if available else 0.0,
            "arms": ["small_start", "one_walk"] if available else None,
            "arm_probabilities": [0.4, 0.2] if available else None,
            "arm": 0 if send else None,
            "seed": 2**61 if send else 2**63 // 4 * 3,
            "candidates": json.dumps(candidates),
            "features": '{"stress_level": 4.5}',
            "message": f"You had 3 sessions in the week. {HOSTILE}",
            "policy_version": "scored-1+abc",
            "model": "adherence",
            "model_version": "3",
        }

    return [row(NIGHT, index) for index in range(PEOPLE)] + [row(back(days), 4 * days) | {"user_id": HERO, "available": days % 2 == 0, "send": days % 4 == 0} for days in range(1, 10)]  # fmt: skip


def answers() -> list[dict]:
    sent = back(4)
    common = {"batch_date": back(3), "user_id": HERO, "decision_id": f"{sent}-16", "event_date": back(3)}
    return [
        {
            **common,
            "event_id": kind,
            "event_type": f"intervention_{kind}",
            "event_at": datetime(2026, 3, 28, 8 + hour, tzinfo=UTC),
            "rating": 4.0 if kind == "rated" else None,
        }
        for hour, kind in enumerate(("delivered", "opened", "acted", "rated"))
    ]


def profiles() -> list[dict]:
    return [
        {
            "batch_date": FIRST,
            "event_id": "p0",
            "user_id": HERO,
            "primary_goal": HOSTILE,
            "preferred_times": ["morning"],
            "target_sessions_per_week": 3.0,
            "notifications_allowed": True,
        }
    ]


def analytics() -> list[dict]:
    return [
        {"batch_date": NIGHT, "user_id": HERO, "goal_progress": 0.4, "goal_progress_sessions": 0.9,
         "goal_progress_weight": 0.25}
    ]  # fmt: skip


def goals() -> list[dict]:
    return [
        {"batch_date": NIGHT, "user_id": HERO, "kind": "weekly_sessions", "valid_for": NIGHT + timedelta(days=1),
         "recommended_goal": 4.0, "usual_amount": 3.5, "success_probability": 0.62, "difficulty_level": "moderate",
         "adaptation_strategy": "estimated", "reasons": ["largest_rise"]}
    ]  # fmt: skip


def effects() -> list[dict]:
    common = {"batch_date": NIGHT, "level": "action", "sends_positive": 30, "silent_positive": 20}
    return [
        {**common, "name": name, "action": name, "decisions": decisions, "sends": decisions // 2, "effect": effect,
         "effect_sd": 0.02}
        for name, decisions, effect in (("encouragement", 200, 0.05), ("stress_relief", 90, -0.01), ("recovery_day", 0, 0.04))
    ]  # fmt: skip


def exercise(label: str, **dose: object) -> dict:
    return {
        "exercise": "squat",
        "kind": "strength",
        "label": label,
        "cue": f"Keep tall {HOSTILE}",
        "sets": 1,
        "rest_s": 0,
        **dose,
    }


def plan() -> str:
    """Return a week of three sessions as JSON, the first of it long."""

    def session(day: int) -> dict:
        return {
            "date": str(NIGHT + timedelta(days=day)), "weekday": "monday", "part_of_day": "early_morning",
            "title": f"Strength {HOSTILE}", "focus": "strength", "place": "gym", "intensity": "medium", "minutes": 35,
            "equipment": ["resting bench", HOSTILE], "warm_up": [exercise("Ankle circles", seconds=90)],
            "main": [exercise("Leg press", reps=12, sets=3, rest_s=45)]
            + [exercise(f"Move {number}", reps=8, sets=2, instead_of="jump_squat") for number in range(8 if day == 1 else 1)],
            "cool_down": [exercise("Figure-four stretch", seconds=60)],
            "short_version": {"energy_at_most": 4, "minutes": 10, "exercises": [exercise("Chair squat", seconds=600)]},
            "motivation": {},
        }  # fmt: skip

    return json.dumps(
        {"valid_from": str(NIGHT + timedelta(days=1)), "valid_to": str(NIGHT + timedelta(days=7)), "start_with": "short",
         "sessions": [session(day) for day in (1, 3, 5)], "motivation": {"general": f"Begin where you are. {HOSTILE}"}}
    )  # fmt: skip


def plans() -> list[dict]:
    return [
        {"batch_date": NIGHT, "user_id": person(index), "valid_from": NIGHT + timedelta(days=1),
         "due_reason": ("first", "week_over", "injury_changed", HOSTILE)[index % 4], "sessions": 0 if index == 9 else 3,
         "session_minutes": 15 + 10 * (index % 5), "minutes": 90, "focus": ("strength", "swim", HOSTILE)[index % 3],
         "place": ("gym", "outdoors")[index % 2], "level": "beginner", "block_week": 4, "deload": index % 2 == 0,
         "injured": index == 0, "injured_regions": ["lower_back", HOSTILE] if index == 0 else [], "swapped": index < 3,
         "reasons": ["deload_week", "past_injury"] if index % 2 == 0 else [], "plan": plan()}
        for index in range(20)
    ]  # fmt: skip


def onboarding() -> list[dict]:
    stages = ("core_setup", "pattern_discovery", "habit_formation", "advanced_features")
    path = {
        "stages": [
            {"stage": name, "days": 7, "steps": [
                {"step": f"step_{number}", "day": number, "title": f"Find your days {HOSTILE}", "done": number == 0}
                for number in range(3)
            ]} for name in stages
        ]
    }  # fmt: skip
    return [
        {"batch_date": NIGHT, "user_id": person(index), "valid_for": NIGHT + timedelta(days=1),
         "segment": ("general_user", "time_constrained_intermediate")[index % 2], "stage": stages[index % 3],
         "stage_entered_on": back(4), "success_on": back(1) if index % 5 == 0 else None, "next_step": "step_1",
         "next_step_due": back(2), "due": index % 4 == 0, "reminders_sent": 2, "message": f"Which days have room? {HOSTILE}",
         "path": json.dumps(path), "estimated_days": 40 + index, "status": "finished" if index == 15 else "active"}
        for index in range(16)
    ]  # fmt: skip


TABLES = {
    "gold.workout_plans": plans,
    "gold.onboarding": onboarding,
    "gold.response_state": effects,
    "gold.goals": goals,
    "silver.batch_audit": audits,
    "ops.gate_results": gate_results,
    "gold.user_features": features,
    "gold.user_day": user_days,
    "gold.user_day_context": contexts,
    "gold.habit_state": habit_states,
    "gold.context_patterns": patterns,
    "gold.user_analytics": analytics,
    "gold.predictions": predictions,
    "gold.user_predictions": user_predictions,
    "gold.decisions": decisions,
    "silver.intervention_events": answers,
    "silver.profiles": profiles,
}


def marts() -> dict[str, list[dict]]:
    """Rows of each mart that the page reads."""
    monday = date(2026, 3, 16)
    weeks = [monday - timedelta(days=7 * index) for index in range(10)]
    bins = [{"people": 4, "predicted": 0.1 * part + 0.05, "observed": min(1.0, part * 0.25)} for part in range(10)]
    score = {"position": 1, "area": "technical", "comparison": "at_least", "target": 0.75, "unit": "share"}
    known = {"interval_low": 0.6, "interval_high": 0.8, "n": 400, "trend": 0.02, "status": "missed"}
    return {
        "mart_active_users_daily": [
            {"local_date": back(days), "daily_active": 20 + days % 5, "weekly_active": 30, "monthly_active": 38,
             "stickiness": 0.55} for days in range(1, 40)
        ],
        "mart_retention_weekly": [
            {"cohort_week": cohort, "week_start_date": cohort + timedelta(days=7 * week), "weeks_since_start": week,
             "people": None if index == 3 else 120, "retained": None if index == 3 else 120 - 9 * week,
             "retained_share": None if index == 3 else round(1 - 0.075 * week, 4),
             "retained_share_low": 0.3, "retained_share_high": 0.99}
            for index, cohort in enumerate(weeks) for week in range(9)
            if cohort + timedelta(days=7 * week) <= NIGHT
        ],
        "mart_goal_achievement": [
            {"week_end_date": back(2), "goal": goal, "people": people, "reached": people and people // 3,
             "reached_share": people and 0.3333, "reached_share_low": people and 0.2,
             "reached_share_high": people and 0.5, "mean_progress": people and 0.61}
            for goal, people in (("sessions", 33), ("main", 39), ("weight", None))
        ],
        "mart_model_performance": [
            {"model": "adherence", "model_version": "3", "week_start_date": monday, "people": 40, "base_rate": 0.8,
             "mean_predicted": 0.5, "auc": 0.79, "auc_low": 0.66, "auc_high": 0.91, "calibration_error": 0.12,
             "calibration_bins": bins}
        ],
        "mart_kpi_scorecard": [
            {"kpi": "accuracy", "week_start_date": week, "name": "Prediction accuracy", "definition": f"calls {HOSTILE}",
             **score, **known, "value": 0.70 + index * 0.005, "not_measurable_because": None}
            for index, week in enumerate(weeks)
        ] + [
            {"kpi": "nps", "week_start_date": monday, "name": "Net promoter score", "definition": "of answers",
             **score, **dict.fromkeys(known), "position": 2, "unit": "points", "status": "not_measurable", "value": None,
             "not_measurable_because": "not measurable yet, because nobody was asked in the four weeks"}
        ],
        "mart_intervention_funnel": [
            {"local_date": back(days), "action": action, "sent": 20, "delivered": 18, "opened": 9, "acted": 4 - index,
             "dismissed": 2} for days in range(1, 20) for index, action in enumerate(("encouragement", "habit_stacking"))
        ],
    }  # fmt: skip


TYPES = {str: "text", int: "bigint", float: "numeric", date: "date", list: "jsonb"}


def write_marts(settings: Settings) -> None:
    """Make the schema of the marts anew with the rows."""
    with postgres.connect("habitlake", settings) as connection:
        connection.execute("DROP SCHEMA IF EXISTS marts CASCADE")
        connection.execute("CREATE SCHEMA marts")
        for name, rows in marts().items():
            kinds = {
                column: next((TYPES[type(row[column])] for row in rows if row[column] is not None), "numeric")
                for column in rows[0]
            }
            columns = ", ".join(f"{column} {kind}" for column, kind in kinds.items())
            connection.execute(f"CREATE TABLE marts.{name} ({columns})")
            values = ", ".join(["%s"] * len(kinds))
            for row in rows:
                plain = [json.dumps(value) if isinstance(value, list) else value for value in row.values()]
                connection.execute(f"INSERT INTO marts.{name} VALUES ({values})", plain)


def write_ledger(settings: Settings) -> None:
    """Make the ledger anew: forty nights that ended well but one, and the night itself, still running."""
    with ledger.connect(settings) as connection:
        connection.execute("DELETE FROM ops.nights")
        for days in range(40):
            night = back(days)
            started = datetime(night.year, night.month, night.day, 2, tzinfo=UTC) + timedelta(days=1)
            status = "running" if days == 0 else "failed" if days == 3 else "done"
            connection.execute(
                "INSERT INTO ops.nights (batch_date, status, fingerprint, link, manifest, failed_task, started_at,"
                " finished_at) VALUES (%s, %s, 'f', 'l', '{}', %s, %s, %s)",
                [night, status, "check_silver" if days == 3 else None, started,
                 None if days == 0 else started + timedelta(minutes=3)],
            )  # fmt: skip


def write_world(settings: Settings) -> None:
    """Write lake, ledger and marts."""
    for name, rows in TABLES.items():
        write(settings, name, rows())
    write_ledger(settings)
    write_marts(settings)
