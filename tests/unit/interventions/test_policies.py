"""The closed loop of the bench: policies meet the same people, keep the caps, and the learner counts what it should."""

import numpy as np
import polars as pl
import pytest

from bench import policies
from bench.policies import POLICIES, run
from bench.simulated import Life

PEOPLE, NIGHTS = 150, 3


@pytest.fixture(scope="module")
def runs():
    return {name: run(3, PEOPLE, NIGHTS, policy) for name, policy in POLICIES.items()}


def test_a_run_depends_on_its_seed_alone(runs):
    again = run(3, PEOPLE, NIGHTS, POLICIES[policies.LEARNED])
    first = runs[policies.LEARNED]
    assert (again.sessions, again.messages) == (first.sessions, first.messages)
    assert run(4, PEOPLE, NIGHTS, None).sessions != runs[policies.NONE].sessions


def test_nobody_is_above_a_cap_and_silence_sends_nothing(runs):
    assert {one.above_cap for one in runs.values()} == {0}
    assert runs[policies.NONE].messages == 0
    assert runs[policies.RULES].messages > runs[policies.RANDOM].messages > 0
    assert runs[policies.RULES].messages > runs[policies.LEARNED].messages > 0


def test_the_dosage_known_to_the_policy_is_that_of_the_people():
    life = Life.of(3, PEOPLE)
    for number in range(10):
        life.live(["encouragement" if number % 2 else None] * PEOPLE)
    reached = np.array([day["delivered"] & day["present"] for day in life.days])
    always = (reached == np.array([day["delivered"] for day in life.days])).all(axis=0)
    assert always.any()
    assert life.dosage()[always] == pytest.approx(life.state.dosage[always], abs=1e-6)


def test_true_effects_are_what_sending_changes():
    """Two worlds that differ in one message: the difference of probabilities is the true effect."""
    worlds = [Life.of(5, PEOPLE) for _ in range(2)]
    for life in worlds:
        for _ in range(5):
            life.live(["social_reinforcement"] * PEOPLE)
    silent, sent = (
        life.live([action] * PEOPLE) for life, action in zip(worlds, (None, "goal_adjustment"), strict=True)
    )
    rows = pl.DataFrame(
        {"user_id": [f"u{person}" for person in range(PEOPLE)], "action": "goal_adjustment", "chance": 0.5}
    )
    # Dosage before that day: what the day left, without the day itself.
    dosage = worlds[0].state.dosage / 0.95
    found = policies.true_effects(rows, worlds[0], dosage, silent)["true"].to_numpy()
    assert found == pytest.approx(sent.probability - silent.probability, abs=1e-9)
    assert np.abs(found).max() > 0.01
