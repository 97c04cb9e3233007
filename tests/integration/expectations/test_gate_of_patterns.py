"""The gate of context patterns looks at totals of a night; each is shown to fail, and the rows behind it are shown."""

from datetime import date

import pyarrow as pa
import pytest

from expectations.run import judge, partitions
from expectations.suites import CONTEXT_PATTERNS
from expectations.validate import Validator
from habitlake.cli.lake import query
from habitlake.clock import Interval
from habitlake.lake import arrow_schema, replace_nights
from habitlake.tables import get_table

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


@pytest.fixture(scope="module")
def validator():
    return Validator()


def broken(rows, settings, validator):
    """The broken checks with the rows that their line shows."""
    table = pa.Table.from_pylist(rows, schema=arrow_schema(get_table(CONTEXT_PATTERNS.table)))
    replace_nights(table, CONTEXT_PATTERNS.table, NIGHT, settings)
    found = {}
    for nights, partition in partitions(CONTEXT_PATTERNS, NIGHT, settings):
        results = judge(validator, CONTEXT_PATTERNS, nights, partition)
        for check, row in zip(CONTEXT_PATTERNS.checks, results, strict=True):
            if not row["success"]:
                _, shown = query(CONTEXT_PATTERNS.rows_sql(check, str(row["batch_date"]), []), settings)
                found[check.columns[0]] = len(list(shown))
    return found


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
def test_a_wrong_row_breaks_its_total_and_no_other(settings, validator, change, name, rows):
    assert broken(SOUND, settings, validator) == {}
    assert broken([SOUND[0] | change, *SOUND[1:]], settings, validator) == {name: rows}


def test_a_cell_without_support_and_an_empty_night(settings, validator):
    thin = SOUND[-1] | {"attempts": 2, "completed": 1, "success_rate": 0.5}
    assert broken([*SOUND[:-1], thin], settings, validator) == {"wrong_counts": 1}
    assert broken([], settings, validator) == {}
