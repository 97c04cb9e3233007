from datetime import UTC, date, datetime

import pytest

from habitlake.clock import Interval, day_start, first_day_after, last_complete_day, local_date, night_end, zone
from habitlake.errors import PermanentError


def test_interval_counts_both_ends_and_refuses_a_swap():
    interval = Interval.parse("2026-02-27", "2026-03-02")
    assert len(interval) == 4
    assert list(interval.nights())[1] == date(2026, 2, 28)
    with pytest.raises(PermanentError, match="swap"):
        Interval.parse("2026-03-02", "2026-02-27")


def test_not_a_date_names_the_text():
    with pytest.raises(PermanentError, match="2026-13-01"):
        Interval.parse("2026-13-01")


@pytest.mark.parametrize(
    ("instant", "zone_name", "expected"),
    [
        # Berlin jumps from 02:00 to 03:00 on 2026-03-29: 00:30 UTC is 01:30, 22:30 UTC is 00:30 of the next day.
        (datetime(2026, 3, 29, 0, 30, tzinfo=UTC), "Europe/Berlin", date(2026, 3, 29)),
        (datetime(2026, 3, 29, 22, 30, tzinfo=UTC), "Europe/Berlin", date(2026, 3, 30)),
        # The evening before, Berlin is still one hour from UTC.
        (datetime(2026, 3, 28, 22, 30, tzinfo=UTC), "Europe/Berlin", date(2026, 3, 28)),
        # New York leaves summer time on 2026-11-01 at 06:00 UTC.
        (datetime(2026, 11, 1, 4, 30, tzinfo=UTC), "America/New_York", date(2026, 11, 1)),
        (datetime(2026, 11, 2, 4, 30, tzinfo=UTC), "America/New_York", date(2026, 11, 1)),
        (datetime(2026, 1, 5, 18, 31, tzinfo=UTC), "Asia/Kolkata", date(2026, 1, 6)),
    ],
)
def test_local_date_follows_dst(instant, zone_name, expected):
    assert local_date(instant, zone_name) == expected


def test_a_dst_day_is_not_24_hours_long():
    def hours(day, zone_name):
        return (
            day_start(date.fromordinal(day.toordinal() + 1), zone_name) - day_start(day, zone_name)
        ).total_seconds() / 3600

    assert hours(date(2026, 3, 29), "Europe/Berlin") == 23
    assert hours(date(2026, 10, 25), "Europe/Berlin") == 25
    # Midnight does not exist in Santiago on 2026-09-06: the day starts at 01:00 local.
    assert hours(date(2026, 9, 6), "America/Santiago") == 23


def test_last_complete_day_depends_on_the_zone():
    night = date(2026, 1, 5)
    assert night_end(night) == datetime(2026, 1, 6, tzinfo=UTC)
    assert last_complete_day(night, "UTC") == night
    # Still the afternoon of the 5th in Los Angeles, already the 6th in Auckland.
    assert last_complete_day(night, "America/Los_Angeles") == date(2026, 1, 4)
    assert last_complete_day(night, "Pacific/Auckland") == night


def test_decisions_are_for_the_first_day_that_starts_after_the_night():
    night = date(2026, 1, 5)
    assert first_day_after(night, "UTC") == date(2026, 1, 6)
    assert first_day_after(night, "America/Los_Angeles") == date(2026, 1, 6)
    assert first_day_after(night, "Pacific/Auckland") == date(2026, 1, 7)


def test_unknown_zone_is_named():
    with pytest.raises(PermanentError, match="Mars/Olympus"):
        zone("Mars/Olympus")
