"""The gate of workout windows looks at totals of a night; each is shown to fail, and the rows behind it are shown."""

from datetime import date, timedelta

import pytest

from expectations.suites import WORKOUT_WINDOWS
from habitlake.clock import Interval

NIGHT = Interval(date(2026, 3, 31), date(2026, 3, 31))
WINDOW = {
    "batch_date": NIGHT.start, "user_id": "u1", "rank": 1, "hour": 18, "part_of_day": "evening",
    "success_probability": 0.75, "interval_low": 0.6, "interval_high": 0.85, "confidence": 0.75, "recommended": True,
    "schedule_conflict": 0.1, "weather_effect": -0.02, "expected_energy": 5.5, "expected_stress": 4.5,
    "contributions": "{}", "reasons": ["evening: 9 of 10 workouts done"], "backup_plan": "07:00 (60 %)", "attempts": 10,
    "completed": 9, "input_quality": "complete", "model_version": "2", "weather_source": "forecast", "weather": "rain",
}  # fmt: skip
SOUND = [
    WINDOW | {"valid_for": NIGHT.start + timedelta(days=ahead), "rank": rank}
    for ahead in (1, 2, 3)
    for rank in (1, 2, 3)
]


@pytest.fixture
def broken(broken_totals):
    """The broken checks with the rows that their line shows."""
    return lambda rows: broken_totals(WORKOUT_WINDOWS, NIGHT, rows)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"valid_for": NIGHT.start}, "wrong_times"),
        ({"hour": 22}, "wrong_times"),
        ({"rank": 4}, "wrong_times"),
        ({"part_of_day": None}, "wrong_times"),
        ({"success_probability": 0.95}, "wrong_scores"),
        ({"recommended": None}, "wrong_scores"),
        ({"success_probability": 0.7}, "wrong_scores"),
        ({"success_probability": None}, "wrong_scores"),
        ({"schedule_conflict": 1.1}, "wrong_scores"),
        ({"input_quality": None}, "unexplained"),
        ({"reasons": []}, "unexplained"),
        ({"weather_source": None}, "unexplained"),
        ({"weather_source": "climatology"}, "unexplained"),
        ({"weather": None}, "unexplained"),
    ],
)
def test_a_wrong_row_breaks_its_total_and_no_other(broken, change, name):
    assert broken([SOUND[0] | change, *SOUND[1:]]) == {name: 1}


def test_sound_nights_pass_and_a_person_has_all_windows(broken):
    assert broken(SOUND) == {}
    assert broken([SOUND[0] | {"recommended": False}, *SOUND[1:]]) == {}
    assert broken(SOUND[1:]) == {"missing_windows": 8}
    assert broken([]) == {}
