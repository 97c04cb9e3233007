"""Hazards, amounts and scores on hand-made rows: they learn what was planted, and explanations add up."""

import json
from datetime import date

import numpy as np
import polars as pl
import pytest

from models.catalogue import SPECS
from models.lifecycle.amounts import amounts
from models.lifecycle.estimators import Logistic, logistic_and_trees
from models.lifecycle.hazard import Hazard, hazards
from models.lifecycle.score import score
from models.lifecycle.spec import WEEK_COLUMNS
from models.lifecycle.trajectory import end, trajectories

FEATURES = ("strong", "noise")
SPEC = {spec.name: spec for spec in SPECS}


def rows(label, count=800):
    """Return rows whose first feature drives the label; a tenth of it is missing."""
    random = np.random.default_rng(11)
    strong, noise = random.normal(size=(2, count))
    frame = pl.DataFrame({"strong": strong, "noise": noise, **label(strong, random)})
    return frame.with_columns(strong=pl.when(pl.int_range(pl.len()) % 10 == 0).then(None).otherwise("strong"))


def weekly(strong, random):
    """Return the week of an event whose hazard is 0.05 or 0.4 a week."""
    hazard = np.where(strong > 0, 0.4, 0.05)[:, None]
    come = random.random((len(strong), 4)) < hazard
    value = np.where(come.any(axis=1), come.argmax(axis=1) + 1, 0)
    return {"value": value.astype(float), "label": (value > 0).astype(int)}


def amount(strong, random):
    return {"label": np.maximum(3 + 2 * strong + random.normal(scale=0.5, size=len(strong)), 0)}


def far_from_nothing(strong, random):
    return {"label": 10 + 2 * strong + random.normal(scale=0.5, size=len(strong))}


def event(strong, random):
    return {"label": (strong + random.normal(scale=0.5, size=len(strong)) > 0).astype(int)}


def log_odds(probability):
    return np.log(probability / (1 - probability))


@pytest.mark.parametrize("name", list(hazards(FEATURES)))
def test_a_hazard_per_week_makes_the_probability_of_four(name):
    people = rows(weekly, 4_000)
    fitted = hazards(FEATURES)[name].fit(people)
    probability = fitted.predict(people)
    risky, safe = (probability[(people["strong"] > edge).fill_null(value=False).to_numpy()] for edge in (0.5, -9))
    assert risky.mean() == pytest.approx(1 - 0.6**4, abs=0.08)
    assert probability.mean() == pytest.approx(people["label"].mean(), abs=0.03)
    assert risky.mean() > safe.mean()
    assert fitted.contributions(people).sum(axis=1) == pytest.approx(log_odds(probability), abs=1e-6)
    parts = np.abs(fitted.contributions(people))[:, :2].mean(axis=0)
    assert parts[0] > 3 * parts[1]


def test_who_had_the_event_is_no_longer_at_risk():
    people = pl.DataFrame({"x": [0.0] * 8, "value": [1.0, 1.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0]})

    class Counting(Logistic):
        seen = None

        def fit(self, frame):
            Counting.seen = frame.group_by("week").agg(pl.len(), pl.col("label").sum()).sort("week").rows()
            return self

    Hazard(("x",), Counting(("x", "week"))).fit(people)
    assert Counting.seen == [(1, 8, 2), (2, 6, 1), (3, 5, 0), (4, 5, 0)]


@pytest.mark.parametrize("name", list(amounts(FEATURES)))
def test_an_amount_comes_with_an_interval_that_holds(name):
    people = rows(amount)
    fitted = amounts(FEATURES)[name].fit(people)
    predicted, (low, high) = fitted.predict(people), fitted.interval(people)
    label = people["label"].to_numpy()
    assert np.corrcoef(predicted, label)[0, 1] > 0.8
    assert (low >= 0).all()
    assert ((low <= predicted) & (predicted <= high)).all()
    assert np.mean((low <= label) & (label <= high)) == pytest.approx(0.8, abs=0.1)
    assert fitted.contributions(people).sum(axis=1) == pytest.approx(predicted, abs=1e-9)


def by_week(people):
    """Return the rows as twenty of each person, with amounts of weeks that fall for who has much noise; some are not known."""
    random = np.random.default_rng(3)
    weeks = {
        name: people["label"] - number * people["noise"] + random.normal(scale=0.5, size=people.height)
        for number, name in enumerate(WEEK_COLUMNS)
    }
    person = pl.Series("user_id", [f"u{number // 20}" for number in range(people.height)])
    return people.with_columns(person, **weeks).with_columns(
        week_2=pl.when(pl.int_range(pl.len()) % 10 == 1).then(None).otherwise("week_2")
    )


@pytest.mark.parametrize("name", list(trajectories(FEATURES)))
def test_a_trajectory_has_an_interval_for_each_week_that_holds_for_people_never_seen(name):
    people = by_week(rows(far_from_nothing, 8_000))
    fitted = trajectories(FEATURES)[name].fit(people[:4_000])
    other = people[4_000:]
    weeks = fitted.weekly_amounts(other)
    low, high = fitted.interval(other)
    held = [np.mean((low <= other["label"].to_numpy()) & (other["label"].to_numpy() <= high))]
    for week, amount, (low, high) in zip(WEEK_COLUMNS, weeks, fitted.weekly_intervals(weeks), strict=True):
        assert ((low <= amount) & (amount <= high)).all()
        known = other[week].is_not_null().to_numpy()
        label = other[week].fill_null(0).to_numpy()
        held.append(np.mean(((low <= label) & (label <= high))[known]))
    assert held == pytest.approx([0.8] * 5, abs=0.05)
    noisy = other["noise"].to_numpy() > 1
    assert (weeks[3] < weeks[0])[noisy].all()
    assert fitted.contributions(other).sum(axis=1) == pytest.approx(fitted.predict(other), abs=1e-9)


def test_a_person_with_many_rows_counts_once_in_the_end_of_an_interval():
    gaps = np.array([5.0] * 50 + list(range(19)))
    people = np.array([0] * 50 + list(range(1, 20)))
    assert end(gaps, people) == 17, "the nineteenth of twenty people, one more than nine in ten of them"


@pytest.mark.parametrize("name", list(logistic_and_trees(FEATURES)))
def test_the_same_rows_give_the_same_event_model(name):
    people = rows(event)
    first, again = (logistic_and_trees(FEATURES)[name].fit(people).predict(people) for _ in range(2))
    assert np.array_equal(first, again)
    assert logistic_and_trees(FEATURES)[name].fit(people).contributions(people).sum(axis=1) == pytest.approx(
        log_odds(first), abs=1e-4
    )


CALIBRATION = [{"upper": 1.0, "observed": 0.5, "people": 100}]


def night(name, **changes):
    """Return rows of gold.user_features that the model of that name reads, three people."""
    spec = SPEC[name]
    random = np.random.default_rng(5)
    columns = {feature: random.normal(5, 1, 60) for feature in spec.features}
    keys = {"batch_date": [date(2026, 3, 1)] * 60, "user_id": [f"u{number:02d}" for number in range(60)]}
    rest = {"observed_days_28d": [20] * 60, "injured": [0] * 59 + [1]}
    return pl.DataFrame(keys | columns | rest | changes)


def scored(name, people):
    spec = SPEC[name]
    label = pl.Series(np.arange(people.height) % 2)
    weeks = {name: label.cast(pl.Float64) for name in spec.week_columns.values()}
    rows_of_model = people.with_columns(label=label, value=label.cast(pl.Float64), **weeks)
    fitted = next(iter(spec.candidates().values())).fit(rows_of_model)
    bundle = {"estimator": fitted, "calibration": CALIBRATION, "feature_service": spec.feature_service}
    return score(people, spec, bundle, "7")


def test_an_event_has_a_probability_and_an_amount_an_interval():
    chance, sessions = scored("churn", night("churn")), scored("performance", night("performance"))
    assert chance["probability"].is_between(0, 1).all()
    assert chance["value"].null_count() == chance.height
    assert sessions["probability"].null_count() == sessions.height
    assert (sessions["value_low"] <= sessions["value"]).all()
    assert chance["trajectory"].null_count() == chance.height
    weeks = json.loads(sessions["trajectory"][0])
    assert [week["week"] for week in weeks] == [1, 2, 3, 4]
    assert all(0 <= week["low"] <= week["value"] <= week["high"] for week in weeks)
    for rows_of_model in (chance, sessions):
        assert rows_of_model["confidence"].is_between(0, 1).all()
        assert rows_of_model["input_quality"].null_count() == 0
        assert rows_of_model["model_version"].unique().to_list() == ["7"]


def test_only_people_whom_the_model_is_for_are_scored():
    assert "u59" in scored("churn", night("churn"))["user_id"]
    assert "u59" not in scored("injury_risk", night("injury_risk"))["user_id"]


def test_missing_input_is_said_and_still_scored():
    people = night("churn", observed_days_28d=[1] * 30 + [20] * 30, **dict.fromkeys(SPEC["churn"].features[20:], None))
    rows_of_model = scored("churn", people.with_columns(observed_days_28d=pl.Series([1] * 30 + [20] * 30)))
    assert rows_of_model["input_quality"].to_list() == ["thin"] * 30 + ["partial"] * 30
    assert rows_of_model["probability"].is_not_nan().all()
