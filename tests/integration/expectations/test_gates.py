"""Every gate passes sound nights, is shown to fail, and says what, where and how to see it."""

import json
import subprocess
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pyarrow as pa
import pytest

from expectations.run import check_gate, failure_screen, judge, partitions, show_command, store_results
from expectations.suites import SUITES, suites_of
from habitlake.cli.lake import query
from habitlake.clock import Interval, night_end
from habitlake.lake import arrow_schema, replace_nights, scan_table
from habitlake.tables import FEATURES as FEATURE_REGISTRY
from habitlake.tables import get_table
from habitlake.tables.people import SEQUENCE_CHANNELS

NIGHT = date(2026, 3, 31)
NEXT = NIGHT + timedelta(days=1)
ONE = Interval(NIGHT, NIGHT)
BOTH = Interval(NIGHT, NEXT)
END = night_end(NIGHT)

WORKOUT = {
    "event_id": "e1", "user_id": "u1", "event_type": "workout_completed", "event_at": datetime(2026, 3, 31, 9, tzinfo=UTC),
    "event_offset_s": 7200, "event_date": NIGHT, "workout_id": "w1", "duration_s": 1800.0, "completion_rate": 0.9,
    "intensity": "high", "stress_level": 4.0,
}  # fmt: skip
PROFILE = {
    "event_id": "e1", "user_id": "u1", "event_type": "profile_updated", "event_at": END, "event_date": NIGHT, "age": 30,
    "health_conditions": ["pregnancy", "limited_walking"],
}  # fmt: skip
SLEEP = {**WORKOUT, "event_type": "sleep_logged", "sleep_duration_s": 27_000.0}
AUDIT = {"_source_file": "a.jsonl", "raw_count": 10, "accepted_count": 8, "duplicate_count": 1, "rejected_count": 1}
FORECAST = {
    "time_zone": "Europe/Berlin", "local_date": NEXT, "hour": 18, "issued_at": datetime(2026, 3, 31, 21, tzinfo=UTC),
    "weather": "rain", "temperature_f": 46.5,
}  # fmt: skip
LEDGER = {"user_id": "u1", "local_date": NIGHT} | {
    name: 0 for name in get_table("gold.user_day").column_names if name not in ("batch_date", "user_id", "local_date")
}
FEATURES = {feature.name: 0 for feature in FEATURE_REGISTRY if feature.null_means is None} | {
    "user_id": "u1", "event_timestamp": END, "created_timestamp": END, "time_zone": "Europe/Berlin",
    "as_of_date": NIGHT, "first_local_date": NIGHT, "workout_frequency_7d": 0.5, "workout_frequency_30d": 0.4,
    "stress_level": 4.0, "streak_length_current": 3,
}  # fmt: skip
HABIT = {
    "user_id": "u1", "as_of_date": NIGHT, "habit_score": 0.5, "strength": 0.4, "settled_strength": 0.1,
    "settled_date": date(2025, 12, 31), "first_session_date": date(2026, 1, 1), "days_since_start": 89,
    "status": "forming", "status_at_66_days": "missed", "projected_automatic_on": date(2026, 5, 1),
    "projected_earliest": date(2026, 4, 20),
}  # fmt: skip
ANALYTICS = {
    "user_id": "u1", "as_of_date": NIGHT, "event_timestamp": END, "created_timestamp": END, "streak_length": 3,
    "habit_status": "forming", "successful_contexts": "[]", "risk_factors": "[]", "engagement_score": 0.5,
    "goal_progress": 0.5, "goal_kind": "sessions",
}  # fmt: skip
REPORTED = {"completion_rate": 0.9, "sleep_hours": 7.5, "stress": 4.0, "energy": 6.0}
SEQUENCE = {"user_id": "u1", "as_of_date": NIGHT} | {
    name: [None] * 29 + [REPORTED[name]] if name in REPORTED else [0.0] * 29 + [1.0] for name, _ in SEQUENCE_CHANNELS
}
PREDICTION = {"user_id": "u1", "model": "adherence", "model_version": "1", "probability": 0.4, "input_quality": "thin"}
DECISION = {
    "decision_id": "d1", "user_id": "u1", "local_date": NEXT, "time_zone": "Europe/Berlin", "horizon": 0,
    "decided_at": END, "available": True, "unavailable_reasons": [], "send": True, "probability": 0.6, "seed": 2**62,
    "triggers": ["lapse"], "intervention": "one_walk_to_return", "action": "encouragement", "arms": ["one_walk_to_return", "a_rest"],
    "arm_probabilities": [0.4, 0.2], "message": "A short walk?", "send_at": datetime(2026, 4, 1, 6, tzinfo=UTC),
    "expires_at": datetime(2026, 4, 1, 18, tzinfo=UTC),
}  # fmt: skip
GOAL = {
    "user_id": "u1", "kind": "weekly_sessions", "valid_for": NEXT, "week_start": NIGHT, "recommended_goal": 3.0,
    "usual_amount": 2.5, "difficulty_level": "moderate", "success_probability": 0.6, "adaptation_strategy": "estimated",
    "reasons": [],
}  # fmt: skip
PLAN = {
    "user_id": "u1", "valid_from": NEXT, "due_reason": "first", "sessions": 2, "session_minutes": 30, "minutes": 60,
    "intensity": "low", "weekdays": ["monday", "thursday"], "block_week": 1, "injured": True, "plan": "{}",
}  # fmt: skip
ONBOARDING = {
    "user_id": "u1", "valid_for": NEXT, "stage": "core_setup", "stage_entered_on": NEXT, "next_step": "first_workout",
    "next_step_due": NEXT, "due": True, "message": "Ready?", "path": "{}", "estimated_days": 40, "status": "active",
}  # fmt: skip
STATE = {
    "level": "intervention", "name": "a_walk", "decisions": 10, "sends": 6, "sends_positive": 3, "silent_positive": 1,
    "delivered": 5, "effect": 0.04, "effect_sd": 0.02, "prior_share": 0.5,
}  # fmt: skip
SOUND = {
    "silver.workouts": WORKOUT,
    "silver.wellbeing": {key: SLEEP[key] for key in SLEEP if key in get_table("silver.wellbeing").column_names},
    "silver.weather": FORECAST,
    "silver.profiles": PROFILE,
    "silver.batch_audit": AUDIT,
    "gold.user_day": LEDGER,
    "gold.user_features": FEATURES,
    "gold.habit_state": HABIT,
    "gold.user_analytics": ANALYTICS,
    "gold.user_sequence": SEQUENCE,
    "gold.predictions": PREDICTION,
    "gold.user_predictions": {"user_id": "u1", "adherence_probability": 0.4, "input_quality": "complete"},
    "gold.user_windows": {"user_id": "u1", "windows": "[]", "input_quality": "complete"},
    "gold.goals": GOAL,
    "gold.workout_plans": PLAN,
    "gold.onboarding": ONBOARDING,
    "gold.response_state": STATE,
    "gold.decisions": DECISION,
}


@pytest.fixture(autouse=True)
def one_validator(validator, monkeypatch):
    """The library takes seconds to import and a context to make; the tests share one."""
    monkeypatch.setattr("expectations.run.Validator", lambda: validator)


def plant(settings, table, *rows, night=NIGHT):
    """Write a night's partition of full rows, unchecked."""
    complete = [{**dict.fromkeys(get_table(table).column_names), **row, "batch_date": night} for row in rows]
    schema = arrow_schema(get_table(table))
    data = pa.Table.from_pylist(complete, schema=schema)
    replace_nights(data, table, Interval(night, night), settings)


def words(line):
    """The words that a shell makes of a line."""
    printed = subprocess.run(["bash", "-c", f"printf '%s\\0' {line}"], capture_output=True, text=True, check=True)
    return printed.stdout.split("\0")[:-1]


def broken(results):
    return {(row["table_name"], row["expectation"]): row for row in results if not row["success"]}


def person(number, **changes):
    return {"user_id": f"u{number}", "event_id": f"e{number}", "decision_id": f"d{number}", **changes}


def rows_of(table, *changes):
    """Sound rows of different people, each with its changes."""
    names = set(get_table(table).column_names)
    return [
        {key: value for key, value in {**SOUND[table], **person(number), **change}.items() if key in names}
        for number, change in enumerate(changes)
    ]


@pytest.mark.parametrize("gate", ["silver", "gold", "queue"])
def test_a_sound_night_passes_and_an_empty_one_passes_with_warnings(settings, gate):
    for suite in suites_of(gate):
        if suite.table in SOUND:
            plant(settings, suite.table, SOUND[suite.table])
    results = check_gate(gate, BOTH, settings)
    assert not broken([row for row in results if row["batch_date"] == NIGHT])
    empty = broken([row for row in results if row["batch_date"] == NEXT])
    assert {row["severity"] for row in empty.values()} == {"warn"}
    assert {name for _, name in empty} == {"ExpectTableRowCountToBeBetween(table):warn"}
    assert len({(row["batch_date"], row["table_name"], row["expectation"]) for row in results}) == len(results)


BAD = [
    # gate, table, changes of rows (the first is sound), broken expectation, rows, sample
    ("silver", "silver.workouts", {"stress_level": 11.0}, "ExpectColumnValuesToBeNull(contract_violation)", ["stress_level"]),
    ("silver", "silver.workouts", {"intensity": "extreme"}, "ExpectColumnValuesToBeNull(contract_violation)", ["intensity"]),
    ("silver", "silver.workouts", {"event_type": "nap"}, "ExpectColumnValuesToBeNull(contract_violation)", ["event_type"]),
    ("silver", "silver.workouts", {"workout_id": None}, "ExpectColumnValuesToBeNull(contract_violation)", ["workout_id is missing"]),
    ("silver", "silver.workouts", {"user_id": "a b"}, "ExpectColumnValuesToMatchRegex(user_id)", []),
    ("silver", "silver.workouts", {"event_id": None}, "ExpectColumnValuesToNotBeNull(event_id)", None),
    ("silver", "silver.weather", {"hour": 24}, "ExpectColumnValuesToBeNull(contract_violation)", ["hour"]),
    ("silver", "silver.weather", {"hour": 19, "weather": None}, "ExpectColumnValuesToBeNull(contract_violation)", ["weather is missing"]),
    ("silver", "silver.weather", {"issued_at": FORECAST["issued_at"]}, "ExpectCompoundColumnsToBeUnique(time_zone,local_date,hour,issued_at)", None),
    ("silver", "silver.profiles", {"health_conditions": ["pregnancy", "gout"]}, "ExpectColumnValuesToBeNull(contract_violation)", ["health_conditions"]),
    ("silver", "silver.profiles", {"fitness_level": "hero"}, "ExpectColumnValuesToBeNull(contract_violation)", ["fitness_level"]),
    ("silver", "silver.batch_audit", {"_source_file": "b", "accepted_count": 7}, "ExpectColumnValuesToBeBetween(unaccounted_lines)", ["1"]),
    ("gold", "gold.user_day", {"steps": -1}, "ExpectColumnValuesToBeNull(negative_measure)", ["steps"]),
    ("gold", "gold.user_day", {"user_id": "u0"}, "ExpectCompoundColumnsToBeUnique(user_id,local_date)", []),
    ("gold", "gold.user_features", {"user_id": "u0"}, "ExpectColumnValuesToBeUnique(user_id)", []),
    ("gold", "gold.user_features", {"workout_frequency_30d": 30.0}, "ExpectColumnValuesToBeNull(feature_violation)", ["workout_frequency_30d"]),
    ("gold", "gold.user_features", {"sessions_7d": None}, "ExpectColumnValuesToBeNull(feature_violation)", ["sessions_7d"]),
    ("gold", "gold.user_features", {"as_of_date": NEXT}, "ExpectColumnValuesToBeBetween(days_as_of_before_night)", ["-1"]),
    ("gold", "gold.habit_state", {"strength": 1.2}, "ExpectColumnValuesToBeNull(habit_violation)", ["strength"]),
    ("gold", "gold.habit_state", {"status": "gone"}, "ExpectColumnValuesToBeNull(habit_violation)", ["status"]),
    ("gold", "gold.habit_state", {"projected_earliest": date(2026, 5, 2)}, "ExpectColumnValuesToBeNull(habit_violation)", ["projected date outside of its interval"]),
    ("gold", "gold.user_analytics", {"risk_factors": None}, "ExpectColumnValuesToBeNull(analytics_violation)", ["risk_factors"]),
    ("gold", "gold.user_analytics", {"engagement_score": 1.5}, "ExpectColumnValuesToBeNull(analytics_violation)", ["engagement_score"]),
    ("gold", "gold.user_sequence", {"sessions": [1.0] * 29}, "ExpectColumnValuesToBeNull(sequence_violation)", ["sessions"]),
    ("gold", "gold.user_sequence", {"load": [0.0] * 29 + [None]}, "ExpectColumnValuesToBeNull(sequence_violation)", ["load"]),
    ("gold", "gold.user_sequence", {"stress": [None] * 29 + [11.0]}, "ExpectColumnValuesToBeNull(sequence_violation)", ["stress"]),
    ("gold", "gold.user_sequence", {"sleep_hours": None}, "ExpectColumnValuesToBeNull(sequence_violation)", ["sleep_hours"]),
    ("queue", "gold.predictions", {"probability": 1.2}, "ExpectColumnValuesToBeBetween(probability)", ["1.2"]),
    ("queue", "gold.predictions", {"probability": None}, "ExpectColumnValuesToBeNull(prediction_violation)", ["neither probability nor value"]),
    ("queue", "gold.predictions", {"value": 2.0, "value_low": 2.5, "value_high": 3.0}, "ExpectColumnValuesToBeNull(prediction_violation)", ["value outside its interval"]),
    ("queue", "gold.user_predictions", {"churn_probability": -0.1}, "ExpectColumnValuesToBeNull(probability_violation)", ["churn_probability"]),
    ("queue", "gold.user_windows", {"input_quality": None}, "ExpectColumnValuesToNotBeNull(input_quality)", []),
    ("queue", "gold.goals", {"recommended_goal": 8.0}, "ExpectColumnValuesToBeNull(goal_violation)", ["more sessions than days"]),
    ("queue", "gold.goals", {"reasons": ["injured"]}, "ExpectColumnValuesToBeNull(goal_violation)", ["injured and asked for more than usual"]),
    ("queue", "gold.workout_plans", {"sessions": 3}, "ExpectColumnValuesToBeNull(plan_violation)", ["more sessions than days"]),
    ("queue", "gold.workout_plans", {"intensity": "high"}, "ExpectColumnValuesToBeNull(plan_violation)", ["injured and hard"]),
    ("queue", "gold.onboarding", {"next_step_due": date(2026, 4, 3)}, "ExpectColumnValuesToBeNull(onboarding_violation)", ["due before its date"]),
    ("queue", "gold.onboarding", {"status": "finished"}, "ExpectColumnValuesToBeNull(onboarding_violation)", ["a step after the end"]),
    ("queue", "gold.decisions", {"user_id": "u0"}, "ExpectCompoundColumnsToBeUnique(user_id,local_date)", []),
    ("queue", "gold.response_state", {"name": "b", "sends": 11, "silent_positive": 0}, "ExpectColumnValuesToBeNull(state_violation)", ["more sends than decisions"]),
    ("queue", "gold.response_state", {"name": "b", "effect": None}, "ExpectColumnValuesToBeNull(state_violation)", ["no belief"]),
    ("queue", "gold.decisions", {"probability": 0.9, "arm_probabilities": [0.9]}, "ExpectColumnValuesToBeBetween(available_probability)", ["0.9"]),
    ("queue", "gold.decisions", {"probability": None}, "ExpectColumnValuesToBeBetween(available_probability)", ["-1.0"]),
    ("queue", "gold.decisions", {"available": False, "probability": 0.0, "unavailable_reasons": ["no_use"]}, "ExpectColumnValuesToBeNull(availability_violation)", ["sent although unavailable"]),
    ("queue", "gold.decisions", {"available": False, "probability": 0.0, "send": False}, "ExpectColumnValuesToBeNull(availability_violation)", ["unavailable without a reason"]),
    ("queue", "gold.decisions", {"intervention": None}, "ExpectColumnValuesToBeNull(sending_violation)", ["sent without an intervention"]),
    ("queue", "gold.decisions", {"message": "Rest {days}."}, "ExpectColumnValuesToBeNull(sending_violation)", ["a message with a gap or of more than 240 characters"]),
    ("queue", "gold.decisions", {"triggers": ["injured"]}, "ExpectColumnValuesToBeNull(sending_violation)", ["injured and sent more than recovery"]),
    ("queue", "gold.decisions", {"message": " "}, "ExpectColumnValuesToBeNull(sending_violation)", ["sent without a message"]),
    ("queue", "gold.decisions", {"expires_at": datetime(2026, 4, 1, 6, tzinfo=UTC)}, "ExpectColumnValuesToBeNull(sending_violation)", ["expires before it is sent"]),
    ("queue", "gold.decisions", {"arm_probabilities": [0.55, 0.05]}, "ExpectColumnValuesToBeNull(arm_violation)", ["an arm below 0.1"]),
    ("queue", "gold.decisions", {"arm_probabilities": [0.4]}, "ExpectColumnValuesToBeNull(arm_violation)", ["arms that are not the probability"]),
    ("queue", "gold.decisions", {"intervention": "a_swim"}, "ExpectColumnValuesToBeNull(arm_violation)", ["sent what is no arm"]),
    ("queue", "gold.decisions", {"seed": 2**63 - 1}, "ExpectColumnValuesToBeNull(arm_violation)", ["not what the seed draws"]),
    # 05:30 UTC is 07:30 in Berlin in summer: an hour later than the same instant in winter.
    ("queue", "gold.decisions", {"send_at": datetime(2026, 4, 1, 5, 30, tzinfo=UTC)}, "ExpectColumnValuesToBeNull(sending_violation)", ["sent outside 08:00 to 21:00 local time"]),
]  # fmt: skip


@pytest.mark.parametrize(("gate", "table", "change", "expectation", "sample"), BAD)
def test_a_planted_row_breaks_its_expectation_and_no_other(
    settings, validator, gate, table, change, expectation, sample
):
    plant(settings, table, *rows_of(table, {}, change))
    suite = next(suite for suite in suites_of(gate) if suite.table == table)
    ((nights, rows),) = partitions(suite, ONE, settings)
    found = broken(judge(validator, suite, nights, rows))
    assert list(found) == [(table, expectation)]
    row = found[table, expectation]
    duplicates = 2 if "Unique" in expectation else 1
    assert (row["severity"], row["unexpected_count"], row["row_count"]) == ("fail", duplicates, 2)
    if sample is not None:
        assert json.loads(row["sample"]) == sample
    assert "u0" not in json.dumps(row, default=str)

    # The line that the screen gives shows just these rows.
    program, command, sql = words(show_command(row))
    assert (program, command) == ("habitlake", "sql")
    columns, shown = query(sql, settings)
    values = [dict(zip(columns, line, strict=True)) for line in shown]
    assert len(values) == duplicates
    for name, value in change.items():
        assert values[-1][name] == value


def test_a_night_of_mostly_refused_lines_fails_and_some_refused_lines_warn(settings):
    plant(
        settings,
        "silver.batch_audit",
        {**AUDIT, "raw_count": 100, "accepted_count": 30, "duplicate_count": 0, "rejected_count": 70},
        {
            **AUDIT,
            "_source_file": "b",
            "raw_count": 50,
            "accepted_count": 40,
            "duplicate_count": 0,
            "rejected_count": 10,
        },
    )
    found = broken(check_gate("silver", ONE, settings))
    audit = {name: row for (table, name), row in found.items() if table == "silver.batch_audit"}
    assert {name: row["severity"] for name, row in audit.items()} == {
        "ExpectColumnValuesToBeBetween(rejected_share):warn": "warn",
        "ExpectColumnValuesToBeBetween(night_rejected_share)": "fail",
    }


def test_a_forecast_of_mostly_refused_lines_warns_and_stops_no_night(settings):
    refused = {"_source_file": "../weather/a.jsonl", "raw_count": 1000, "accepted_count": 99, "rejected_count": 900}
    plant(settings, "silver.batch_audit", AUDIT, AUDIT | refused)
    found = broken(check_gate("silver", ONE, settings))
    assert {name: row["severity"] for (table, name), row in found.items() if table == "silver.batch_audit"} == {
        "ExpectColumnValuesToBeBetween(rejected_share):warn": "warn"
    }


def test_results_of_a_range_equal_the_loop_and_other_gates_are_kept(make_settings):
    stored = {}
    for way in ("range", "loop"):
        settings = make_settings(way)
        plant(settings, "gold.decisions", *rows_of("gold.decisions", {}, {"probability": 0.95}, {"probability": 0.05}))
        plant(settings, "gold.user_day", LEDGER, night=NEXT)
        parts = [BOTH] if way == "range" else [Interval(night, night) for night in reversed(list(BOTH.nights()))]
        for part in parts:
            for gate in ("queue", "gold", "queue"):
                store_results(gate, check_gate(gate, part, settings), part, settings)
        rows = scan_table("ops.gate_results", settings).collect()
        stored[way] = rows.sort("batch_date", "gate", "table_name", "expectation").rows()
    assert stored["range"] == stored["loop"]
    checks = sum(len(suite.checks) for suite in SUITES if suite.gate != "silver")
    assert len(stored["range"]) == 2 * checks


def test_a_failing_gate_stops_the_night_with_one_screen(services, job):
    plant(services, "gold.user_day", LEDGER)
    plant(services, "gold.user_features", FEATURES, {**FEATURES, "user_id": "u2", "stress_level": 12.0})
    result = job(services, "expectations.run", "--gate", "gold", "--start", str(NIGHT), check=False)
    assert result.returncode == 2
    assert "Traceback" not in result.stderr
    screen = result.stderr[result.stderr.index("error: ") :]
    assert "gate gold failed: 1 expectation does not hold; nothing was published" in screen
    assert "2026-03-31 gold.user_features: ExpectColumnValuesToBeNull(feature_violation)" in screen
    assert "1 of 2 rows, such as" in screen
    assert "stress_level < 1 OR stress_level > 10" in screen
    assert len(screen.splitlines()) < 25
    failing = ~pl.col("success") & (pl.col("severity") == "fail")  # tables without rows warn
    stored = scan_table("ops.gate_results", services).filter(failing).collect()
    assert stored["expectation"].to_list() == ["ExpectColumnValuesToBeNull(feature_violation)"]
    assert json.loads(stored["sample"].item()) == ["stress_level"]

    plant(services, "gold.user_features", FEATURES)
    job(services, "expectations.run", "--gate", "gold", "--start", str(NIGHT))
    assert scan_table("ops.gate_results", services).filter(failing).collect().height == 0


def test_the_screen_stays_one_screen_however_much_is_wrong(settings):
    bad = {"stress_level": 99.0, "workout_frequency_30d": 99.0, "skip_rate_30d": 9.0, "sleep_hours_7d": 99.0}
    bad |= {"time_zone": None, "as_of_date": None, "first_local_date": None}
    plant(settings, "gold.user_features", *rows_of("gold.user_features", *[bad] * 50))
    plant(settings, "gold.habit_state", *rows_of("gold.habit_state", {"strength": 9.0}))
    plant(settings, "gold.user_analytics", *rows_of("gold.user_analytics", {"engagement_score": 9.0}))
    failed = [row for row in check_gate("gold", ONE, settings) if not row["success"] and row["severity"] == "fail"]
    screen = failure_screen("gold", failed)
    assert f"and {len(failed) - 5} more" in screen
    assert len(screen.splitlines()) < 25
