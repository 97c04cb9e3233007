"""Labels from what followed, and a split that lets no future into training."""

from datetime import date, timedelta

import polars as pl
import pytest

from models.adherence.config import CONFIG
from models.lifecycle.dataset import labels, split, training_nights

AS_OF = date(2026, 3, 1)
ONE = timedelta(days=1)


def snapshot(sessions_28d=8):
    return pl.DataFrame(
        {"user_id": ["a"], "batch_date": [AS_OF + ONE], "as_of_date": [AS_OF], "sessions_28d": [sessions_28d]}
    )


def days(sessions, planned, events=1, start=1):
    return pl.DataFrame(
        {
            "user_id": ["a"] * len(sessions),
            "local_date": [AS_OF + (start + offset) * ONE for offset in range(len(sessions))],
            "workouts_completed": sessions,
            "workouts_planned": planned,
            "events": [events] * len(sessions),
        }
    )


@pytest.mark.parametrize(
    ("sessions", "planned", "habit", "expected"),
    [
        ([1, 1, 1, 1], [2, 1, 1, 1], 8, 1),  # 4 of 5 planned is 80 %
        ([1, 1, 1, 0], [2, 1, 1, 1], 8, 0),  # 3 of 5 is not
        ([1, 1], [0, 0], 8, 1),  # nothing planned: the usual two a week
        ([1], [0], 8, 0),
        ([1], [0], 0, 1),  # no habit yet: one session counts
        ([0], [0], 0, 0),
    ],
)
def test_label(sessions, planned, habit, expected):
    assert labels(snapshot(habit), days(sessions, planned))["label"].to_list() == [expected]


def test_the_window_is_the_seven_days_after_the_as_of_date():
    on_the_day = days([5], [0], start=0)
    too_late = days([5], [0], start=CONFIG.label_days + 1)
    last = days([2], [0], start=CONFIG.label_days)
    assert labels(snapshot(), on_the_day).is_empty()
    assert labels(snapshot(), too_late).is_empty()
    assert labels(snapshot(), last)["label"].to_list() == [1]


def test_a_window_without_any_sign_of_use_is_censored_and_not_a_failure():
    assert labels(snapshot(), days([0], [0], events=0)).is_empty()


def test_training_never_uses_a_night_whose_window_is_not_over():
    from habitlake.clock import Interval

    stored = [AS_OF + offset * ONE for offset in range(30)]
    chosen = training_nights(stored, Interval(stored[0], stored[-1]))
    assert max(chosen) + timedelta(days=CONFIG.label_days + CONFIG.label_delay_days) == stored[-1]


def test_split_keeps_a_label_window_between_training_and_test_and_some_people_apart():
    rows = pl.DataFrame(
        [
            {"user_id": f"user{person}", "batch_date": AS_OF + 3 * night * ONE, "label": night % 2}
            for person in range(200)
            for night in range(20)
        ]
    )
    marked = split(rows)
    train, test = (marked.filter(pl.col("split") == part) for part in ("train", "test"))
    assert train["batch_date"].max() + timedelta(days=CONFIG.label_days) <= test["batch_date"].min()
    assert not train["unseen"].any()
    unseen = test.filter("unseen")["user_id"].n_unique()
    assert 20 <= unseen <= 60
    assert not set(test.filter("unseen")["user_id"]) & set(train["user_id"])
    assert (
        split(rows.sample(fraction=1.0, shuffle=True, seed=4))
        .sort("user_id", "batch_date")
        .equals(marked.sort("user_id", "batch_date"))
    )
