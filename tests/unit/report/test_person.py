from datetime import date, timedelta

import pytest

from habitlake.report.panels import MissingError
from habitlake.report.person import decisions, facts, insight

NIGHT = date(2026, 3, 31)


def day(one, **values):
    row = {"events": 1, "planned": 0, "completed": 0, "skipped": 0, "minutes": 0.0}
    return {"local_date": one, **row, **values}


def test_a_day_is_a_session_a_missed_plan_rest_or_silence():
    monday = date(2026, 3, 23)
    view = facts.days_view(
        monday,
        date(2026, 3, 31),
        date(2026, 3, 24),
        [
            day(date(2026, 3, 24), planned=1, completed=1, minutes=30.4),
            day(date(2026, 3, 25), planned=1),
            day(date(2026, 3, 26), skipped=1),
            day(date(2026, 3, 27)),
            # A plan for a day of which nothing else is known yet.
            day(date(2026, 3, 28), planned=1, events=0),
        ],
    )
    kinds = [[cell and cell["kind"] for cell in week["cells"]] for week in view["weeks"]]
    assert kinds[0] == [None, "done", "missed", "missed", "rest", "silent", "silent"]
    assert kinds[1] == ["silent", "silent", None, None, None, None, None]
    assert (view["observed"], view["trained"], view["missed"], view["silent"]) == (8, 1, 2, 4)
    assert view["weeks"][0]["cells"][1]["text"] == "30 min"


def test_a_person_of_whom_nothing_is_known_says_so():
    with pytest.raises(MissingError, match="no event of the person"):
        facts.days_view(date(2026, 3, 30), NIGHT, NIGHT, [])


def test_key_figures_carry_meaning_and_unit_and_say_why_they_are_missing():
    features = {"time_zone": "UTC", "as_of_date": NIGHT, "first_local_date": NIGHT, "sessions_7d": 3}
    view = facts.who_view(features, {"primary_goal": "weight_loss", "notifications_allowed": False})
    figures = {figure["name"]: figure for figure in view["figures"]}
    assert (figures["sessions 7d"]["value"], figures["sessions 7d"]["unit"]) == ("3", "sessions")
    assert figures["stress level"]["why_missing"] == "no report in the window"
    assert view["profile"] == [("main goal", "weight loss"), ("consent to messages", "no")]


def test_goals_fall_back_on_the_features_and_say_when_there_are_none():
    view = facts.goals_view({"goal_progress_steps": 0.5, "goal_progress_weight": None}, {}, {}, [])
    assert [(row["name"], row["share"]) for row in view["rows"]] == [("steps", 0.5)]
    assert facts.goals_view({}, {"goal_progress": 0.3}, {}, [])["rows"][0]["share"] == 0.3
    with pytest.raises(MissingError, match="no goal"):
        facts.goals_view({}, {"goal_progress": None}, {}, [])


def test_circumstances_are_named_by_what_is_not_any():
    anything = dict.fromkeys(insight.DIMENSIONS, "any")
    assert insight.circumstances({**anything, "time_slot": "early_morning", "weekday": "monday"}) == (
        "early morning, monday"
    )


def test_best_circumstances_and_risks_keep_their_rank_and_number():
    anything = dict.fromkeys(insight.DIMENSIONS, "any")
    rows = [{**anything, "dimension": "overall", "verdict": None}] + [
        {**anything, "dimension": "weekday", "weekday": str(rank), "verdict": verdict, "rank": rank}
        for verdict in ("risk", "success")
        for rank in range(1, 8)
    ]
    view = insight.contexts_view(NIGHT, rows)
    assert [row["rank"] for row in view["best"]] == [row["rank"] for row in view["risks"]] == [1, 2, 3, 4, 5]
    assert view["overall"]["dimension"] == "overall"


def prediction(night, probability):
    factors = (
        '[{"feature":"sessions_7d","value":3.0,"contribution":0.5},{"feature":"x","value":null,"contribution":-1}]'
    )
    return {"batch_date": night, "model": "adherence", "probability": probability, "top_factors": factors}


def test_a_prediction_names_what_speaks_for_and_against():
    view = insight.predictions_view(NIGHT, [prediction(NIGHT - timedelta(days=1), 0.4), prediction(NIGHT, 0.6)])
    model = view["models"][0]
    assert model["now"]["probability"] == 0.6
    assert [(one["meaning"], one["value"], one["direction"]) for one in model["factors"]] == [
        ("sessions in the last 7 complete local days", "3", "raises"),
        ("x", "not known", "lowers"),
    ]
    with pytest.raises(MissingError, match="in force"):
        insight.predictions_view(NIGHT, [prediction(NIGHT - timedelta(days=1), 0.4)])


def decided(**values):
    return {
        "batch_date": NIGHT, "decision_id": "d1", "local_date": NIGHT, "available": True, "unavailable_reasons": [],
        "triggers": ["lapse"], "intervention": "small_start", "action": "encouragement", "channel": "push", "send": True,
        "probability": 0.6,
        "candidates": '[{"intervention":"old_plan","action":"a","score":0.2,"trigger":"lapse","excluded":"no_plan"},'
        '{"action":"b","score":0.6,"trigger":"lapse","excluded":null}]',
        "message": "Go", "policy_version": "p", "model": None, "model_version": None, **values,
    }  # fmt: skip


def test_each_decision_says_what_why_and_what_was_answered():
    rows = [
        decided(),
        decided(decision_id="d2", send=False),
        decided(decision_id="d0", intervention=None),
        decided(decision_id="d3", available=False, send=False, unavailable_reasons=["minor", "odd_one"]),
    ]
    answers = [
        {"decision_id": "d1", "event_type": "intervention_opened", "rating": None},
        {"decision_id": "d1", "event_type": "intervention_rated", "rating": 4.0},
    ]
    view = decisions.decisions_view(NIGHT, rows, answers)
    sent, held_back, unnamed, silent = view["rows"]
    assert unnamed["result"] == "encouragement"
    assert (sent["result"], sent["answers"]) == ("small start", ["opened", "rated 4 stars"])
    assert [candidate["name"] for candidate in sent["candidates"]] == ["b", "old plan"]
    assert sent["candidates"][1]["excluded"] == "no plan"
    assert held_back["result"] == "silence"
    assert held_back["why"] == "Small start was the best candidate; at probability 60 % the draw said no"
    assert silent["why"] == "Under age; odd one"
    assert silent["message"] is None
    assert (view["sent"], view["nights"]) == (2, 4)
    assert [row["replaced"] for row in view["rows"]] == [False, True, True, True]
