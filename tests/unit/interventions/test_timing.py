"""The testbed gives its golden numbers (methods section 3), and the learned policy earns what it promises."""

from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from bench import timing
from interventions.timing.hours import learned_hours, part_of_day
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


def test_the_hour_is_where_the_person_opens_and_everybodys_where_little_is_known():
    messages = pl.DataFrame(
        [
            ("owl", 20.0, 30, 25),
            ("owl", 8.5, 30, 2),
            ("few", 20.0, 4, 4),
            ("new", 8.5, 6, 0),
            ("lark", 8.5, 60, 58),
        ],
        schema=["user_id", "hour", "delivered", "opened"],
        orient="row",
    )
    hours = dict(learned_hours(messages).iter_rows())
    # Six messages in the morning were ignored: evenings, which go best with everybody, are tried.
    assert hours == {"lark": 8.5, "new": 20.0, "owl": 20.0}
    assert learned_hours(messages.clear()).height == 0


def test_answers_count_for_the_part_of_the_day_in_which_the_message_came():
    events = pl.DataFrame(
        {
            "event_at": [datetime(2026, 1, 5, 7, tzinfo=UTC), datetime(2026, 1, 5, 12, tzinfo=UTC), datetime(2026, 1, 5, 19, 30, tzinfo=UTC)],
            "event_offset_s": [3_600, 3_600, -5 * 3_600],
            "response_time_s": [None, 5 * 3_600.0, 60.0],
        }
    )  # fmt: skip
    assert events.select(part_of_day()).to_series().to_list() == [8.5, 8.5, 15.0]
