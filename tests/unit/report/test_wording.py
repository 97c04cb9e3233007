from datetime import UTC, date, datetime, timedelta

import pytest

from habitlake.report import wording


@pytest.mark.parametrize(
    ("share", "shown"),
    [(0, "0 %"), (0.004, "<1 %"), (0.125, "12 %"), (0.996, ">99 %"), (1, "100 %"), (None, "unknown")],
)
def test_a_share_that_is_not_all_or_nothing_is_never_shown_as_that(share, shown):
    assert wording.percent(share) == shown


def test_a_share_with_decimals_keeps_them():
    assert wording.percent(0.0134, 1) == "1.3 %"
    assert wording.percent(0.0001, 1) == "<0.1 %"


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0"), (9_999, "9,999"), (12_345, "12.3k"), (400_000, "400k"), (1_234_567, "1.2M"), (None, "unknown")],
)
def test_a_short_count_has_at_most_five_characters(value, shown):
    assert wording.short(value) == shown
    assert value is None or len(shown) <= 5


def test_a_measured_value_drops_zeros_that_say_nothing():
    assert [wording.number(value) for value in (2.0, 2.5, 1_234.567, None)] == ["2", "2.5", "1,234.57", "unknown"]


def test_the_wilson_interval_is_the_textbooks():
    # 8 of 10, z = 1.959964: centre (0.8 + 0.19207) / 1.38415 = 0.71675, half width 0.22659.
    low, high = wording.wilson(8, 10)
    assert (round(low, 4), round(high, 4)) == (0.4902, 0.9433)
    assert wording.wilson(0, 20)[0] == 0
    assert wording.wilson(0, 0) is None


def test_dates_and_times_are_written_for_people():
    assert wording.day(date(2026, 11, 3)) == "Tue 3 Nov 2026"
    assert wording.far_day(date(2026, 12, 3), date(2026, 11, 3)) == "Thu 3 Dec 2026"
    assert wording.far_day(date(2027, 3, 29), date(2026, 11, 3)) == "March 2027"
    assert wording.moment(datetime(2026, 11, 3, 2, 5, tzinfo=UTC)) == "2026-11-03 02:05 UTC"
    spans = (timedelta(seconds=42), timedelta(seconds=200), timedelta(hours=2, minutes=5))
    assert [wording.duration(span) for span in spans] == ["42 s", "3 min 20 s", "2 h 5 min"]
