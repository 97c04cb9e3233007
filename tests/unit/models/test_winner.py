"""Which candidate is proposed: a more complex one has to beat the simplest beyond chance."""

import numpy as np

from models.lapse_7d.config import SPEC
from models.lifecycle.evaluate import winner


def scores(gain):
    """Return label, scores and people; the second candidate sees more of the truth by ``gain``."""
    generator = np.random.default_rng(4)
    truth = generator.normal(size=900)
    label = (generator.random(900) < 1 / (1 + np.exp(-2 * truth))).astype(np.int64)
    noise = generator.normal(size=(2, 900))
    simple, complicated = truth + noise[0], truth + (1 - gain) * noise[1]
    names = list(SPEC.candidates())
    return label, dict(zip(names, (simple, complicated), strict=True)), np.array([f"u{row // 3}" for row in range(900)])


def test_the_simplest_stays_where_another_is_ahead_by_chance_or_behind():
    for gain in (0.0, 0.05):
        label, found, users = scores(gain)
        assert winner(SPEC, label, found, users) == "logistic_regression"


def test_a_candidate_that_is_better_beyond_chance_is_proposed():
    label, found, users = scores(0.9)
    assert winner(SPEC, label, found, users) == "xgboost"
