"""Habit by stage of change: which night a person's answer is compared with, and the table, by hand."""

from datetime import date, timedelta

import polars as pl
import pytest

from bench.stages import MEASURES, at_answers, compare

FIRST = date(2021, 6, 1)


def nights(user, count, first=FIRST):
    return [{"user_id": user, "batch_date": first + timedelta(days=day), "day": day} for day in range(count)]


def test_an_answer_meets_the_night_it_was_given_but_no_earlier_than_four_weeks_after_the_first_event():
    states = pl.DataFrame([*nights("late", 60), *nights("early", 60), *nights("short", 20), *nights("after", 40)])
    answers = pl.DataFrame(
        [
            {"user_id": "late", "submitdate": FIRST, "stage": "Contemplation"},
            {"user_id": "late", "submitdate": FIRST + timedelta(days=50), "stage": "Action"},
            {"user_id": "early", "submitdate": FIRST, "stage": "Preparation"},
            # Too short to say anything, and an answer when the nights were over.
            {"user_id": "short", "submitdate": FIRST, "stage": "Maintenance"},
            {"user_id": "after", "submitdate": FIRST + timedelta(days=90), "stage": "Maintenance"},
            {"user_id": "unknown", "submitdate": FIRST, "stage": "Maintenance"},
        ]
    )
    found = at_answers(states, answers).select("user_id", "stage", "day").rows()
    assert found == [("after", "Maintenance", 39), ("early", "Preparation", 28), ("late", "Action", 50)]


def test_groups_have_means_with_intervals_and_a_rank_correlation():
    stages = ["Precontemplation", "Contemplation", "Preparation", "Action", "Action", "Maintenance"]
    rows = [
        {"user_id": f"u{number}", "stage": stage, **dict.fromkeys(MEASURES, None), "strength": number / 10}
        for number, stage in enumerate(stages)
    ]
    schema = {"user_id": pl.String, "stage": pl.String, **dict.fromkeys(MEASURES, pl.Float64)}
    found = {one.measure: one for one in compare(pl.DataFrame(rows, schema=schema))}
    strength = found["strength"]
    assert strength.groups["before action"].value == pytest.approx(0.1)
    assert strength.groups["before action"].low <= 0.1 <= strength.groups["before action"].high
    assert strength.groups["action"].people == 2
    assert strength.groups["maintenance"] is None, "one person has no interval"
    assert strength.correlation.value > 0.98
    assert found["habit_score"].correlation is None
