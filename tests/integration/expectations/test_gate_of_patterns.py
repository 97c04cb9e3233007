"""The gate of context patterns looks at totals of a night; each is shown to fail, and the rows behind it are shown."""

from datetime import date

import pytest

from expectations.suites import CONTEXT_PATTERNS
from habitlake.clock import Interval

NIGHT = Interval(date(2026, 3, 31), date(2026, 3, 31))
DIMENSIONS = ("time_slot", "weekday", "weather_band", "location", "with_whom")
ANY = dict.fromkeys(DIMENSIONS, "any")
PATTERN = ANY | {
    "batch_date": NIGHT.start, "user_id": "u1", "dimension": "overall", "attempts": 4, "completed": 3,
    "success_rate": 0.75, "shrunken_rate": 0.6, "interval_low": 0.4, "interval_high": 0.8, "frequency": 0.5,
    "confidence": 0.6, "verdict": "neutral", "rank": None, "evidence": None,
}  # fmt: skip
SOUND = [
    PATTERN,
    *(PATTERN | {"dimension": name, name: "known"} for name in DIMENSIONS),
    PATTERN | {"dimension": "cell", "verdict": "success", "rank": 1, "evidence": "Mornings: 75 % of 4 workouts done"},
]


@pytest.fixture
def broken(broken_totals):
    """The broken checks with the rows that their line shows."""
    return lambda rows: broken_totals(CONTEXT_PATTERNS, NIGHT, rows)


@pytest.mark.parametrize(
    ("change", "name", "rows"),
    [
        ({"attempts": 5, "success_rate": 0.6}, "unaccounted_attempts", 6),
        ({"completed": 5, "success_rate": 1.25}, "wrong_counts", 1),
        ({"success_rate": 0.5}, "wrong_counts", 1),
        ({"shrunken_rate": 0.9}, "wrong_rates", 1),
        ({"verdict": "success"}, "wrong_claims", 1),
        ({"evidence": "Mornings", "rank": 1}, "wrong_claims", 1),
        ({"verdict": "splendid"}, "wrong_claims", 1),
    ],
)
def test_a_wrong_row_breaks_its_total_and_no_other(broken, change, name, rows):
    assert broken(SOUND) == {}
    assert broken([SOUND[0] | change, *SOUND[1:]]) == {name: rows}


def test_a_cell_without_support_and_an_empty_night(broken):
    thin = SOUND[-1] | {"attempts": 2, "completed": 1, "success_rate": 0.5}
    assert broken([*SOUND[:-1], thin]) == {"wrong_counts": 1}
    assert broken([]) == {}
