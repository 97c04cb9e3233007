"""Drift of what a model reads: silence where chance explains it at any sample size, and a word where it does not."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from models.catalogue import SPECS
from models.lifecycle.drift import GROWING, drift, missing, psi, reference
from models.lifecycle.monitor import DRIFT_LIMIT, MIN_PREDICTIONS, figure, realised, shadowed, standard_error
from models.lifecycle.registry import due

NIGHT = date(2026, 3, 6)
FEATURES = ("steps_7d", "stress_level", "days_since_first_event")
QUIET_WEEKS = 200


def people(seed, count, **changes):
    random = np.random.default_rng(seed)
    columns = {name: random.normal(size=count) for name in FEATURES} | changes
    return pl.DataFrame({"user_id": [f"u{number}" for number in range(count)], **columns})


@pytest.mark.parametrize("count", [60, 400])
def test_without_drift_an_alarm_is_rarer_than_one_in_twenty_weeks(count):
    known = reference(people(0, 1_000), FEATURES)
    alarms = sum(max(drift(people(seed, count), known).values()) > DRIFT_LIMIT for seed in range(1, QUIET_WEEKS))
    assert alarms / QUIET_WEEKS < 0.05


def test_the_plain_index_would_cry_wolf_in_a_small_sample():
    known = reference(people(0, 1_000), FEATURES)["features"]["steps_7d"]
    from models.lifecycle.drift import shares

    plain = [
        psi(np.array(known["shares"]), shares(people(seed, 30)["steps_7d"].to_numpy(), known["edges"]))
        for seed in range(1, 100)
    ]
    assert np.mean(np.array(plain) > DRIFT_LIMIT) > 0.2


@pytest.mark.parametrize("shift", [1.0, -1.0])
def test_a_shift_by_a_deviation_is_found_by_name(shift):
    known = reference(people(0, 1_000), FEATURES)
    scores = drift(people(7, 400).with_columns(pl.col("steps_7d") + shift), known)
    assert max(scores, key=scores.get) == "steps_7d"
    assert scores["steps_7d"] > DRIFT_LIMIT
    assert scores["stress_level"] == 0


def test_a_feature_that_grows_with_time_is_no_drift():
    known = reference(people(0, 1_000), FEATURES)
    assert GROWING & set(FEATURES) == {"days_since_first_event"}
    assert "days_since_first_event" not in drift(people(1, 400), known)


def test_a_feature_that_went_missing_is_both():
    known = reference(people(0, 1_000), FEATURES)
    gone = people(3, 400).with_columns(steps_7d=pl.lit(None, pl.Float64))
    assert missing(gone, known)["steps_7d"] == pytest.approx(1, abs=0.01)
    assert missing(gone, known)["stress_level"] == pytest.approx(0, abs=0.01)
    assert drift(gone, known)["steps_7d"] > DRIFT_LIMIT


def test_a_feature_that_nobody_ever_had_says_nothing():
    never = people(0, 500).with_columns(steps_7d=pl.lit(None, pl.Float64))
    assert drift(never, reference(never, FEATURES))["steps_7d"] == 0


def judged(seed, count, turned=0.0):
    """Return predictions that hold, of people some of whom have turned to the opposite."""
    random = np.random.default_rng(seed)
    score = random.beta(2, 1, size=count)
    label = random.random(count) < np.where(random.random(count) < turned, 1 - score, score)
    people = [f"u{number}" for number in range(count)]
    return pl.DataFrame({"user_id": people, "score": score, "label": label.astype(float)}).with_columns(
        batch_date=pl.lit(NIGHT)
    )


def accuracy_alarms(count, turned, draws=300):
    """Return the share of draws in which accuracy asks for retraining, against that of a large sample."""
    label, score = (judged(0, 200_000)[name].to_numpy() for name in ("label", "score"))
    accuracy = float(((score >= 0.5) == (label == 1)).mean())
    bundle = {"figures": {"accuracy": [accuracy, accuracy, accuracy]}}
    found = [
        any(row["alarm"] for row in realised(SPECS[0], judged(seed, count, turned), bundle))
        for seed in range(1, draws + 1)
    ]
    return np.mean(found)


def test_a_change_is_told_of_the_newest_night_while_it_drowns_in_the_month():
    month = [judged(seed, 400, 0.3 if seed == 5 else 0.0) for seed in range(1, 6)]
    nights = [rows.with_columns(batch_date=NIGHT + timedelta(days=7 * n)) for n, rows in enumerate(month)]
    found = {
        row["figure"]: row
        for row in realised(SPECS[0], pl.concat(nights), {"figures": {"accuracy": [0.75, 0.73, 0.77]}})
    }
    assert {name for name, row in found.items() if row["alarm"]} == {"newest_accuracy"}
    assert found["newest_accuracy"]["value"] < found["accuracy"]["value"]


@pytest.mark.parametrize("count", [100, 400])
def test_predictions_that_hold_alarm_in_fewer_than_one_in_twenty_weeks(count):
    assert accuracy_alarms(count, 0.0) < 0.05


def test_people_who_turned_to_the_opposite_are_noticed_in_the_first_week_known():
    assert accuracy_alarms(400, 0.3) > 0.9


def test_few_predictions_judge_no_model():
    assert realised(SPECS[0], judged(1, MIN_PREDICTIONS - 1), {}) == []


def test_a_challenger_stands_beside_the_champion_on_the_same_predictions_and_never_alarms():
    people_judged = judged(1, 500)
    of_champion = people_judged.head(400).with_columns(role=pl.lit("champion"))
    # It says the opposite, of people some of whom the champion has not scored.
    turned = people_judged.with_columns(score=1 - pl.col("score"), role=pl.lit("challenger"))
    found = {row["figure"]: row for row in shadowed(SPECS[0], pl.concat([of_champion, turned]))}
    assert {name: row["baseline"] for name, row in found.items()} == {
        row["figure"]: row["value"] for row in realised(SPECS[0], of_champion, {})
    }
    assert found["accuracy"]["people"] == 400
    assert found["accuracy"]["value"] < 0.5 < found["accuracy"]["baseline"]
    assert not any(row["alarm"] for row in found.values())
    alone = shadowed(SPECS[0], turned)
    assert {row["baseline"] for row in alone} == {None}
    assert alone[0]["people"] == 500


@pytest.mark.parametrize(
    ("trained", "night", "expected"),
    [
        (None, 9, ["drift of steps_7d 0.500"]),
        ("2026-03-06", 9, ["drift of steps_7d 0.500"]),
        ("2026-03-07", 9, []),  # the last run is two nights ago
        ("2026-03-02", 8, []),  # the alarm is not heard before its night
        ("2026-03-01", 8, ["7 nights since the last training"]),
        ("2026-03-09", 12, []),  # the last run knew the night that raised the alarm
        ("2026-03-09", 16, ["7 nights since the last training"]),
    ],
)
def test_retraining_is_due_by_an_alarm_newer_than_the_last_one_or_after_a_week(trained, night, expected):
    drifted = figure("drift", 0.5, None, 500, feature="steps_7d") | {"batch_date": date(2026, 3, 9)}
    calm = figure("accuracy", 0.8, 0.8, 500) | {"batch_date": date(2026, 3, 8)}
    assert due([drifted, calm], trained, date(2026, 3, night)) == expected


def test_an_alarm_that_stays_starts_training_every_third_night_at_most():
    trained, runs = date(2026, 3, 1), []
    for night in (date(2026, 3, 1) + timedelta(days=number) for number in range(1, 15)):
        standing = figure("drift", 0.5, None, 500, feature="steps_7d") | {"batch_date": night}
        if due([standing], trained.isoformat(), night):
            trained = night
            runs.append(night.day)
    assert runs == [4, 7, 10, 13]


@pytest.mark.parametrize(
    ("name", "found", "baseline", "error", "alarm"),
    [
        ("drift", 0.31, None, 0, True),
        ("drift", 0.29, None, 0, False),
        ("accuracy", 0.75, 0.8, 0.01, True),
        ("accuracy", 0.75, 0.8, 0.02, False),  # by chance it is as low as 0.74
        ("accuracy", 0.5, None, 0, False),
        ("accuracy", 0.77, 0.8, 0, False),  # 0.76 is 0.95 of it
        ("newest_accuracy", 0.75, 0.8, 0.01, True),
        ("mae", 1.1, 1.0, 0.02, True),
        ("mae", 1.1, 1.0, 0.04, False),
        ("mae", 1.04, 1.0, 0, False),
        ("newest_mae", 1.1, 1.0, 0.02, True),
        ("ece", 0.9, 0.1, 0, False),
    ],
)
def test_what_asks_for_retraining(name, found, baseline, error, alarm):
    assert figure(name, found, baseline, 500, error=error)["alarm"] is alarm


def test_few_people_have_a_wide_error_and_a_baseline_of_few_widens_it():
    label, score = judged(1, 400)["label"].to_numpy(), judged(1, 400)["score"].to_numpy()
    assert standard_error("accuracy", label, score, 400, [0.8, 0.8, 0.8]) == pytest.approx(0.02)
    assert standard_error("accuracy", label, score, 400, [0.8, 0.8 - 1.96 * 0.02, 0.8 + 1.96 * 0.02]) == pytest.approx(
        0.02 * 2**0.5, rel=1e-4
    )
    assert standard_error("mae", label, score, 100, [0.4, 0.4, 0.4]) == pytest.approx(np.abs(label - score).std() / 10)
