from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import yaml

import interventions
from habitlake.contracts.base import Reason
from habitlake.report import reasons
from habitlake.report.night import decisions, effects, growth, kpis, model, people, pipeline, plans
from habitlake.report.panels import MissingError
from habitlake.report.person import goals
from interventions.goals.recommend import RULES as GOAL_RULES

NIGHT = date(2026, 3, 31)


def test_the_pipeline_accounts_for_every_line_and_names_how_nights_ended():
    started = datetime(2026, 3, 31, 2, tzinfo=UTC)
    audits = [
        {"batch_date": NIGHT, "lines": 10, "accepted": 7, "duplicates": 1, "refused": 2},
        {"batch_date": date(2026, 3, 28), "lines": 4, "accepted": 4, "duplicates": 0, "refused": 0},
    ]
    ledger = [
        {"batch_date": NIGHT, "status": "running", "failed_task": None, "started_at": started, "finished_at": None},
        {
            "batch_date": date(2026, 3, 30),
            "status": "failed",
            "failed_task": "ingest",
            "started_at": started,
            "finished_at": started + timedelta(seconds=90),
        },
        {
            "batch_date": date(2026, 3, 28),
            "status": "done",
            "failed_task": None,
            "started_at": None,
            "finished_at": None,
        },
    ]
    view = pipeline.pipeline_view(
        NIGHT, audits, [{"reason": "malformed_json", "lines": 2}], [{"batch_date": NIGHT, "broken": 3}], ledger
    )
    assert view["adds_up"]
    assert view["reasons"][0]["share"] == 0.2
    assert [(row["night"].day, row["status"], row["lines"], row["broken"]) for row in view["nights"]] == [
        (31, "done so far", 10, 3),
        (30, "failed at ingest", 0, None),
        (29, "never run", 0, None),
        (28, "done", 4, None),
    ]
    assert view["nights"][1]["took"] == timedelta(seconds=90)
    assert (view["done"], view["failed"], view["shown"]) == (1, 1, 4)
    audits[0]["accepted"] = 6
    assert not pipeline.pipeline_view(NIGHT, audits, [], [], ledger)["adds_up"]


def test_a_world_without_nights_says_how_to_get_one():
    with pytest.raises(MissingError, match="landing/events"):
        pipeline.pipeline_view(NIGHT, [], [], [], [])


def context(completed, attempts, **values):
    row = dict.fromkeys(("time_slot", "weekday", "weather_band", "location", "with_whom"))
    return {**row, "completed": completed, "attempts": attempts, **values}


def test_the_heat_map_tells_rates_with_ten_attempts_and_no_others():
    view = people.contexts_view(
        NIGHT,
        [
            context(9, 10, time_slot="morning", weekday=1),
            context(5, 10, time_slot="evening", weekday=7),
            context(9, 9, time_slot="evening", weekday=1),
            context(10, 10, location="gym"),
            context(13, 19, location="unknown"),
            context(23, 29, with_whom="alone"),
        ],
    )
    cells = {slot["name"]: slot["cells"] for slot in view["slots"]}
    assert (cells["morning"][0]["rate"], cells["morning"][0]["level"]) == (0.9, 6)
    assert (cells["evening"][6]["rate"], cells["evening"][6]["level"]) == (0.5, 0)
    assert (cells["evening"][0]["rate"], cells["evening"][0]["attempts"]) == (None, 9)
    assert cells["morning"][0]["title"].startswith("Monday, morning: 9 of 10 attempts completed")
    assert (view["completed"], view["attempts"]) == (23, 29)
    margins = {margin["title"]: margin["rows"] for margin in view["margins"]}
    # Only completed workouts came with a place, so nothing can be said of success by place.
    assert margins["place"] == []
    assert margins["company"][0]["rate"] == 23 / 29


def test_without_a_single_known_miss_the_map_counts_sessions():
    view = people.contexts_view(
        NIGHT, [context(7, 7, time_slot="night", weekday=3), context(14, 14, time_slot="morning", weekday=1)]
    )
    cells = {slot["name"]: slot["cells"] for slot in view["slots"]}
    assert not view["by_rate"]
    assert [(cell["sessions"], cell["level"]) for cell in (cells["night"][2], cells["morning"][0])] == [(7, 3), (14, 6)]
    assert cells["midday"][0]["level"] is None
    assert view["margins"] == []


def test_the_habit_panel_counts_statuses_and_those_past_day_66():
    view = people.habit_view(
        NIGHT,
        [{"week": week, "people": people, "low": 0.1, "middle": 0.2, "high": 0.3} for week, people in ((1, 5), (2, 4))],
        [{"status": "forming", "people": 3, "strength": 0.2}, {"status": "automatic", "people": 1, "strength": 0.9}],
        {"reached": 1, "past": 4},
    )
    assert [(row["status"], row["people"], row["share"]) for row in view["statuses"]] == [
        ("not started", 0, 0.0),
        ("forming", 3, 0.75),
        ("automatic", 1, 0.25),
        ("lapsed", 0, 0.0),
    ]
    assert view["people"] == 4
    assert [row["week"] for row in view["weeks"]] == [1]
    with pytest.raises(MissingError, match="habit state"):
        people.habit_view(NIGHT, [], [], {"reached": 0, "past": 0})


TOTALS = {
    "decided": 20, "addressed": 15, "triggered": 14, "available": 12, "sent": 8, "policy": "thompson-1", "probability": 0.6,
    "expected": 7.2, "variance": 4.0,
}  # fmt: skip


def test_silence_is_explained_by_reasons_and_by_the_draw():
    view = decisions.decisions_view(
        NIGHT,
        TOTALS,
        [],
        [],
        [],
        [
            {"reason": "no_trigger", "people": 6},
            {"reason": "holdout", "people": 3},
            {"reason": "brand_new", "people": 2},
        ],
        [{"name": "lapse", "people": 10, "sent": 4}],
    )
    assert [(row["name"], row["share"]) for row in view["stages"]] == [
        ("decided on", 1.0),
        ("may be written to", 0.75),
        ("and a trigger fired", 0.7),
        ("and a message remained", 0.6),
        ("and drawn to send", 0.4),
    ]
    assert [(row["text"], row["people"], row["share"]) for row in view["silence"]] == [
        ("nothing called for a message", 6, 0.3),
        (decisions.DRAW, 4, 0.2),
        ("held out: is sent nothing, so that the others can be compared with them", 3, 0.15),
        ("brand new", 2, 0.1),
    ]
    assert view["triggers"][0]["share"] == 0.5
    assert view["draws"] is None


def test_the_draws_are_shown_beside_what_the_probabilities_promise():
    bins = [{"bin": 8, "people": 5, "sent": 2, "expected": 2.1}, {"bin": 11, "people": 7, "sent": 6, "expected": 4.0}]
    mix = [
        {"action": "encouragement", "channel": None, "available": 12, "sent": 8, "probability": 0.6},
        {"action": None, "channel": "push", "available": 12, "sent": 8, "probability": 0.6},
    ]
    messages = [{"name": f"m{number}", "channel": "push", "sent": 1} for number in range(12)]
    view = decisions.decisions_view(NIGHT, TOTALS, bins, mix, messages, [], [])
    # 7.2 and 1.96 times the root of 4.
    assert (view["expected_low"], view["expected_high"]) == pytest.approx((3.28, 11.12), abs=0.001)
    assert [row["range"] for row in view["bins"]] == ["40–45 %", "55–60 %"]
    assert [tick.text for tick in view["draws"].x] == ["40–45 %", "45–50 %", "50–55 %", "55–60 %"]
    assert "40–45 %: drawn to send 2, drawn to silence 3" in view["draws"].picture
    assert "55–60 %: drawn to send 6, drawn to silence 1" in view["draws"].picture
    assert ([row["action"] for row in view["types"]], [row["channel"] for row in view["channels"]]) == (
        ["encouragement"],
        ["push"],
    )
    assert (len(view["messages"]), view["more_messages"]) == (10, 2)


def test_plans_are_shares_of_those_written_in_the_night():
    totals = {
        "plans": 8,
        "rest": 1,
        "deload": 2,
        "injured": 1,
        "swapped": 4,
        "people": 40,
        "sessions": 2.5,
        "minutes": 61.0,
    }
    view = plans.plans_view(
        NIGHT,
        totals,
        [{"name": "week_over", "plans": 6}, {"name": "odd_one", "plans": 2}],
        [{"focus": "run", "place": "outdoors", "plans": 4, "sessions": 3.0, "minutes": 30.0}],
        [{"minutes": 10, "plans": 4}, {"minutes": 30, "plans": 3}],
        [{"name": "past_injury", "plans": 4}],
    )
    assert [(row["name"], row["share"]) for row in view["due"]] == [("the week was over", 0.75), ("odd one", 0.25)]
    assert [row["share"] for row in view["adapted"]] == [0.25, 0.125, 0.125, 0.5]
    assert [tick.text for tick in view["chart"].x] == ["10–19", "20–29", "30–39"]
    assert "30–39: plans 3" in view["chart"].picture
    assert "20–29: plans" not in view["chart"].picture
    assert (view["kinds"][0]["share"], view["rules"][0]["share"]) == (0.5, 0.5)
    only_rest = plans.plans_view(NIGHT, {**totals, "plans": 1}, [], [], [], [])
    assert only_rest["chart"] is None
    with pytest.raises(MissingError, match="no plan was due"):
        plans.plans_view(NIGHT, {**totals, "plans": 0}, [], [], [], [])


def test_onboarding_keeps_the_order_of_the_stages_and_shows_empty_ones():
    stage = {"due": 1, "reached": 0, "days": 9.0}
    nobody_over = {"finished": 0, "ended": 0}
    view = plans.onboarding_view(
        NIGHT,
        [{"name": "habit_formation", "people": 3, **stage}, {"name": "core_setup", "people": 1, **stage}],
        [{"name": "general_user", "people": 4, "due": 2}],
        [
            {"name": None, "people": 5, "due": 0},
            *({"name": f"step_{number}", "people": 1, "due": 0} for number in range(9)),
        ],
        {"finished": 1, "ended": 0},
    )
    assert [(row["name"], row["people"], row["share"]) for row in view["stages"]] == [
        ("core_setup", 1, 0.25),
        ("pattern_discovery", 0, 0.0),
        ("habit_formation", 3, 0.75),
        ("advanced_features", 0, 0.0),
    ]
    assert (view["people"], view["due"], view["finished"], view["more_steps"]) == (4, 2, 1, 1)
    assert view["without_step"] == 5
    with pytest.raises(MissingError, match="nobody is in onboarding"):
        plans.onboarding_view(NIGHT, [], [], [], nobody_over)


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("cool_down", "sent too recently"),
        ("channel_cap_reached", "its channels were used as often as they may be in a week"),
        ("sleep_deprived: nothing that pushes", "sleep deprived: nothing that pushes"),
        ("injured: recovery alone", "injured: recovery messages only"),
        ("required: planned_next_7d >= 1", "needs planned next 7d at least 1 (is 0)"),
        (
            "contraindicated: sessions_7d < 1 and injured == 0",
            "not for sessions 7d below 1 (is 0.5) and injured 0 (not known)",
        ),
        ("odd_one", "odd one"),
    ],
)
def test_exclusions_are_told_in_words_with_what_was_known(reason, told):
    assert reasons.excluded(reason, {"planned_next_7d": 0, "sessions_7d": 0.5}) == told


def test_a_value_that_missed_its_threshold_by_little_is_told_with_enough_decimals():
    assert reasons.excluded("required: success_rate > 0.4", {"success_rate": 0.39996}) == (
        "needs success rate above 0.4 (is 0.39996)"
    )
    assert reasons.excluded("required: success_rate > 0.4", {"success_rate": 0.4}).endswith("(is 0.4)")


def test_every_trigger_reason_rule_and_segment_has_its_words():
    def named(path, key):
        return {one["name"] for one in yaml.safe_load(path.read_text())[key]}

    rooms = Path(interventions.__file__).parent
    assert set(reasons.TRIGGERS) == named(rooms / "triggers.yaml", "triggers")
    assert set(reasons.REFUSED) == set(Reason)
    assert set(goals.GOAL_RULES) == set(GOAL_RULES)
    segments = named(rooms / "onboarding" / "onboarding.yaml", "segments")
    assert set(plans.SEGMENTS) == segments | {"general_user"}


def test_answers_are_shares_of_what_was_delivered():
    row = {"action": "encouragement", "sent": 30, "delivered": 20, "opened": 10, "acted": 5, "dismissed": 1}
    view = decisions.answers_view(NIGHT, [row], date(2026, 3, 2))
    assert (view["rows"][0]["opened_share"], view["rows"][0]["acted_share"]) == (0.5, 0.25)
    with pytest.raises(MissingError, match="delivered"):
        decisions.answers_view(NIGHT, [{**row, "delivered": 0}], None)


def test_effects_have_intervals_and_shares_of_both_sides():
    row = {"action": "encouragement", "decisions": 100, "sends": 60, "sends_positive": 30, "silent_positive": 10,
           "effect": 0.1, "effect_sd": 0.05}  # fmt: skip
    (shown,) = effects.effects_view(NIGHT, [row])["rows"]
    assert (shown["sent_share"], shown["silent_share"]) == (0.5, 0.25)
    assert (shown["low"], shown["high"]) == pytest.approx((0.002, 0.198))
    assert shown["silent"] == 40
    assert effects.effects_view(NIGHT, [row])["proven"] == 1
    assert effects.effects_view(NIGHT, [{**row, "effect_sd": 0.06}])["proven"] == 0
    assert effects.effects_view(NIGHT, [{**row, "sends": 100}])["rows"][0]["silent_share"] is None
    with pytest.raises(MissingError, match="published"):
        effects.effects_view(NIGHT, [])


def test_lift_compares_misses_of_the_riskiest_fifth_with_all():
    # Ten groups of 10: observed 0.1, 0.2, ... 1.0. Missed: 9 + 8 of the first 20, 45 of 100.
    bins = [{"people": 10, "predicted": part / 10, "observed": (part + 1) / 10} for part in range(10)]
    week = {"week_start_date": date(2026, 3, 16), "people": 100, "calibration_bins": bins}
    view = model.calibration_view(NIGHT, [week], date(2026, 3, 1))
    assert view["riskiest"] == pytest.approx(17 / 20)
    assert view["base"] == pytest.approx(0.45)
    assert view["lift"] == pytest.approx(17 / 20 / 0.45)
    assert view["caught"] == pytest.approx(17 / 45)
    assert view["last"] == date(2026, 3, 22)


def test_calibration_says_what_is_missing():
    with pytest.raises(MissingError, match="no night was scored yet"):
        model.calibration_view(NIGHT, [], None)
    with pytest.raises(MissingError, match="first scored night is 2026-03-30"):
        model.calibration_view(NIGHT, [], date(2026, 3, 30))


def test_the_model_panel_shows_scores_without_a_registry_and_says_when_there_is_nothing():
    none = {"people": 0, "version": None, "mean": None, "confidence": None, "thin": 0}
    with pytest.raises(MissingError, match="habitlake retrain"):
        model.in_force_view([], none, None)
    registered = {"metrics": [{"score": "xgboost", "auc": "0.7 [0.6, 0.8]"}]}
    view = model.in_force_view([{"tenth": 9, "people": 4}], {**none, "people": 4}, registered)
    assert view["metrics"] == [("auc", model.METRICS["auc"])]


def kpi(week, value, **values):
    return {
        "kpi": "accuracy", "week_start_date": week, "position": 1, "area": "technical", "name": "Accuracy",
        "definition": "d", "comparison": "more_than", "target": 0.75, "unit": "share", "value": value,
        "interval_low": 0.7, "interval_high": 0.9, "n": 40, "trend": 0.031, "status": "met",
        "not_measurable_because": None, **values,
    }  # fmt: skip


def test_a_scorecard_card_has_value_target_interval_trend_and_line():
    first, last = date(2026, 3, 9), date(2026, 3, 16)
    view = kpis.kpis_view(NIGHT, [kpi(first, 0.77), kpi(last, 0.801)])
    card = view["areas"]["technical"][0]
    assert (card["value"], card["target"], card["bounds"]) == ("80.1 %", "more than 75.0 %", "70.0 to 90.0 %")
    assert (card["trend"], card["status"], card["weeks"]) == ("+3.1 percentage points in four weeks", "target met", 2)
    assert "from 77.0 % to 80.1 %" in card["line"]
    assert view["counts"] == {"target met": 1}


def test_a_trend_has_the_unit_of_its_metric_and_few_cases_are_a_small_basis():
    points = kpi(date(2026, 3, 16), 5.731, unit="points", interval_low=-2.07, interval_high=13.5, trend=28.24, n=12)
    card = kpis.kpis_view(NIGHT, [points])["areas"]["technical"][0]
    assert (card["value"], card["bounds"], card["trend"]) == (
        "5.7 points",
        "-2.1 to 13.5 points",
        "+28.2 points in four weeks",
    )
    assert card["is_small"]


def test_a_figure_that_is_not_measurable_says_why_and_what_was_last_known():
    first, last = date(2026, 3, 9), date(2026, 3, 16)
    lost = kpi(last, None, status="not_measurable", not_measurable_because="nobody was asked", comparison=None)
    card = kpis.kpis_view(NIGHT, [kpi(first, 0.77), lost])["areas"]["technical"][0]
    assert (card["value"], card["because"], card["target"]) == (None, "nobody was asked", None)
    assert card["before"] == {"value": "77.0 %", "week": first}


def retained(cohort, week, share, people=50):
    monday = cohort + timedelta(days=7 * week)
    kept = None if share is None else share * people
    return {
        "cohort_week": cohort, "weeks_since_start": week, "week_start_date": monday, "people": people,
        "retained": kept, "retained_share": share, "retained_share_low": share, "retained_share_high": share,
    }  # fmt: skip


def test_retention_marks_the_running_week_small_cohorts_and_what_is_ahead():
    old, new = date(2026, 3, 16), date(2026, 3, 30)
    rows = [retained(new, 0, 1.0), retained(old, 0, None, None), retained(old, 1, 0.5), retained(old, 2, 0.4)]
    view = growth.retention_view(NIGHT, rows)
    assert [row["cohort"] for row in view["rows"]] == [new, old]
    assert [cell["text"] for cell in view["rows"][0]["cells"]] == ["100*"] + [""] * 8
    assert [cell["text"] for cell in view["rows"][1]["cells"]][:4] == ["few", "50", "40*", ""]
    with pytest.raises(MissingError):
        growth.retention_view(NIGHT, [])


def test_active_people_leave_gaps_where_a_date_is_missing():
    row = {"daily_active": 3, "weekly_active": 5, "monthly_active": 8, "stickiness": 0.375}
    view = growth.activity_view(NIGHT, [{"local_date": date(2026, 3, day), **row} for day in (27, 28, 30)])
    assert view["last"]["local_date"] == date(2026, 3, 30)
    assert str(view["chart"].picture).count("h0") == 3
