"""Off-policy values: by hand, against a known truth, and on the real trial."""

import numpy as np
import pytest

from bench.off_policy import Log, crossfitted, evaluate
from bench.replay import LOGGED, compare, read_moments


def test_values_by_hand():
    log = Log(
        user=np.array([1, 1, 2, 2]),
        features=np.zeros((4, 1)),
        sent=np.array([True, False, True, False]),
        probability=np.array([0.5, 0.5, 0.8, 0.8]),
        reward=np.array([4.0, 2.0, 3.0, 1.0]),
    )
    always = np.ones(4)
    found = evaluate(log, always, (np.full(4, 1.0), np.full(4, 3.0)))
    # Weights 2, 0, 1.25, 0.
    values = {value.estimator: value.value for value in found.values}
    assert values["IPW"] == pytest.approx((2 * 4 + 1.25 * 3) / 4)
    assert values["SNIPW"] == pytest.approx((2 * 4 + 1.25 * 3) / 3.25)
    assert values["DR"] == pytest.approx((3 + 3 + 3 + 3 + 2 * 1 + 1.25 * 0) / 4)
    assert found.effective_size == pytest.approx(3.25**2 / (4 + 1.25**2))
    assert found.largest_weight == 2
    logged = evaluate(log, log.probability, (np.full(4, 1.0), np.full(4, 3.0)))
    assert [value.value for value in logged.values[:2]] == [2.5, 2.5]
    assert (logged.values[3].value, logged.values[3].low) == (0, 0)


def test_each_estimator_finds_the_true_value_and_its_interval_covers_it():
    draw = np.random.default_rng(5)
    users, moments, covered = 60, 40, []
    for _ in range(40):
        user = np.repeat(np.arange(users), moments)
        state = draw.random((users * moments, 2))
        probability = 0.3 + 0.4 * state[:, 0]
        sent = draw.random(len(user)) < probability
        own = draw.normal(0, 0.3, users)[user]
        # The regression's line is wrong: the baseline is a square.
        reward = own + 4 * state[:, 1] ** 2 + sent * (state[:, 0] - 0.3) + draw.normal(0, 1, len(user))
        log = Log(user, state, sent, probability, reward)
        target = np.where(state[:, 0] > 0.3, 0.8, 0.2)
        truth = (4 * state[:, 1] ** 2 + target * (state[:, 0] - 0.3)).mean()
        found = evaluate(log, target, crossfitted(log))
        covered.append([value.low <= truth <= value.high for value in found.values[:3]])
        assert found.values[3].low > 0, "better than the logged policy, which sends where it harms"
    assert (np.mean(covered, axis=0) > 0.8).all()


@pytest.mark.real_data
def test_the_trial_is_read_as_it_was_and_the_logged_policy_is_worth_its_mean(real_data):
    moments = read_moments(real_data)
    assert moments.height == 6_061
    assert moments["drawn"].mean() == pytest.approx(0.593, abs=0.001)
    found = compare(real_data)
    mean = moments["outcome"].mean()
    assert found["logged"].values[0].value == pytest.approx(mean)
    assert found["always"].largest_weight == pytest.approx(1 / LOGGED)
    assert found["never"].largest_weight == pytest.approx(1 / (1 - LOGGED))
    # Sending did good on average: +0.13 in the trial's own analysis.
    always, never = (found[name].values[2] for name in ("always", "never"))
    assert always.value - never.value == pytest.approx(0.13, abs=0.03)
    assert always.low < found["learned (this platform)"].values[2].value < always.high
