"""The assessment on hand-made people: the planted reason comes first, safety before progress, what is missing is said."""

import json

import polars as pl
import pytest

from habitlake.report.person import assessment
from habitlake.tables import FEATURES, MODELS
from models.assessment.assess import MOST_ACTIONS, NO_MODEL, NOT_FOR_PERSON, assess, usual_rate
from models.assessment.rules import ACTIONS, FORECASTS, KEEP_GOING, OPPORTUNITIES

RATES = {"adherence": 0.5, "lapse_7d": 0.1, "churn": 0.1, "burnout": 0.2, "plateau": 0.5, "injury_risk": 0.05}
OUTPUTS = {output: source for model in MODELS.values() for output, source in model.outputs.items()}
CALM = {
    "injured": 0, "acute_load": 100.0, "chronic_load": 100.0, "sessions_7d": 3, "sessions_28d": 12, "sleep_debt_hours": 0.5,
    "stress_level": 4.0, "energy_level": 6.0, "days_since_last_session": 1, "habitual_weekly_sessions": 3.0,
    "planned_7d": 3, "planned_next_7d": 3, "completion_rate_30d": 0.8, "consistency_score": 0.5,
}  # fmt: skip
LISTS = {"trajectory", "days", "skips"}
SURE = {"adherence_probability": 0.8, "completion_rate_30d": 0.95}
TEXT = {feature.name for feature in FEATURES if feature.sql_type == "string"}


def assessed(rates=RATES, **person):
    """Return what is said of a person who is calm but for the values given: the three lists."""
    values = CALM | person
    features = {name: [values.get(name)] for name in (feature.name for feature in FEATURES)}
    predictions = {name: [values.get(name)] for name in OUTPUTS}
    types = {name: pl.String if name in TEXT else pl.Float64 for name in features}
    counts = {feature.name: pl.Int64 for feature in FEATURES if feature.sql_type == "bigint"}
    people = pl.DataFrame(features, schema_overrides=types | counts)
    said = pl.DataFrame(
        predictions,
        schema_overrides={name: pl.String if OUTPUTS[name] in LISTS else pl.Float64 for name in OUTPUTS},
    )
    return {name: json.loads(text) for name, text in assess(people, said, rates).row(0, named=True).items()}


def actions(**person):
    return [one["action"] for one in assessed(**person)["action_plan"]]


@pytest.mark.parametrize(
    ("person", "first"),
    [
        ({"injured": 1, "sleep_debt_hours": 3.0}, "rest_the_injury"),
        ({"acute_load": 160.0}, "ease_the_load"),
        ({"injury_risk_probability": 0.3}, "watch_for_injury"),
        ({"sleep_debt_hours": 2.5}, "sleep_more"),
        ({"stress_level": 8.0}, "recover"),
        ({"burnout_probability": 0.6}, "recover"),
        ({"days_since_last_session": 9}, "come_back_small"),
        ({"lapse_7d_probability": 0.4}, "come_back_small"),
        ({"churn_probability": 0.4}, "stay_in_touch"),
        ({"adherence_probability": 0.2, "planned_next_7d": 5}, "plan_less"),
        ({"planned_next_7d": 0}, "plan_the_week"),
        ({"barrier_frequency": 0.5, "top_barrier": "no_time"}, "remove_the_barrier"),
        ({"success_rate_variance_by_time": 0.6}, "keep_to_good_times"),
        ({"social_context_impact": 0.4}, "train_together"),
        ({"plateau_probability": 0.8}, "change_the_stimulus"),
        (SURE, "step_up"),
        ({}, "keep_going"),
    ],
)
def test_the_planted_reason_is_the_first_thing_to_do(person, first):
    assert actions(**person)[0] == first


def test_a_plan_says_the_numbers_and_is_short():
    plan = assessed(injured=1, acute_load=200.0, sleep_debt_hours=3.123456, stress_level=9.0)["action_plan"]
    assert [one["action"] for one in plan] == ["rest_the_injury", "ease_the_load", "sleep_more"]
    assert len(plan) == MOST_ACTIONS
    assert plan[2]["because"] == {"sleep_debt_hours": 3.123, "sleep_hours_7d": None}


@pytest.mark.parametrize(
    "reason", [{"injured": 1}, {"acute_load": 160.0}, {"sleep_debt_hours": 2.5}, {"injury_risk_probability": 0.3}]
)
def test_nobody_who_has_to_be_careful_is_told_to_do_more(reason):
    found = assessed(
        **SURE, **reason, plateau_probability=0.9, performance_low=4.0, streak_length_current=9, streak_length_longest=9
    )
    assert not {"step_up", "change_the_stimulus"} & {one["action"] for one in found["action_plan"]}
    assert not found["opportunities"]


@pytest.mark.parametrize(
    ("person", "found"),
    [
        ({"performance_low": 3.5, "performance": 4.5}, ["breakthrough"]),
        ({"performance_low": 2.5, "performance": 4.5}, []),
        ({"streak_length_current": 8, "streak_length_longest": 9}, ["breakthrough"]),
        (SURE, ["progression"]),
        ({"consistency_score": 0.9, "time_of_day_consistency": 0.4}, ["habit_strengthening"]),
        ({"consistency_score": 0.9, "time_of_day_consistency": 0.95}, []),
    ],
)
def test_opportunities_are_told_with_their_numbers(person, found):
    told = assessed(**person)["opportunities"]
    assert [one["opportunity"] for one in told] == found
    for one in told:
        assert person.items() & one["because"].items()


def test_a_forecast_is_told_against_the_usual_odds_or_why_it_is_not_known():
    rates = {name: rate for name, rate in RATES.items() if name != "plateau"}
    told = {one["what"]: one for one in assessed(rates, burnout_probability=0.4)["forecasts"]}
    assert set(told) == set(FORECASTS)
    assert told["burnout"] == {"what": "burnout", "probability": 0.4, "level": "raised", "not_known": None}
    assert told["plateau"]["not_known"] == NO_MODEL
    assert told["injury_risk"]["not_known"] == NOT_FOR_PERSON
    assert {one["level"] for one in told.values()} == {"raised", None}


@pytest.mark.parametrize(("probability", "level"), [(0.1, "low"), (0.2, "usual"), (0.34, "raised"), (0.6, "high")])
def test_levels_are_odds_against_the_usual_ones(probability, level):
    told = {one["what"]: one["level"] for one in assessed(burnout_probability=probability)["forecasts"]}
    assert told["burnout"] == level


def test_the_usual_rate_is_that_of_the_people_by_whom_a_version_was_judged():
    assert usual_rate([{"observed": 0.1, "rows": 30}, {"observed": 0.5, "rows": 10}]) == pytest.approx(0.2)


def test_a_crowd_is_assessed_as_each_of_it_alone():
    people = [{"injured": 1}, {}, SURE, {"planned_next_7d": 0}, {"injured": 1}]
    frames = [
        pl.DataFrame(
            {name: [(CALM | one).get(name)] for name in (feature.name for feature in FEATURES)},
            schema_overrides={
                name: pl.String if name in TEXT else pl.Float64 for name in (feature.name for feature in FEATURES)
            },
        )
        for one in people
    ]
    said = [
        pl.DataFrame({name: [one.get(name)] for name in OUTPUTS}, schema_overrides=dict.fromkeys(OUTPUTS, pl.Float64))
        for one in people
    ]
    together = assess(pl.concat(frames), pl.concat(said), RATES)
    assert together.equals(pl.concat([assess(one, two, RATES) for one, two in zip(frames, said, strict=True)]))


def test_every_action_opportunity_and_forecast_has_its_words():
    assert set(assessment.ACTIONS) == {rule.name for rule in (*ACTIONS, KEEP_GOING)}
    assert set(assessment.OPPORTUNITIES) == {rule.name for rule in OPPORTUNITIES}
    assert set(assessment.FORECASTS) == set(FORECASTS)


def test_every_number_that_a_rule_tells_is_a_feature_or_a_prediction():
    known = {feature.name for feature in FEATURES} | set(OUTPUTS)
    assert {name for rule in (*ACTIONS, KEEP_GOING, *OPPORTUNITIES) for name in rule.because} <= known
