"""When a candidate takes over: only when it earned it, and never when it is too good to be true."""

import pytest

from models.lifecycle.promote import decide_promotion, is_narrow

CLEAR, UNCLEAR = [0.05, 0.03, 0.07], [0.01, -0.01, 0.03]


def evaluation(**changes):
    return {
        "best": "xgboost",
        "metric": "auc",
        "difference_to": {"base_rate": [0.3, 0.28, 0.32], "frequency_7d": CLEAR, "recency_frequency": CLEAR},
        "figures": {"xgboost": {"auc": [0.8, 0.78, 0.82]}, "champion": {"auc": [0.75, 0.73, 0.77]}},
        "leak_suspected": False,
        **changes,
    }


def with_difference(name, value):
    return evaluation(difference_to={**evaluation()["difference_to"], name: value})


def test_the_first_model_that_beats_every_baseline_is_promoted():
    promoted, reason = decide_promotion(evaluation(), 0.05)
    assert promoted
    assert "no champion was in force" in reason


@pytest.mark.parametrize("baseline", ["base_rate", "frequency_7d", "recency_frequency"])
def test_a_model_that_does_not_beat_a_baseline_is_refused_by_name(baseline):
    promoted, reason = decide_promotion(with_difference(baseline, UNCLEAR), 0.05)
    assert not promoted
    assert baseline in reason


@pytest.mark.parametrize(
    ("difference", "promoted"),
    [
        (CLEAR, True),  # a fifth of the champion's 0.25 over chance
        (UNCLEAR, False),  # could be chance
        ([0.01, 0.005, 0.015], False),  # certain, but 4 % of the champion's gain
    ],
)
def test_a_champion_gives_way_only_to_a_clear_and_sizeable_gain(difference, promoted):
    assert decide_promotion(with_difference("champion", difference), 0.05)[0] is promoted


@pytest.mark.parametrize(("loss", "promoted"), [([0.03, 0.01, 0.05], False), ([0.01, -0.01, 0.03], True), (None, True)])
def test_a_champion_does_not_give_way_to_a_model_calibrated_worse(loss, promoted):
    better = {**with_difference("champion", CLEAR), "calibration_loss": loss}
    assert decide_promotion(better, 0.05)[0] is promoted


@pytest.mark.parametrize(
    ("gain", "promoted"), [([-0.04, -0.06, -0.01], False), ([-0.04, -0.06, 0.01], True), (None, True)]
)
def test_a_champion_does_not_give_way_to_a_model_that_is_worse_for_a_group(gain, promoted):
    group = {"group": "age_band", "value": "60 or more", "people": 80, "gain": gain}
    decision, reason = decide_promotion({**with_difference("champion", CLEAR), "groups": [group]}, 0.05)
    assert decision is promoted
    assert promoted or "age_band 60 or more: AUC -0.040 [-0.060, -0.010]" in reason


def test_too_good_to_be_true_is_refused():
    promoted, reason = decide_promotion(evaluation(leak_suspected=True), 0.05)
    assert not promoted
    assert "leak" in reason


@pytest.mark.parametrize(
    ("changes", "narrow"),
    [
        ({"difference_to": {"base_rate": CLEAR, "frequency_7d": UNCLEAR}}, True),
        ({"difference_to": {"base_rate": CLEAR, "frequency_7d": [-0.01, -0.03, 0.01]}}, False),
        ({"difference_to": {"base_rate": CLEAR, "champion": [-0.01, -0.03, 0.01]}}, True),
        ({"leak_suspected": True}, False),
    ],
)
def test_refused_narrowly_is_ahead_of_every_baseline_on_average_and_no_leak(changes, narrow):
    assert is_narrow(evaluation(**changes)) is narrow


def test_an_amount_is_judged_by_its_error_and_said_so():
    error = {
        "metric": "mae",
        "difference_to": {"base_rate": [0.3, 0.28, 0.32], "champion": CLEAR},
        "figures": {"xgboost": {"mae": [0.45, 0.4, 0.5]}, "champion": {"mae": [0.5, 0.45, 0.55]}},
    }
    promoted, reason = decide_promotion(evaluation(**error), 0.05)
    assert promoted
    assert "MAE -0.050 [-0.070, -0.030], +10.0% of the champion's error" in reason
    error["figures"]["champion"]["mae"] = [2.0, 1.9, 2.1]
    assert not decide_promotion(evaluation(**error), 0.05)[0]
