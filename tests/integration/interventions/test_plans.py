"""Workout plans over a real lake: hand-made people, when a plan is due, and the same in a rerun."""

import json
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from habitlake.clock import Interval
from habitlake.lake import scan_table
from habitlake.settings import Settings
from interventions.health import CONDITIONS
from interventions.plans.catalogue import catalogue
from interventions.plans.contract import WorkoutPlan
from interventions.plans.job import weeks_of, write_plans
from interventions.profiles import newest_profiles, read_profiles
from interventions.reading import Reader
from tests.integration.interventions.lake import write

FIRST = date(2026, 3, 2)
NIGHTS = [FIRST + timedelta(days=number) for number in range(30)]
HURT_ON, HEALED_ON, SPIKE_ON = NIGHTS[10], NIGHTS[19], NIGHTS[7]
STATED_ON, WITHDRAWN_ON = NIGHTS[3], NIGHTS[12]
DUMBBELLS = ["dumbbells"]
WEEKEND = json.dumps({day: {"available": day in ("saturday", "sunday")} for day in
                      ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")})  # fmt: skip
PEOPLE = {
    "knee": {"workout_types": ["strength"], "fitness_level": "intermediate", "equipment": DUMBBELLS, "language": "de"},
    "bare": {"workout_types": ["hiit"], "fitness_level": "intermediate", "equipment": []},
    "brief": {"workout_types": ["yoga"], "available_time_min": 10.0, "workout_duration_min": [10.0, 30.0]},
    "steady": {"workout_types": ["run"], "fitness_level": "intermediate", "communication_style": "direct"},
    "newcomer": {"workout_types": ["strength"], "target_sessions_per_week": 4.0},
    "gym": {"workout_types": ["strength"], "fitness_level": "advanced", "workout_duration_min": [60.0, 90.0]},
    "minor": {"age": 17, "workout_types": ["run"]},
    "silent": {"workout_types": ["run"], "notifications_allowed": False},
    "ill": {"workout_types": ["swim"], "communication_style": "playful"},
    "past": {"workout_types": ["hiit"], "fitness_level": "advanced", "injury_history": ["Left knee surgery"], "schedule_json": WEEKEND},
    "spiked": {"workout_types": ["cycling"], "fitness_level": "advanced"},
    "unknown": {},
    "pregnant": {"workout_types": ["hiit"], "fitness_level": "advanced", "equipment": DUMBBELLS, "health_conditions": ["pregnancy"]},
    "heart": {"workout_types": ["run"], "fitness_level": "advanced", "language": "de", "health_conditions": ["heart_condition"]},
    "seated": {"workout_types": ["hiking"], "fitness_level": "intermediate", "health_conditions": ["limited_walking"]},
    "newly": {"workout_types": ["hiit"], "fitness_level": "intermediate"},
}  # fmt: skip
GOALS = {
    "knee": (3, 90),
    "bare": (3, 60),
    "brief": (5, 150),
    "steady": (3, 90),
    "gym": (4, 240),
    "past": (3, 90),
    "pregnant": (3, 90),
    "heart": (3, 90),
    "seated": (3, 90),
}
PLANNED = set(PEOPLE) - {"minor", "silent"}


def features(user, night):
    """Return a night's features of a person known for long; one is new, one tired, one spiked, two are injured."""
    new = user == "newcomer"
    return {
        "user_id": user, "time_zone": "Europe/Berlin", "as_of_date": night, "observed_days_28d": 20,
        "days_since_first_event": (night - FIRST).days + (0 if new else 100), "acute_load": 40.0,
        "chronic_load": 20.0 if user == "spiked" and night >= SPIKE_ON else 40.0, "monotony": 1.0, "stress_level": 4.0,
        "energy_level": 3.0 if user == "unknown" else 7.0, "sleep_debt_hours": 2.5 if user == "brief" else 0.0,
        "injured": int(user in ("knee", "ill") and HURT_ON <= night < HEALED_ON),
    }  # fmt: skip


def report(user, part, status, night):
    """Return a report of an injury."""
    at = datetime(night.year, night.month, night.day, 20, tzinfo=UTC)
    return {"event_id": f"{user}-{status}", "user_id": user, "event_type": "injury_reported", "event_at": at,
            "event_date": night, "body_part": part, "injury_status": status}  # fmt: skip


def pattern(user, dimension, value, attempts, rate):
    """Return a context pattern of one dimension."""
    anything = dict.fromkeys(("time_slot", "weekday", "weather_band", "location", "with_whom"), "any")
    return {"user_id": user, "dimension": dimension, **anything, dimension: value, "attempts": attempts,
            "shrunken_rate": rate}  # fmt: skip


PATTERNS = [
    pattern("gym", "location", "gym", 20, 0.9), pattern("gym", "location", "home", 20, 0.4),
    pattern("gym", "time_slot", "early_morning", 20, 0.9), pattern("gym", "time_slot", "evening", 2, 1.0),
    *(pattern("gym", "weekday", day, 6, rate) for day, rate in
      (("monday", 0.9), ("wednesday", 0.85), ("friday", 0.9), ("saturday", 0.8), ("sunday", 0.2))),
]  # fmt: skip


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """Return settings of a world of 30 nights with these people."""
    settings = Settings(home=tmp_path_factory.mktemp("plans"), _env_file=None)
    write("silver.profiles", [{"user_id": user, "event_id": user, "age": 30, **known} for user, known in PEOPLE.items()], FIRST, settings)  # fmt: skip
    for night, stated in ((STATED_ON, ["postpartum"]), (WITHDRAWN_ON, [])):
        at = datetime(night.year, night.month, night.day, 12, tzinfo=UTC)
        write("silver.profiles", [{"user_id": "newly", "event_at": at, "age": 30, **PEOPLE["newly"], "health_conditions": stated}], night, settings)  # fmt: skip
    for night in NIGHTS:
        write("gold.user_features", [features(user, night) for user in PEOPLE], night, settings)
        goals = [
            {"user_id": user, "kind": kind, "recommended_goal": float(amount)}
            for user, amounts in GOALS.items()
            for kind, amount in zip(("weekly_sessions", "weekly_minutes"), amounts, strict=True)
        ]
        write("gold.goals", goals, night, settings)
        write("gold.context_patterns", PATTERNS, night, settings)
    write("silver.wellbeing", [report("knee", "Right knee", "started", HURT_ON), report("ill", "Flu", "started", HURT_ON)], HURT_ON, settings)  # fmt: skip
    write("silver.wellbeing", [report("knee", "Right knee", "resolved", HEALED_ON), report("ill", "Flu", "resolved", HEALED_ON)], HEALED_ON, settings)  # fmt: skip
    return settings


def run(settings, nights):
    """Run the nights as the job does."""
    reader, profiles = Reader(settings, NIGHTS[-1]), read_profiles(Interval(NIGHTS[0], NIGHTS[-1]), settings)
    for night in nights:
        newest = newest_profiles(profiles, night)
        write_plans(night, newest, weeks_of(night, newest, reader), reader)


@pytest.fixture(scope="module")
def done(lake):
    """Return the world with every night's plans."""
    run(lake, NIGHTS)
    return lake


def plans(settings, **equal):
    """Return stored plans in order."""
    return scan_table("gold.workout_plans", settings).collect().sort("batch_date", "user_id").filter(**equal)


def plan(settings, user, night=FIRST):
    """Return one stored plan and its content."""
    row = plans(settings, user_id=user, batch_date=night).row(0, named=True)
    return row, WorkoutPlan.model_validate_json(row["plan"])


def exercises(content):
    """Return the catalogue's entries of all exercises of a plan, the short versions included."""
    known = catalogue().exercises
    return [
        known[item.exercise]
        for session in content.sessions
        for part in (session.warm_up, session.main, session.cool_down, session.short_version.exercises)
        for item in part
    ]


def test_a_minor_and_who_opted_out_get_none_and_everybody_else_one_on_the_first_night(done):
    first = plans(done, batch_date=FIRST)
    assert set(first["user_id"]) == PLANNED
    assert set(first["due_reason"]) == {"first"}
    assert not set(plans(done)["user_id"]) & {"minor", "silent"}


def test_a_plan_is_due_every_seventh_day_and_when_injuries_change(done):
    assert plans(done, user_id="steady")["batch_date"].to_list() == NIGHTS[::7]
    knee = plans(done, user_id="knee")
    assert knee["due_reason"].to_list() == [
        "first", "week_over", "injury_changed", "week_over", "injury_changed", "week_over",
    ]  # fmt: skip
    assert knee["batch_date"].to_list()[2:5] == [HURT_ON, NIGHTS[17], HEALED_ON]
    assert knee["injured_regions"].to_list()[2:5] == [["knee"], ["knee"], []]


def test_an_injured_knee_is_left_alone(done):
    before, sound = plan(done, "knee")
    assert any("knee" in item.contraindicated for item in exercises(sound))
    row, content = plan(done, "knee", HURT_ON)
    assert (row["injured"], row["swapped"], row["intensity"], row["reasons"]) == (True, True, "low", ["injured"])
    assert not any("knee" in item.contraindicated for item in exercises(content))
    assert {session.intensity for session in content.sessions} == {"low"}
    swapped = [item.instead_of for session in content.sessions for item in session.main if item.instead_of]
    assert all("knee" in catalogue().exercises[name].contraindicated for name in swapped)
    assert content.sessions[0].title == "Kraft"
    assert (before["block_week"], row["block_week"]) == (1, 1)


def test_an_illness_means_rest(done):
    row, content = plan(done, "ill", HURT_ON)
    assert (row["sessions"], row["minutes"], row["reasons"], content.sessions) == (0, 0, ["rest_ill"], [])
    assert (row["focus"], row["place"], row["weekdays"]) == (None, None, [])
    assert plan(done, "ill", HEALED_ON)[0]["sessions"] == 2
    assert plan(done, "ill")[1].style == "playful"


def test_a_past_injury_allows_gentle_load_alone_and_the_schedule_is_kept(done):
    row, content = plan(done, "past")
    loads_it = [item for item in exercises(content) if "knee" in item.contraindicated]
    assert all(item.intensity == "low" for item in loads_it)
    assert "past_injury" in row["reasons"]
    assert {"saturday", "sunday"} < set(row["weekdays"])
    assert len(row["weekdays"]) == 3


def test_what_is_stated_of_health_keeps_effort_where_it_is_safe(done):
    for user, condition, intensities in (
        ("pregnant", "pregnancy", ["medium", "medium", "medium", "low"]),
        ("heart", "heart_condition", ["low"] * 4),
        ("seated", "limited_walking", ["medium", "medium", "medium", "low"]),
    ):
        weeks = plans(done, user_id=user)
        assert weeks["intensity"].to_list()[:4] == intensities, user
        for night in weeks["batch_date"]:
            row, content = plan(done, user, night)
            assert row["reasons"][0] == "stated_constraint"
            assert (row["injured"], row["injured_regions"]) == (False, [])
            assert condition not in {name for item in exercises(content) for name in item.contraindicated}
            assert not [name for name in CONDITIONS if name in str(row)]
    assert {session.focus for session in plan(done, "heart")[1].sessions[:2]} == {"walk"}
    assert {session.focus for session in plan(done, "seated")[1].sessions[:2]} == {"gentle"}
    assert plan(done, "seated")[0]["swapped"]


def test_a_note_comes_first_for_who_states_anything_and_for_nobody_else(done):
    notes = {user: plan(done, user)[1].note for user in PLANNED}
    assert {user for user, note in notes.items() if note} == {"pregnant", "heart", "seated"}
    assert (
        notes["pregnant"]
        == notes["seated"]
        == "Keep to what you have agreed with your doctor. It comes before this plan."
    )
    assert notes["heart"] == "Halte dich an das, was du ärztlich besprochen hast. Das geht diesem Plan vor."
    assert '"note"' not in plan(done, "steady")[0]["plan"]


def test_doses_do_not_rise_for_who_is_held_where_they_are(done):
    def doses(user, week):
        _, content = plan(done, user, NIGHTS[7 * week])
        return {item.reps / catalogue().exercises[item.exercise].reps
                for session in content.sessions for item in session.main if item.reps}  # fmt: skip

    assert doses("pregnant", 0) == doses("pregnant", 1) == doses("pregnant", 2) == {1.0}


def test_a_condition_that_is_stated_or_withdrawn_takes_effect_at_once(done):
    newly = plans(done, user_id="newly")
    assert newly["due_reason"].to_list() == [
        "first",
        "constraint_changed",
        "week_over",
        "constraint_changed",
        "week_over",
        "week_over",
    ]
    assert newly["batch_date"].to_list() == [FIRST, STATED_ON, NIGHTS[10], WITHDRAWN_ON, NIGHTS[19], NIGHTS[26]]
    assert ["stated_constraint" in reasons for reasons in newly["reasons"]] == [False, True, True, False, False, False]
    assert [WorkoutPlan.model_validate_json(text).note is not None for text in newly["plan"]] == [
        False,
        True,
        True,
        False,
        False,
        False,
    ]


def test_without_equipment_nothing_is_needed(done):
    _, content = plan(done, "bare")
    assert not any(item.equipment for item in exercises(content))
    assert {item.kind for session in content.sessions for item in session.main} >= {"conditioning", "strength"}


def test_ten_minutes_a_day_are_ten_minutes(done):
    row, content = plan(done, "brief")
    assert (row["sessions"], row["session_minutes"], row["intensity"]) == (5, 10, "low")
    assert "worn_out" in row["reasons"]
    for session in content.sessions:
        work = [item for part in (session.warm_up, session.main, session.cool_down) for item in part]
        seconds = sum(item.sets * ((item.seconds or 3 * item.reps) + item.rest_s) for item in work)
        assert 480 <= seconds <= 600


def test_every_fourth_week_unloads_and_the_block_starts_anew(done):
    weeks = plans(done, user_id="steady")
    assert weeks["block_week"].to_list() == [1, 2, 3, 4, 1]
    assert weeks["deload"].to_list() == [False, False, False, True, False]
    assert weeks["session_minutes"].to_list() == [30, 30, 30, 15, 30]
    assert weeks["intensity"].to_list() == ["medium", "medium", "medium", "low", "medium"]


def test_doses_rise_a_little_from_week_to_week(done):
    def doses(week):
        _, content = plan(done, "bare", NIGHTS[7 * week])
        return [item.reps / catalogue().exercises[item.exercise].reps
                for session in content.sessions for item in session.main if item.reps]  # fmt: skip

    mean = [sum(found) / len(found) for found in map(doses, range(4))]
    assert mean[0] == 1.0 < mean[1] < mean[2] <= 1.15
    assert 0.7 < mean[3] < 0.9


def test_a_spike_of_load_unloads_at_once(done):
    before, _ = plan(done, "spiked")
    row, content = plan(done, "spiked", SPIKE_ON)
    assert (before["deload"], before["intensity"], before["place"]) == (False, "high", "outdoors")
    assert (row["deload"], row["reasons"], content.deload) == (True, ["load_spike", "usual_start"], True)
    assert row["session_minutes"] < before["session_minutes"]


def test_a_newcomer_starts_gently_with_what_they_want(done):
    row, content = plan(done, "newcomer")
    assert (row["sessions"], row["intensity"], row["level"]) == (4, "low", "beginner")
    assert row["reasons"] == ["newcomer", "own_target"]
    assert all(item.level == "beginner" for item in exercises(content))
    # A jump from nothing to something is no spike of load in the first weeks.
    assert not row["deload"]


def test_an_advanced_person_trains_where_when_and_on_the_days_that_work(done):
    row, content = plan(done, "gym")
    assert (row["place"], row["part_of_day"], row["session_minutes"]) == ("gym", "early_morning", 60)
    assert set(row["weekdays"]) == {"monday", "wednesday", "friday", "saturday"}
    assert {item.exercise for item in content.sessions[0].main} & {"barbell_squat", "barbell_deadlift", "pistol_squat"}
    assert "pull-up bar" in content.sessions[0].equipment
    assert [session.intensity for session in content.sessions] == ["high", "medium", "high", "medium"]
    assert content.sessions[2].focus == "walk"


def test_nothing_known_is_an_easy_start_and_low_energy_starts_short(done):
    row, content = plan(done, "unknown")
    assert row["reasons"] == ["low_energy", "usual_start"]
    assert (row["sessions"], row["session_minutes"], row["focus"]) == (2, 30, "walk")
    assert content.start_with == "short"
    assert all(session.short_version.minutes == 10 for session in content.sessions)


def test_dates_are_the_week_from_the_first_whole_local_day(done):
    for row in plans(done).iter_rows(named=True):
        content = WorkoutPlan.model_validate_json(row["plan"])
        assert row["valid_from"] == content.valid_from == row["batch_date"] + timedelta(days=2)
        assert content.valid_to == content.valid_from + timedelta(days=6)
        days = [session.date for session in content.sessions]
        assert days == sorted(set(days))
        assert all(content.valid_from <= day <= content.valid_to for day in days)
        assert [session.weekday for session in content.sessions] == [f"{day:%A}".lower() for day in days]
        assert row["weekdays"] == [session.weekday for session in content.sessions]
        assert row["minutes"] == sum(session.minutes for session in content.sessions)


def test_a_rerun_changes_nothing_and_a_missing_night_is_bridged(done):
    whole = plans(done)
    run(done, NIGHTS[-3:])
    assert plans(done).equals(whole)
    last = NIGHTS[-1]
    write("gold.workout_plans", [], last, done)
    run(done, [last])
    assert plans(done).equals(whole)
    other = done.model_copy(update={"seed": done.seed + 1})
    newest = newest_profiles(read_profiles(Interval(FIRST, FIRST), other), FIRST)
    write_plans(FIRST, newest, weeks_of(FIRST, newest, Reader(other, FIRST)), Reader(other, FIRST))
    assert not plans(done, batch_date=FIRST)["plan"].equals(whole.filter(pl.col("batch_date") == FIRST)["plan"])
    run(done, [FIRST])
    assert plans(done).equals(whole)
