"""Labels from what followed, and a split that lets no future into training."""

from datetime import date, timedelta

import polars as pl
import pytest

from habitlake.clock import Interval
from models.adherence.config import SPEC
from models.lifecycle.dataset import labelled, rows_of, split, training_nights
from models.lifecycle.outcomes import MEASURES, outcomes
from models.lifecycle.sequences import CHANNELS, with_sequence
from models.lifecycle.spec import LABEL_DELAY_DAYS

AS_OF = date(2026, 3, 1)
ONE = timedelta(days=1)


def snapshot(sessions_28d=8):
    return pl.DataFrame(
        {
            "user_id": ["a"],
            "batch_date": [AS_OF + ONE],
            "as_of_date": [AS_OF],
            "event_timestamp": [AS_OF + ONE],
            "sessions_28d": [sessions_28d],
        }
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
    ).with_columns(
        pl.lit(0).alias(name)
        for name in MEASURES
        if not name.startswith(("workouts_", "events")) or name == "workouts_skipped"
    )


def labels(snapshots, facts, known_until=AS_OF + 60 * ONE):
    """Return the labels of the snapshots, as facts known at the end of a night tell them."""
    return labelled(outcomes(snapshots, facts), [SPEC], Interval(AS_OF, known_until))[SPEC.label_column].to_list()


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
    assert labels(snapshot(habit), days(sessions, planned)) == [expected]


def test_the_window_is_the_seven_days_after_the_as_of_date():
    on_the_day = days([5], [0], start=0)
    too_late = days([5], [0], start=SPEC.horizon_days + 1)
    last = days([2], [0], start=SPEC.horizon_days)
    assert labels(snapshot(), on_the_day) == []
    assert labels(snapshot(), too_late) == []
    assert labels(snapshot(), last) == [1]


def test_a_window_without_any_sign_of_use_is_censored_and_not_a_failure():
    assert labels(snapshot(), days([0], [0], events=0)) == []


def test_training_never_uses_a_night_whose_window_is_not_over():
    stored = [AS_OF + offset * ONE for offset in range(30)]
    chosen = training_nights(stored, Interval(stored[0], stored[-1]), SPEC.horizon_days)
    assert max(chosen) + timedelta(days=SPEC.horizon_days + LABEL_DELAY_DAYS) == stored[-1]


def test_a_label_whose_window_is_not_over_is_not_known():
    done, over = days([3], [0]), AS_OF + ONE + timedelta(days=SPEC.horizon_days + LABEL_DELAY_DAYS)
    assert labels(snapshot(), done, over) == [1]
    assert labels(snapshot(), done, over - ONE) == []


def test_split_keeps_a_label_window_between_training_and_test_and_some_people_apart():
    rows = pl.DataFrame(
        [
            {"user_id": f"user{person}", "batch_date": AS_OF + 3 * night * ONE, "label": night % 2}
            for person in range(200)
            for night in range(20)
        ]
    )
    marked = split(rows, 7)
    train, test = (marked.filter(pl.col("split") == part) for part in ("train", "test"))
    assert train["batch_date"].max() + timedelta(days=7) <= test["batch_date"].min()
    assert not train["unseen"].any()
    unseen = test.filter("unseen")["user_id"].n_unique()
    assert 20 <= unseen <= 60
    assert not set(test.filter("unseen")["user_id"]) & set(train["user_id"])
    assert (
        split(rows.sample(fraction=1.0, shuffle=True, seed=4), 7)
        .sort("user_id", "batch_date")
        .equals(marked.sort("user_id", "batch_date"))
    )


def test_where_the_nights_do_not_reach_the_test_is_of_people_who_never_train():
    rows = pl.DataFrame(
        [{"user_id": f"u{person}", "batch_date": AS_OF + night * ONE} for person in range(100) for night in range(9)]
    )
    marked = split(rows, 28)
    assert marked["split_kind"].unique().to_list() == ["people"]
    train, test = (marked.filter(pl.col("split") == part) for part in ("train", "test"))
    assert train.height + test.height == rows.height
    assert not set(train["user_id"]) & set(test["user_id"])
    assert test["unseen"].all()


def test_the_rows_of_a_model_are_those_with_its_label():
    dataset = pl.DataFrame(
        {
            "user_id": ["a", "b"],
            "batch_date": [AS_OF, AS_OF],
            SPEC.label_column: [1.0, None],
            **{name: [0.0, 0.0] for name in SPEC.features},
            "sequence": [None, None],
        }
    )
    assert rows_of(dataset, SPEC).select("user_id", "label").rows() == [("a", 1)]
    assert rows_of(pl.DataFrame(), SPEC).is_empty()


def test_a_sequence_is_thirty_days_of_ten_numbers_the_oldest_first_and_unknown_where_none_is_stored():
    people = pl.DataFrame({"user_id": ["b", "a", "gone"], "batch_date": [AS_OF] * 3})
    stored = pl.DataFrame(
        {"user_id": ["a", "b", "a"], "batch_date": [AS_OF, AS_OF, AS_OF + ONE]}
        | {name: [[float(number)] * 29 + [None], [0.0] * 30, [9.0] * 30] for number, name in enumerate(CHANNELS)}
    )
    rows = with_sequence(people, stored)
    assert rows["user_id"].to_list() == ["b", "a", "gone"]
    assert rows["sequence"].dtype == pl.Array(pl.Float32, 300)
    of_b, of_a, of_gone = rows["sequence"]
    assert of_b.to_list() == [0.0] * 300
    assert of_a.to_list()[:290] == [float(number) for number in range(10)] * 29
    assert of_a.is_nan()[290:].all()
    assert of_gone is None
    assert with_sequence(people, stored.clear())["sequence"].null_count() == 3
