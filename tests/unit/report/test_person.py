import json
from datetime import date, timedelta

import pytest

from habitlake.report import reasons
from habitlake.report.panels import MissingError
from habitlake.report.person import assessment, decisions, facts, goals, insight, plans
from habitlake.report.render import environment

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
    assert next(iter(figures)) == "injured"
    assert not view["injured"]
    hurt = facts.who_view({**features, "injured": 1, "consistency_score": 0.5}, {})
    figures = {figure["name"]: figure for figure in hurt["figures"]}
    assert hurt["injured"]
    assert (figures["injured"]["value"], figures["consistency score"]["value"]) == ("yes", "50 %")
    assert view["profile"] == [("main goal", "weight loss"), ("consent to messages", "no")]


def test_goals_fall_back_on_the_features_and_say_when_there_are_none():
    view = goals.goals_view({"goal_progress_steps": 0.5, "goal_progress_weight": None}, {}, {}, [], {})
    assert [(row["name"], row["share"]) for row in view["rows"]] == [("steps", 0.5)]
    assert goals.goals_view({}, {"goal_progress": 0.3}, {}, [], {})["rows"][0]["share"] == 0.3
    recommended = {"kind": "weekly_minutes", "recommended_goal": 55.0, "usual_amount": 50.31,
                   "adaptation_strategy": "estimated", "reasons": ["largest_rise"]}  # fmt: skip
    plan = {"sessions": 2, "minutes": 30, "deload": True}
    steps = {**recommended, "kind": "daily_steps", "recommended_goal": 5000.0, "usual_amount": 7341.06, "reasons": None}
    view = goals.goals_view({}, {}, {}, [recommended, steps], plan)
    assert [(row["goal"], row["planned"], row["usual"]) for row in view["recommended"]] == [
        ("55", "30", "50"),
        ("5,000", None, "7,341"),
    ]
    assert view["recommended"][0]["set_by"] == (
        "estimated from the weeks known; held to the largest step up from the goal before or from what is usual"
    )
    assert view["deload"]
    with pytest.raises(MissingError, match="no goal"):
        goals.goals_view({}, {"goal_progress": None}, {}, [], {})


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


def drawn(key, content):
    text = environment().get_template(f"panels/{key}.html.j2").render(content)
    return " ".join(text.split())


def test_no_date_is_given_for_automatic_while_an_injury_is_unresolved():
    now = {
        "batch_date": NIGHT, "status": "forming", "strength": 0.5, "habit_score": 0.6, "days_since_start": 40,
        "frequency": 1.0, "consistency": 0.5, "context_stability": None, "automatic_on": None,
        "projected_automatic_on": date(2026, 8, 2), "projected_earliest": date(2026, 4, 20), "projected_latest": None,
    }  # fmt: skip
    well = drawn("person_habit", insight.habit_view(NIGHT, [now], {}))
    assert "<strong>August 2026</strong> <span" in well
    assert "80 % interval Mon 20 Apr 2026 to never" in well
    hurt = drawn("person_habit", insight.habit_view(NIGHT, [now], {"injured": 1}))
    assert "No date is given for automatic while an injury is unresolved." in hurt
    assert "August" not in hurt


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


def test_factors_of_many_figures_are_said_in_words_and_have_no_value():
    factors = (
        '[{"feature":"recovery","value":null,"contribution":-0.7},{"feature":"plans","value":null,"contribution":0.2}]'
    )
    row = prediction(NIGHT, 0.4) | {"top_factors": factors}
    found = insight.predictions_view(NIGHT, [row])["models"][0]["factors"]
    assert [(one["meaning"], one["value"], one["direction"]) for one in found] == [
        ("load, sleep, stress and energy, days and figures together", "several", "lowers"),
        ("workouts planned and skipped, days and figures together", "several", "raises"),
    ]


def test_an_amount_is_shown_with_its_interval_and_without_a_curve_of_probabilities():
    rows = [
        {"batch_date": night, "model": "performance", "probability": None, "value": 3.25, "value_low": 2.0,
         "value_high": 4.5, "confidence": 0.6, "input_quality": "complete", "model_version": "1", "top_factors": "[]",
         "trajectory": '[{"week":1,"value":3.5,"low":2.0,"high":5.0},{"week":2,"value":3.0,"low":1.5,"high":5.0}]'}
        for night in (NIGHT - timedelta(days=1), NIGHT)
    ]  # fmt: skip
    page = drawn("predictions", insight.predictions_view(NIGHT, rows))
    assert "<strong>3.25 (2 to 4.5)</strong>" in page
    assert '<th scope="row">2</th><td class="n">3</td><td class="n">1.5 to 5</td>' in page
    assert "<svg" not in page


def test_the_days_ahead_are_shown_with_their_chances_and_what_could_be_skipped():
    days = [
        {"local_date": f"2026-04-0{ahead}", "days_ahead": ahead, "probability": ahead / 10} for ahead in range(1, 8)
    ]
    skips = [{"local_date": "2026-04-03", "days_ahead": 3, "probability": 0.7, "basis": "planned"}]
    row = prediction(NIGHT, 0.1) | {
        "model": "daily_session", "value": None, "days": json.dumps(days), "skips": json.dumps(skips), "confidence": 0.6,
        "input_quality": "complete", "model_version": "1",
        "top_factors": '[{"feature":"weekday_session_rate","value":0.5,"contribution":0.4}]',
    }  # fmt: skip
    page = drawn("predictions", insight.predictions_view(NIGHT, [row]))
    assert "<h3>Daily session</h3> <p><strong>10 %</strong>" in page
    assert '<th scope="row" class="date">Wed 1 Apr 2026</th><td class="n">10 %</td><td class="n"></td>' in page
    assert (
        '<th scope="row" class="date">Fri 3 Apr 2026</th><td class="n">30 %</td><td class="n">70 %</td>'
        '<td class="text">a workout is planned</td>' in page
    )
    assert page.count('<th scope="row"') == 8
    assert "share of the same weekday" in page


def test_an_assessment_says_what_to_do_what_may_come_and_what_is_not_known():
    row = {
        "integrated_risk_probability": None,
        "action_plan": '[{"action":"sleep_more","because":{"sleep_debt_hours":2.5,"sleep_hours_7d":null}}]',
        "forecasts": '[{"what":"burnout","probability":0.4,"level":"raised","not_known":null},'
        '{"what":"plateau","probability":null,"level":null,"not_known":"no model in force"}]',
        "opportunities": '[{"opportunity":"progression","because":{"adherence_probability":0.8}}]',
    }
    page = drawn("person_assessment", assessment.assessment_view(NIGHT, row))
    assert 'Sleep comes before the next hard session. <span class="small">(sleep debt hours 2.5)</span>' in page
    assert '<th scope="row">burnout</th><td class="n">40 %</td> <td>raised</td>' in page
    assert '<th scope="row">plateau</th><td class="n">not known</td> <td>no model in force</td>' in page
    assert '<th scope="row">any setback</th><td class="n">not known</td>' in page
    assert (
        '<strong>Progression</strong>: ready for a little more. <span class="small">(adherence probability 80 %)</span>'
        in page
    )
    with pytest.raises(MissingError, match="in force"):
        assessment.assessment_view(NIGHT, {})


def decided(**values):
    return {
        "batch_date": NIGHT, "decision_id": "d1", "local_date": NIGHT, "available": True, "unavailable_reasons": [],
        "triggers": ["lapse"], "intervention": "small_start", "action": "encouragement", "channel": "push", "send": True,
        "probability": 0.6,
        "candidates": '[{"intervention":"old_plan","action":"a","score":0.7,"trigger":"lapse","excluded":"required: x > 2"},'
        '{"action":"b","score":0.6,"trigger":"lapse","excluded":null}]',
        "features": '{"x": 1.5}', "arms": None, "arm_probabilities": None, "arm": None, "seed": 0,
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
    assert [candidate["name"] for candidate in sent["candidates"]] == ["old plan", "b"]
    assert sent["candidates"][0]["excluded"] == "needs x above 2 (is 1.5)"
    # A policy of before that stored no arms.
    assert sent["draw"] is None
    assert held_back["result"] == "silence"
    assert held_back["why"] == (
        "Silence by draw: something would have been sent with probability 60 % (best candidate small start)"
    )
    assert silent["why"] == "Under age; odd one"
    assert silent["message"] is None
    assert (view["sent"], view["nights"]) == (2, 4)
    assert [row["replaced"] for row in view["rows"]] == [False, True, True, True]


def test_a_draw_falls_on_an_arm_or_on_silence_and_the_arms_come_first_among_candidates():
    arms = {"arms": ["small_start", "one_walk"], "arm_probabilities": [0.4, 0.2], "seed": 2**63 // 2}
    candidates = json.dumps(
        [
            {"intervention": "old_plan", "action": "a", "score": 0.9, "effect": 0.1, "effect_sd": 0.05, "probability": None,
             "trigger": "lapse", "excluded": "cool_down"},
            {"intervention": "one_walk", "action": "a", "score": 0.3, "effect": 0.02, "effect_sd": 0.05,
             "probability": 0.2, "trigger": "lapse", "excluded": None},
            {"intervention": "small_start", "action": "a", "score": 0.2, "effect": 0.04, "effect_sd": 0.05,
             "probability": 0.4, "trigger": "lapse", "excluded": None},
        ]
    )  # fmt: skip
    rows = [
        decided(**arms, arm=1, candidates=candidates),
        decided(**{**arms, "seed": 2**63 // 4 * 3}, arm=None, send=False),
        decided(available=False, send=False, unavailable_reasons=["weekly_cap"], candidates=candidates),
    ]
    drawn, silent, unavailable = decisions.decisions_view(NIGHT, rows, [])["rows"]
    assert drawn["draw"]["number"] == 0.5
    assert [(arm["name"], arm["low"], arm["high"], arm["drawn"]) for arm in drawn["draw"]["arms"]] == [
        ("small start", 0.0, 0.4, False),
        ("one walk", 0.4, pytest.approx(0.6), True),
        ("silence", pytest.approx(0.6), 1.0, False),
    ]
    assert [arm["drawn"] for arm in silent["draw"]["arms"]] == [False, False, True]
    assert [(one["name"], one["probability"]) for one in drawn["candidates"]] == [
        ("small start", 0.4),
        ("one walk", 0.2),
        ("old plan", None),
    ]
    assert drawn["candidates"][0]["effect"] == 0.04
    assert silent["why"] == (
        "Silence by draw: something would have been sent with probability 60 % (most likely small start, 40 %)"
    )
    assert not drawn["prior_only"]
    prior = json.loads(candidates)
    for one in prior:
        one["effect"] = one["score"] / 10
    unlearned = decisions.decisions_view(NIGHT, [decided(**arms, arm=1, candidates=json.dumps(prior))], [])
    assert unlearned["rows"][0]["prior_only"]
    assert unlearned["triggers"] == [("lapse", reasons.TRIGGERS["lapse"])]
    assert unavailable["draw"] is None
    assert {one["probability"] for one in unavailable["candidates"]} == {None}


EXERCISE = {"exercise": "squat", "kind": "strength", "label": "Squat", "cue": "Keep tall.", "sets": 1, "rest_s": 0}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"sets": 3, "reps": 12}, "3 × 12"),
        ({"reps": 8}, "8 times"),
        ({"sets": 4, "seconds": 30}, "4 × 30 s"),
        ({"seconds": 1320}, "22 min"),
        ({"seconds": 150}, "2 min 30 s"),
    ],
)
def test_a_dose_is_rounds_and_repetitions_or_time(change, told):
    assert plans.dose({**EXERCISE, **change}) == told


def planned(**values):
    session = {
        "date": "2026-04-01", "weekday": "wednesday", "part_of_day": None, "title": "Kraft", "focus": "strength",
        "place": "home", "intensity": "low", "minutes": 20, "equipment": ["Matte"], "warm_up": [],
        "main": [{**EXERCISE, "reps": 10, "sets": 2, "rest_s": 90, "instead_of": "jump_squat"}], "cool_down": [{**EXERCISE, "seconds": 60}],
        "short_version": {"energy_at_most": 4, "minutes": 10, "exercises": [{**EXERCISE, "seconds": 600}]},
        "motivation": {},
    }  # fmt: skip
    plan = {
        "valid_from": "2026-04-01", "valid_to": "2026-04-07", "start_with": "full", "sessions": [session],
        "motivation": {"general": "Los geht es."},
    }  # fmt: skip
    return {
        "batch_date": NIGHT, "due_reason": "week_over", "sessions": 1, "session_minutes": 20, "level": "beginner",
        "block_week": 2, "deload": False, "injured": False, "injured_regions": [], "swapped": False, "reasons": [],
        "plan": json.dumps(plan), **values,
    }  # fmt: skip


def test_a_plan_is_a_week_of_sessions_with_parts_doses_and_what_was_swapped():
    view = plans.plan_view(NIGHT, [planned()])
    assert (view["first"], view["last"], view["over"]) == (date(2026, 4, 1), date(2026, 4, 7), False)
    assert dict(view["facts"]) == {
        "written because": "the week was over",
        "level": "beginner",
        "block": "week 2 of 4",
        "begins with": "the full session",
    }
    (session,) = view["days"]
    assert [part["name"] for part in session["parts"]] == ["Main part", "Cool-down"]
    squat = session["parts"][0]["exercises"][0]
    assert (squat["dose"], squat["rest"], squat["instead_of"]) == ("2 × 10", "1 min 30 s", "jump squat")
    assert (session["short_minutes"], session["short"][0]["dose"]) == (10, "10 min")
    assert plans.plan_view(date(2026, 4, 7), [planned()])["over"]
    with pytest.raises(MissingError, match="no plan was made"):
        plans.plan_view(NIGHT, [])


def test_what_shaped_a_plan_names_injuries_and_rules():
    row = planned(
        injured=True, injured_regions=["lower_back", "knee"], swapped=True, deload=True, reasons=["past_injury"]
    )
    facts = dict(plans.plan_facts(row, {"start_with": "short"}))
    assert facts["unresolved injury"] == "lower back, knee"
    assert facts["block"] == "a week of unloading: less time, smaller doses"
    assert facts["begins with"] == "the short version, since energy was low"
    assert facts["rules that shaped it"] == "an injury in the past: exercises that spare the region"
    unnamed = dict(plans.plan_facts(planned(injured=True), {"start_with": "full"}))
    assert unnamed["unresolved injury"] == "region not named, or an illness"


def newcomer(**values):
    path = {
        "stages": [
            {"stage": "core_setup", "steps": [{"step": "goal", "title": "Choose", "done": True}]},
            {
                "stage": "pattern_discovery",
                "steps": [
                    {"step": "schedule", "title": "Find days", "done": True},
                    {"step": "equipment", "title": "Show what you have", "done": False},
                ],
            },
        ]
    }
    return {
        "batch_date": NIGHT, "segment": "general_user", "stage": "pattern_discovery", "stage_entered_on": NIGHT,
        "success_on": None, "next_step": "equipment", "next_step_due": NIGHT, "due": True, "reminders_sent": 1,
        "message": "Tick it.", "path": json.dumps(path), "estimated_days": 20, "status": "active", **values,
    }  # fmt: skip


def test_onboarding_names_the_stage_among_all_and_the_next_step_by_its_title():
    view = plans.onboarding_view(NIGHT, [newcomer()])
    assert (view["number"], view["stages_in_all"], view["step"], view["message"]) == (
        2,
        2,
        "Show what you have",
        "Tick it.",
    )
    assert [(stage["name"], stage["now"], stage["done"]) for stage in view["stages"]] == [
        ("core setup", False, 1),
        ("pattern discovery", True, 1),
    ]
    late = plans.onboarding_view(NIGHT, [newcomer(due=False, reminders_sent=0)])
    assert late["overdue"]
    assert "never shown, because the person may not be written to" in drawn("person_onboarding", late)
    ahead = plans.onboarding_view(
        NIGHT, [newcomer(next_step_due=NIGHT + timedelta(days=3), due=False, reminders_sent=0)]
    )
    assert "not shown yet" in drawn("person_onboarding", ahead)
    over = plans.onboarding_view(NIGHT, [newcomer(status="finished", next_step=None, next_step_due=None)])
    assert (over["active"], over["step"], over["message"]) == (False, None, None)
    assert not any(stage["now"] for stage in over["stages"])
    with pytest.raises(MissingError, match="in no onboarding"):
        plans.onboarding_view(NIGHT, [])
