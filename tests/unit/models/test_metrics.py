"""The figures against scikit-learn, and intervals that follow people and not rows."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, brier_score_loss, f1_score, roc_auc_score

from models.lifecycle.metrics import accuracy, advantage, auc, brier, ece, f1, figures


@pytest.fixture
def sample():
    generator = np.random.default_rng(3)
    score = np.round(generator.random(600), 2)  # rounded: ties matter for ranks
    label = (generator.random(600) < score).astype(np.int64)
    users = np.array([f"u{number // 6}" for number in range(600)])
    return label, score, users


def test_figures_equal_scikit_learn(sample):
    label, score, _ = sample
    assert auc(label, score) == pytest.approx(roc_auc_score(label, score))
    assert accuracy(label, score) == pytest.approx(accuracy_score(label, score >= 0.5))
    assert f1(label, score) == pytest.approx(f1_score(label, score >= 0.5))
    assert brier(label, score) == pytest.approx(brier_score_loss(label, score))


def test_one_class_has_no_auc():
    assert np.isnan(auc(np.ones(5, dtype=np.int64), np.linspace(0, 1, 5)))


def test_calibration_error_is_zero_for_the_truth_and_large_for_overconfidence():
    label = np.tile([1, 0, 0, 0], 250)
    assert ece(label, np.full(1_000, 0.25)) < 0.02
    assert ece(label, np.full(1_000, 0.9)) == pytest.approx(0.65, abs=0.02)


def test_repeating_every_row_of_a_person_does_not_narrow_the_interval(sample):
    label, score, users = sample
    once = figures(label, {"model": score}, users, samples=200, seed=1)["model"]["auc"]
    often = figures(np.tile(label, 5), {"model": np.tile(score, 5)}, np.tile(users, 5), samples=200, seed=1)["model"][
        "auc"
    ]
    assert once[0] == often[0]
    assert often[2] - often[1] == pytest.approx(once[2] - once[1], rel=0.05)


def test_intervals_repeat_with_the_seed_and_hold_the_value(sample):
    label, score, users = sample
    first, again = (figures(label, {"model": score}, users, samples=100, seed=5) for _ in range(2))
    assert first == again
    for value, low, high in first["model"].values():
        assert low <= value <= high


def test_a_score_against_itself_differs_by_nothing(sample):
    label, score, users = sample
    assert advantage(label, score, score, users, 50, 1) == [0.0, 0.0, 0.0]
    assert advantage(label, score, 1 - score, users, 50, 1)[1] > 0.2
