"""Hand-made people and what a sensible coach does for each of them, written down before the code was asked: ten, and two
who state a health condition.

Before any data an effect is a tenth of the score, its standard deviation the root of 0.05^2 + 0.05^2 + 0.02^2 = 0.0735,
and a message costs 0.0124; so sending has Phi((score / 10 - 0.0124) / 0.0735), and a second arm half of it where both
score alike. A score is 0.35 + 0.4 base effectiveness for who says nothing of themselves, up to 0.15 more for a match.
Draws of seed 7 were computed from ids alone.
"""

import json
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import jsonschema
import pytest

from interventions.catalogue import catalogue
from interventions.queue.payloads import payload_schemas

NIGHT = date(2026, 1, 4)  # a Sunday; in Berlin the 5th has begun when it ends, so the 6th is decided on
REST = "injured: recovery alone"
CARE = "stated_constraint: nothing that pushes"
TIRED = "sleep_deprived: nothing that pushes"


@dataclass(frozen=True)
class Person:
    """Who somebody is, beside being well, and what is to become of them."""

    name: str
    who: dict[str, Any]
    triggers: list[str]
    send_at: str  # local time
    arms: dict[str, tuple[str, float]] = field(default_factory=dict)  # intervention: channel, probability
    drawn: int | None = None  # the arm that seed 7 falls on; None is silence
    excluded: dict[str, str] = field(default_factory=dict)
    unavailable: list[str] = field(default_factory=list)
    message: str | None = None  # of the drawn arm, else of the best one
    night: date = NIGHT


PEOPLE = [
    # Rest comes before every goal; time to heal before a single rest day.
    Person(
        "injured",
        {"injured": 1, "sessions_7d": 1, "days_since_last_session": 4, "skip_probability": 0.8, "goal_progress_rate": 0.4},
        triggers=["injured", "high_skip_risk", "goal_progress_slow"],
        arms={"rest_until_it_feels_right": ("push", 0.3458), "recovery_day_today": ("push", 0.3353)},
        drawn=0,  # 0.145
        excluded={
            "ten_minute_version": REST, "small_start": REST, "walk_in_the_break": REST, "goal_that_fits": REST,
            "shorter_sessions_same_goal": REST, "rest_until_it_feels_right": "", "goals_on_hold": "",
        },
        send_at="2026-01-06 09:00",
        message="Take the time you need. Your plan will wait for you.",
    ),
    # No model of burnout is in force: stress, sleep debt and energy tell. No session is asked for, not even a short one,
    # though a miss is likely.
    Person(
        "burnt out",
        {
            "stress_level": 8.6, "sleep_debt_hours": 2.5, "sleep_hours_7d": 5.5, "energy_level": 2.5, "sessions_7d": 5,
            "skip_probability": 0.75, "target_sessions": 4.0, "recommended_sessions": 3.0,
        },
        triggers=["high_skip_risk", "sleep_debt", "high_stress"],
        arms={"lighter_week_ahead": ("goal_adjustment", 0.3405), "earlier_evening": ("push", 0.3405)},
        drawn=1,  # 0.545
        excluded={
            "ten_minute_version": TIRED, "half_the_session": TIRED, "session_at_home": TIRED, "small_start": TIRED,
            "light_session_to_unwind": "required: planned_next_7d >= 1", "slow_breathing": "", "recovery_day_today": "",
        },
        send_at="2026-01-06 09:00",
        message="You slept about 5.5 hours a night in the week to 3 January. An early night would do you good.",
    ),
    # Reached late in the evening; what was not read by midnight is over.
    Person(
        "night owl",
        {
            "preferred_times": ["night"], "success_rate_variance_by_time": 0.5, "best_time_slot": "night",
            "best_time_attempts": 12, "best_time_completed": 10,
        },
        triggers=["uneven_times"],
        arms={"session_at_your_best_time": ("in_app", 0.7544)},
        drawn=0,  # 0.334
        excluded={"same_days_every_week": "required: day_of_week_consistency < 0.3"},
        send_at="2026-01-06 20:00",
        message="At night, 10 of your 12 sessions went ahead in 90 days. Want to plan more then?",
    ),
    # A target, and no session yet: on the first day that is no slow progress, only the first step is due.
    Person(
        "newcomer",
        {
            "time_zone": "America/New_York", "days_since_first_event": 0, "observed_days_28d": 1, "sessions_7d": 0,
            "sessions_28d": 0, "habitual_weekly_sessions": None, "days_since_last_session": None, "target_sessions": 3.0,
            "streak_length_current": 0, "streak_length_longest": 0, "goal_progress_rate": 0.0, "sleep_debt_hours": None,
            "sleep_hours_7d": None, "stress_level": None, "energy_level": None, "preparation_time_avg": None,
            "partner_share_30d": None, "interventions_7d": None, "onboarding_stage": 1, "onboarding_step": "first_session",
            "onboarding_step_due": 1,
        },
        triggers=["onboarding_step_due"],
        arms={"first_small_step": ("push", 0.7002)},
        drawn=0,  # 0.606
        excluded={"find_your_times_step": "required: onboarding_stage == 2", "routine_step": "required: onboarding_stage == 3"},
        send_at="2026-01-05 09:00",
        message="Good to have you here. Ready for your first small step?",
    ),
    # Rested, steady, eight weeks without progress: something new, or a small step up.
    Person(
        "plateau",
        {
            "performance_improvement": 0.0, "sessions_28d": 14, "days_since_first_event": 120, "acute_load": 300.0,
            "chronic_load": 300.0, "consistency_score": 0.85, "workout_variety_score": 0.3, "language": "de",
            "fitness_level": "intermediate", "communication_style": "direct",
        },
        triggers=["plateau"],
        arms={"new_stimulus": ("workout_modification", 0.375), "small_step_up": ("goal_adjustment", 0.375)},
        drawn=None,  # 0.812
        excluded={"lighter_week_then_on": "", "other_kind_of_session": ""},
        send_at="2026-01-06 09:00",
        message="Es geht gerade langsamer voran. Probier einmal in der Woche etwas Neues, etwa kurze Intervalle.",
    ),
    # Away for three weeks, app closed: a small way back by push, no share of a goal that is far off.
    Person(
        "lapsed",
        {
            "days_since_last_session": 21, "sessions_7d": 0, "sessions_28d": 2, "streak_length_current": 0,
            "goal_progress_rate": 0.0, "target_sessions": 3.0, "app_minutes_7d": 0.0, "observed_days_28d": 9,
            "fitness_level": "beginner", "primary_goal": "weight_loss", "communication_style": "encouraging",
        },
        triggers=["lapse", "goal_progress_slow"],
        arms={"small_start": ("push", 0.3724), "one_walk_to_return": ("push", 0.3724)},
        drawn=None,  # 0.996
        excluded={
            "two_days_that_count": "contraindicated: days_since_last_session >= 14",
            "every_step_counts": "required: sessions_7d >= 1", "invite_someone": "required: partner_share_30d >= 0.2",
            "session_at_your_preferred_time": "required: preferred_hour >= 0", "plan_for_the_return": "",
        },
        send_at="2026-01-06 09:00",
        message="2 sessions in the four weeks to 3 January: you have it in you. Pick a small start today.",
    ),
    # Four messages arrived this week, a fifth is on its way.
    Person(
        "over cap",
        {
            "stress_level": 8.2, "interventions_7d": 4, "as_of_date": date(2026, 1, 4),
            "sent_before": [{"intervention": "earlier_evening", "local_date": date(2026, 1, 5)}],
        },
        triggers=["high_stress"],
        send_at="2026-01-06 09:00",
        unavailable=["weekly_cap"],
    ),
    # However much speaks for it, a no is a no.
    Person(
        "opted out",
        {"notifications_allowed": False, "stress_level": 8.5, "skip_probability": 0.9},
        triggers=["high_skip_risk", "high_stress"],
        send_at="2026-01-06 09:00",
        unavailable=["opted_out"],
    ),
    # From Berlin to New York, where clocks go forward on 8 March: half past five stays half past five.
    Person(
        "traveller",
        {
            "time_zone": "America/New_York", "as_of_date": date(2026, 3, 5), "preferred_times": ["evening"],
            "streak_length_current": 6, "days_since_last_session": 2,
        },
        triggers=["streak_at_risk"],
        arms={"short_session_for_the_streak": ("push", 0.3555), "walk_for_the_streak": ("push", 0.3447)},
        drawn=None,  # 0.764
        excluded={
            "next_session_of_the_streak": "required: planned_next_7d < 1",
            "streak_with_company": "required: partner_share_30d >= 0.3", "one_miss_is_fine": "",
        },
        send_at="2026-03-07 17:30",
        message="By 5 March you had 6 sessions in a row. Even 15 easy minutes keep it going.",
        night=date(2026, 3, 6),
    ),
    Person(
        "social exerciser",
        {"social_context_impact": 0.45, "partner_share_30d": 0.6, "sessions_28d": 14},
        triggers=["better_together"],
        arms={"session_with_a_partner": ("push", 0.3555), "joint_reminders": ("in_app", 0.3447)},
        drawn=1,  # 0.455
        send_at="2026-01-06 09:00",
        message="Shall the app remind you and your training partner together? Then you both know who is coming.",
    ),
    # She trains less than planned, and that is fine: praise for what she did and an offer to plan less, nothing that presses.
    Person(
        "pregnant",
        {
            "health_conditions": ["pregnancy"], "goal_progress_rate": 0.4, "sessions_7d": 1, "target_sessions": 3.0,
            "skip_probability": 0.8, "habitual_weekly_sessions": 1.0, "planned_next_7d": 1, "fitness_level": "beginner",
        },
        triggers=["high_skip_risk", "goal_progress_slow"],
        arms={"every_step_counts": ("push", 0.3961), "walk_in_the_break": ("push", 0.3487)},
        drawn=1,  # 0.706
        excluded={
            "ten_minute_version": CARE, "two_days_that_count": CARE, "small_start": CARE, "session_in_the_calendar": CARE,
            "goal_that_fits": "", "shorter_sessions_same_goal": "", "move_it_to_another_day": "",
        },
        send_at="2026-01-06 09:00",
        message="A walk in your break is movement too. Fifteen minutes, and some fresh air.",
    ),
    # Who cannot walk far is not told to: what else there is to do after three weeks without a session is open.
    Person(
        "walks little",
        {
            "health_conditions": ["limited_walking"], "days_since_last_session": 21, "sessions_7d": 0, "sessions_28d": 2,
            "streak_length_current": 0, "target_sessions": 3.0, "fitness_level": "beginner", "primary_goal": "weight_loss",
            "communication_style": "encouraging",
        },
        triggers=["lapse"],
        arms={"first_five_minutes": ("push", 0.3747), "try_a_group": ("in_app", 0.3702)},
        drawn=None,  # 0.875
        excluded={
            "one_walk_to_return": "contraindicated: stated_constraint", "small_start": "contraindicated: stated_constraint",
            "fresh_start": "", "if_then_plan": "",
        },
        send_at="2026-01-06 09:00",
        message="Just start with five minutes. If you want to stop then, that is fine.",
    ),
]  # fmt: skip


def of_name(person):
    return person.name.replace(" ", "_")


@pytest.fixture
def nights(people, decided):
    """Return a function: the three decisions about a person, the next local day first."""

    def decisions_about(person: Person) -> list[dict[str, Any]]:
        frame = people({"user_id": person.name, **person.who})
        return decided(frame, person.night, seed=7).sort("horizon").to_dicts()

    return decisions_about


def local(instant: datetime, person: Person) -> str:
    """Return an instant as the person's clock shows it."""
    zone = ZoneInfo(person.who.get("time_zone", "Europe/Berlin"))
    return instant.astimezone(zone).strftime("%Y-%m-%d %H:%M")


@pytest.mark.parametrize("person", PEOPLE, ids=of_name)
def test_each_of_them_gets_what_a_sensible_coach_would_do(person, nights):
    tonight = nights(person)[0]
    assert tonight["triggers"] == person.triggers
    assert tonight["unavailable_reasons"] == person.unavailable
    assert tonight["available"] is (not person.unavailable)
    assert local(tonight["send_at"], person) == person.send_at
    channels = {item["intervention"]: item["channel"] for item in json.loads(tonight["candidates"])}
    assert {name: channels[name] for name in person.arms} == {name: arm[0] for name, arm in person.arms.items()}
    assert list(tonight["arms"] or []) == list(person.arms)
    probabilities = [probability for _, probability in person.arms.values()]
    assert tonight["arm_probabilities"] == (pytest.approx(probabilities, abs=2e-4) if probabilities else None)
    assert tonight["probability"] == pytest.approx(sum(probabilities), abs=4e-4)
    assert not probabilities or (min(probabilities) >= 0.1 and tonight["probability"] <= 0.8)
    assert (tonight["arm"], tonight["send"]) == (person.drawn, person.drawn is not None)
    assert tonight["intervention"] == (list(person.arms)[person.drawn or 0] if person.arms else None)
    assert tonight["message"] == person.message


@pytest.mark.parametrize("person", PEOPLE, ids=of_name)
def test_the_app_is_told_what_to_do_as_its_channels_contract_says(person, nights):
    for row in nights(person):
        if row["available"]:
            schema = payload_schemas()[f"payload_{row['channel']}.v1.schema.json"]
            jsonschema.validate(json.loads(row["payload"]), schema)


def test_a_lighter_week_says_how_light_and_once_is_enough_for_a_week(people, decided):
    burnt_out = PEOPLE[1]
    # Seed 10 draws 0.258, the best arm.
    rows = decided(people({"user_id": burnt_out.name, **burnt_out.who}), NIGHT, seed=10).sort("horizon").to_dicts()
    assert [row["intervention"] for row in rows] == ["lighter_week_ahead", "earlier_evening", "earlier_evening"]
    lighter_week = json.loads(rows[0]["payload"])
    assert (lighter_week["share"], lighter_week["recommended_sessions"]) == (0.5, 3.0)


@pytest.mark.parametrize("person", PEOPLE, ids=of_name)
def test_what_is_kept_from_each_of_them_has_its_reason(person, nights):
    reasons = {item["intervention"]: item["excluded"] or "" for item in json.loads(nights(person)[0]["candidates"])}
    assert {name: reasons[name] for name in person.excluded} == person.excluded
    assert all(reasons[name] == "" for name in person.arms)


def test_nothing_but_rest_is_left_for_the_injured_and_nothing_that_pushes_for_the_burnt_out(nights):
    injured, burnt_out = PEOPLE[:2]
    left = {
        person.name: [item for item in json.loads(nights(person)[0]["candidates"]) if item["excluded"] is None]
        for person in (injured, burnt_out)
    }
    assert {item["action"] for item in left["injured"]} == {"recovery_day"}
    assert not any(catalogue().intervention(item["intervention"]).pushes for item in left["burnt out"])


def test_who_must_not_be_reached_is_not_reached_on_fallback_days_either(nights):
    for person in PEOPLE:
        if person.unavailable:
            assert not any(row["send"] or row["message"] or row["payload"] for row in nights(person))
            assert {tuple(row["unavailable_reasons"]) for row in nights(person)} == {tuple(person.unavailable)}


def test_the_travellers_half_past_five_moves_with_the_clocks(nights):
    traveller = next(person for person in PEOPLE if person.name == "traveller")
    rows = nights(traveller)
    assert [local(row["send_at"], traveller) for row in rows] == [f"2026-03-0{day} 17:30" for day in (7, 8, 9)]
    assert [row["send_at"].strftime("%d %H:%M") for row in rows] == ["07 22:30", "08 21:30", "09 21:30"]


def test_the_night_owls_message_ends_with_the_day(nights):
    owl = next(person for person in PEOPLE if person.name == "night owl")
    assert local(nights(owl)[0]["expires_at"], owl) == "2026-01-07 00:00"
