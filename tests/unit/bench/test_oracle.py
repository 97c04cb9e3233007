"""The simulated world's own probability of a week's label, against every outcome counted by hand."""

from datetime import date, timedelta
from itertools import product

import numpy as np
import polars as pl
import pytest

from bench.oracle import adherence, counts, lapse, true_days
from habitlake.settings import Settings

DAY = date(2026, 3, 1)


def test_counts_are_those_of_all_outcomes():
    probability = np.random.default_rng(4).random((3, 7))
    expected = np.zeros((3, 8))
    for outcome in product((0, 1), repeat=7):
        happened = np.array(outcome)
        expected[:, happened.sum()] += np.where(happened, probability, 1 - probability).prod(axis=1)
    np.testing.assert_allclose(counts(probability), expected, atol=1e-12)


@pytest.mark.parametrize(
    ("planned", "sessions_28d", "needed"),
    [(5, 0, 4), (3, 0, 3), (1, 20, 1), (0, 12, 3), (0, 8, 2), (0, 0, 1), (0, 9, 2)],
)
def test_adherence_needs_four_fifths_of_the_plan_or_of_the_usual_week(planned, sessions_28d, needed):
    count = counts(np.full((1, 7), 0.4))
    rows = pl.DataFrame({"workouts_planned_1": [planned], "sessions_28d": [sessions_28d]})
    assert adherence(count, rows)[0] == pytest.approx(count[0, needed:].sum())
    assert lapse(count, rows)[0] == pytest.approx(0.6**7)


def test_more_planned_than_there_are_days_cannot_be_reached():
    rows = pl.DataFrame({"workouts_planned_1": [10], "sessions_28d": [0]})
    assert adherence(counts(np.full((1, 7), 0.9)), rows)[0] == 0


def test_true_days_are_the_seven_after_the_as_of_date(tmp_path):
    for number in range(9):
        folder = tmp_path / "truth" / f"local_date={DAY + timedelta(days=number)}"
        folder.mkdir(parents=True)
        pl.DataFrame({"user_id": ["a"], "probability": [number / 10]}).write_parquet(folder / "people-00000.parquet")
    found = true_days(pl.DataFrame({"user_id": ["a", "b"], "as_of_date": [DAY, DAY]}), Settings(home=tmp_path))
    assert found.tolist() == [[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7], [0.0] * 7]
