"""The testbed gives its golden numbers (methods section 3), and the learned policy earns what it promises."""

import numpy as np
import pytest

from bench import timing
from interventions.timing.policy import Posterior, features


def mean(name: str, sigma: float = 0.0, runs: int = 200) -> float:
    """Return the mean return of a rule of the table."""
    return float(timing.play(timing.RULES[name](sigma), sigma, runs, seed=0).mean())


@pytest.mark.parametrize(
    ("rule", "golden", "within"),
    [
        ("best message always", 1_535, 1),
        ("best message below a habituation of 0.48", 3_185, 1),
        ("generic message always", 388, 1),
        ("random", 515, 20),
    ],
)
def test_the_testbed_reproduces_its_golden_numbers(rule, golden, within):
    assert mean(rule, runs=2_000) == pytest.approx(golden, abs=within)


def test_the_oracle_is_the_one_of_the_literature():
    assert timing.oracle() == pytest.approx(3_398, abs=1)


def test_the_learned_policy_reaches_nine_tenths_of_the_oracle_even_where_it_stays_randomised():
    assert mean("learned (this platform)") >= 0.9 * timing.oracle()
    assert mean("learned, clipped to 0.2..0.8") >= 0.9 * timing.oracle()


def test_uncertain_context_costs_but_the_policy_stays_ahead_of_the_rule():
    assert mean("learned (this platform)", 0.8) > 1.5 * mean("best message below a habituation of 0.48", 0.8)


def test_the_regression_finds_an_effect_through_a_wrong_baseline():
    draw = np.random.default_rng(0)
    f = features(draw.random(20_000), draw.random(20_000))
    probability = np.where(f[:, 1] > 0.5, 0.8, 0.2)
    sent = (draw.random(20_000) < probability).astype(float)
    baseline = 50.0 * np.sin(6 * f[:, 1])  # not linear in f
    reward = baseline + sent * (f @ [10.0, -5.0, 3.0, 0.0]) + draw.normal(size=20_000)
    found = Posterior.prior().updated(f, sent, probability, reward)
    assert found.mean[8:] == pytest.approx([10.0, -5.0, 3.0, 0.0], abs=4 * np.sqrt(np.diag(found.covariance)[8:]).max())
    at_average = features(np.array([0.5]), np.array([0.5])) @ found.mean[8:]
    assert at_average[0] == pytest.approx(9.0, abs=1.5)
