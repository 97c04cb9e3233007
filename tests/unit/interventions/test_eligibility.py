"""Triggers with their hysteresis, guards, and cool-down."""

import json
from datetime import date, timedelta

import polars as pl
import pytest

from interventions.catalogue import catalogue
from interventions.explain import explanation
from interventions.health import CONDITIONS

TOMORROW = date(2026, 1, 6)  # the first local date in Berlin that starts after the night of the tests


def next_day(decisions):
    """Return the next local day's decision per person, in the order of people."""
    return decisions.filter(pl.col("horizon") == 0).sort("user_id").to_dicts()


def candidates(row):
    """Return what was possible and why not, by name."""
    return {item["intervention"]: item["excluded"] for item in json.loads(row["candidates"])}


@pytest.mark.parametrize(
    ("trigger", "enter", "between", "left"),
    [
        ("burnout_risk", {"burnout_risk": 0.71}, {"burnout_risk": 0.65}, {"burnout_risk": 0.6}),
        ("high_skip_risk", {"skip_probability": 0.61}, {"skip_probability": 0.55}, {"skip_probability": 0.5}),
        ("sleep_debt", {"sleep_debt_hours": 2.1}, {"sleep_debt_hours": 1.6}, {"sleep_debt_hours": 1.5}),
        ("high_stress", {"stress_level": 7.1}, {"stress_level": 6.5}, {"stress_level": 6.0}),
        ("goal_progress_slow", {"goal_progress_rate": 0.49}, {"goal_progress_rate": 0.6}, {"goal_progress_rate": 0.75}),
        ("long_preparation", {"preparation_time_avg": 15.1}, {"preparation_time_avg": 13.0}, {"preparation_time_avg": 12.0}),
        ("uneven_times", {"success_rate_variance_by_time": 0.41}, {"success_rate_variance_by_time": 0.35},
         {"success_rate_variance_by_time": 0.3}),
        ("better_together", {"social_context_impact": 0.31}, {"social_context_impact": 0.25}, {"social_context_impact": 0.2}),
        ("injury_risk", {"acute_load": 16.0, "chronic_load": 10.0}, {"acute_load": 14.0, "chronic_load": 10.0},
         {"acute_load": 13.0, "chronic_load": 10.0}),
        ("monotonous_training", {"monotony": 2.1, "sessions_7d": 5}, {"monotony": 1.9, "sessions_7d": 5},
         {"monotony": 1.8, "sessions_7d": 5}),
        ("plateau", {"performance_improvement": 0.0}, {"performance_improvement": 0.02}, {"performance_improvement": 0.03}),
    ],
)  # fmt: skip
def test_a_trigger_stays_on_until_its_exit_and_does_not_begin_there(people, decided, trigger, enter, between, left):
    on = {"triggers_before": [trigger]}
    rows = next_day(decided(people(enter, between, {**between, **on}, {**left, **on}, {**on, **dict.fromkeys(enter)})))
    assert [trigger in row["triggers"] for row in rows] == [True, False, True, False, False]


@pytest.mark.parametrize(
    ("trigger", "fires", "not_yet"),
    [
        ("milestone_reached", {"streak_length_current": 10}, {"streak_length_current": 11}),
        ("milestone_reached", {"streak_length_current": 5}, {"streak_length_current": 5, "days_since_last_session": 2}),
        ("personal_record", {"streak_length_current": 9, "streak_length_longest": 9}, {"streak_length_current": 9,
                                                                                       "streak_length_longest": 10}),
        ("habit_formed", {"automatic_on": date(2026, 1, 1)}, {"automatic_on": date(2025, 12, 30)}),
        ("comeback", {"sessions_7d": 1}, {"sessions_7d": 2}),
        ("comeback", {"sessions_7d": 1}, {"sessions_7d": 1, "habitual_weekly_sessions": 1.0}),
        ("injury_risk", {"acute_load": 16.0, "chronic_load": 10.0},
         {"acute_load": 16.0, "chronic_load": 10.0, "days_since_first_event": 27}),
    ],
)  # fmt: skip
def test_triggers_of_derived_values(people, decided, trigger, fires, not_yet):
    rows = next_day(decided(people(fires, not_yet)))
    assert [trigger in row["triggers"] for row in rows] == [True, False]


def test_a_trigger_without_an_exit_ends_when_it_ends(people, decided):
    row = next_day(decided(people({"triggers_before": ["streak_at_risk", "injured", "no_such_trigger"]})))[0]
    assert row["triggers"] == []


def test_the_evidence_shows_the_threshold_that_kept_it_on(people, decided):
    row = next_day(decided(people({"stress_level": 6.5, "triggers_before": ["high_stress"]})))[0]
    assert explanation(row, catalogue())["triggers"] == [
        {
            "trigger": "high_stress",
            "description": "mean reported stress",
            "conditions": [{"condition": "stress_level > 6", "value": 6.5}],
        }
    ]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"sleep_debt_hours": 2.5}, "sleep_deprived: nothing that pushes"),
        ({"acute_load": 16.0, "chronic_load": 10.0, "sessions_7d": 3}, "load_spike: nothing that pushes"),
        ({"monotony": 2.5, "sessions_7d": 5}, "monotonous_load: nothing that pushes"),
        ({"energy_level": 2.0}, "exhausted: nothing that pushes"),
        ({"injured": 1}, "injured: recovery alone"),
    ],
)
def test_nothing_that_pushes_while_the_body_needs_rest(people, decided, change, reason):
    lapsed = {"days_since_last_session": 8, "skip_probability": 0.9}
    pushing = {item.name for item in catalogue().interventions if item.pushes}
    well, tired = (candidates(row) for row in next_day(decided(people(lapsed, {**lapsed, **change}))))
    assert any(well[name] is None for name in pushing & well.keys())
    assert pushing & tired.keys()
    assert {tired[name] for name in pushing & tired.keys()} == {reason}
    row = next_day(decided(people({**lapsed, **change})))[0]
    assert row["intervention"] is not None
    assert row["intervention"] not in pushing


LAPSED = {"days_since_last_session": 8, "skip_probability": 0.9, "goal_progress_rate": 0.4, "sessions_7d": 1}


@pytest.mark.parametrize("condition", ["pregnancy", "postpartum", "heart_condition"])
def test_nothing_presses_who_states_a_condition_that_needs_care(people, decided, condition):
    row = next_day(decided(people({**LAPSED, "health_conditions": [condition]})))[0]
    pushing = {item.name for item in catalogue().interventions if item.pushes}
    found = candidates(row)
    assert {found[name] for name in pushing & found.keys()} == {"stated_constraint: nothing that pushes"}
    assert row["available"]
    assert not set(row["arms"]) & pushing


def test_who_walks_little_is_sent_on_no_walk_and_may_be_pressed(people, decided):
    walks = {item.name for item in catalogue().interventions if "limited_walking" in item.contraindicated_with}
    assert walks >= {"one_walk_to_return", "walk_in_the_break", "quiet_walk", "walk_for_the_streak", "one_easy_day"}
    on_foot = {**LAPSED, "stress_level": 8.0, "fitness_level": "beginner", "primary_goal": "weight_loss"}
    free, kept = next_day(decided(people(on_foot, {**on_foot, "health_conditions": ["limited_walking"]})))
    suggested = {name for name, reason in candidates(free).items() if reason is None and name in walks}
    assert suggested >= {"one_walk_to_return", "walk_in_the_break", "quiet_walk"}
    assert {candidates(kept)[name] for name in suggested} == {"contraindicated: stated_constraint"}
    assert any(catalogue().intervention(name).pushes for name, reason in candidates(kept).items() if reason is None)


def test_of_nothing_stated_nothing_is_kept(people, decided):
    rows = next_day(decided(people(LAPSED, {**LAPSED, "health_conditions": []}, {**LAPSED, "health_conditions": None})))
    assert candidates(rows[0]) == candidates(rows[1]) == candidates(rows[2])
    assert "stated_constraint" not in str(rows[0])


@pytest.mark.parametrize("condition", CONDITIONS)
def test_no_decision_names_what_was_stated(people, decided, condition):
    stated = {**LAPSED, "stress_level": 8.0, "health_conditions": [condition]}
    rows = decided(people(stated)).to_dicts()
    assert "stated_constraint" in str(rows)
    told = [*rows, *(explanation(row, catalogue()) for row in rows)]
    assert not [name for name in (*CONDITIONS, "health_conditions") if name in str(told)]


def sent(*pairs):
    """Return what earlier nights sent."""
    return [{"intervention": name, "local_date": day} for name, day in pairs]


def test_what_was_sent_within_its_cool_down_is_excluded_and_says_so(people, decided):
    days = catalogue().intervention("slow_breathing").cool_down_days
    stressed = {"stress_level": 8.0}
    dates = [TOMORROW - timedelta(days=back) for back in (days - 1, days)]
    rows = next_day(
        decided(
            people(
                stressed,
                {**stressed, "sent_before": sent(("slow_breathing", dates[0]), ("small_start", dates[0]))},
                {**stressed, "sent_before": sent(("slow_breathing", dates[1]))},
                {**stressed, "sent_before": sent(("no_longer_in_the_library", dates[0]))},
            )
        )
    )
    assert [candidates(row)["slow_breathing"] for row in rows] == [None, "cool_down", None, None]
    assert rows[0]["arms"][0] == "slow_breathing"
    assert rows[1]["arms"]
    assert "slow_breathing" not in rows[1]["arms"]


def test_a_harder_reason_is_not_hidden_by_the_cool_down(people, decided):
    hurt = {"injured": 1, "stress_level": 8.0, "sent_before": sent(("slow_breathing", date(2026, 1, 5)))}
    row = next_day(decided(people(hurt)))[0]
    assert candidates(row)["slow_breathing"] == "injured: recovery alone"


def test_all_cooling_down_leaves_no_candidate_and_the_others_their_own(people, decided):
    everything = sent(*((item.name, date(2026, 1, 5)) for item in catalogue().interventions if item.cool_down_days > 1))
    other = {"user_id": "u1", "stress_level": 8.0}
    row, beside = next_day(decided(people({"stress_level": 8.0, "sent_before": everything}, other)))
    assert row["unavailable_reasons"] == ["no_candidate"]
    assert set(candidates(row).values()) >= {"cool_down"}
    assert beside["available"]
    assert beside == next_day(decided(people(other)))[0]


def test_only_what_a_trigger_called_is_listed_and_the_type_is_kept(people, decided):
    for row in next_day(decided(people({"stress_level": 8.0}, {"days_since_last_session": 8}, {}))):
        for item in json.loads(row["candidates"]):
            known = catalogue().intervention(item["intervention"])
            assert item["action"] == known.action
            assert item["trigger"] in set(known.triggers) & set(row["triggers"])
        if row["available"]:
            assert row["action"] == catalogue().intervention(row["intervention"]).action
        else:
            assert row["candidates"] == "[]"
            assert row["intervention"] is None
