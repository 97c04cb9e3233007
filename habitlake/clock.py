"""Time without a clock: batch intervals in UTC and days in the zone of a person (DESIGN: three clocks).

Nothing here reads the wall clock; every function takes the instant or the date it is about.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from habitlake.errors import PermanentError

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Interval:
    """A closed range of nights: the batch dates ``start`` to ``end``, both included.

    Raises
    ------
    PermanentError
        If ``start`` lies after ``end``.
    """

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.start > self.end:
            msg = f"interval starts after it ends: --start {self.start} --end {self.end}; swap the two dates"
            raise PermanentError(msg)

    @classmethod
    def parse(cls, start: str, end: str | None = None) -> "Interval":
        """Parse ISO dates; ``end`` defaults to ``start`` (one night)."""
        return cls(parse_date(start), parse_date(end or start))

    def nights(self) -> Iterator[date]:
        """Yield each batch date in order."""
        for offset in range((self.end - self.start).days + 1):
            yield self.start + timedelta(days=offset)

    def __len__(self) -> int:
        return (self.end - self.start).days + 1

    def __str__(self) -> str:
        return str(self.start) if self.start == self.end else f"{self.start}..{self.end}"


def parse_date(text: str) -> date:
    """Parse an ISO date (YYYY-MM-DD).

    Raises
    ------
    PermanentError
        If the text is not a date.
    """
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        msg = f"not a date: {text!r}; write it as YYYY-MM-DD"
        raise PermanentError(msg) from error


def night_end(batch_date: date) -> datetime:
    """Return the end of a night's data interval: midnight UTC after the batch date (exclusive)."""
    return datetime.combine(batch_date + ONE_DAY, time.min, tzinfo=UTC)


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """Return the IANA zone of that name.

    Raises
    ------
    PermanentError
        If the name is not in the IANA database.
    """
    if name not in known_zones():
        msg = f"unknown time zone {name!r}; use an IANA name such as Europe/Berlin"
        raise PermanentError(msg)
    return ZoneInfo(name)


@lru_cache(maxsize=1)
def known_zones() -> frozenset[str]:
    """Return every zone name that this platform accepts: regions and cities, Etc/..., and UTC.

    Bare legacy names (EST, Cuba) are left out: Java, Python and Postgres do not agree on them.
    """
    return frozenset(name for name in available_timezones() if "/" in name or name == "UTC")


def local_date(instant: datetime, zone_name: str) -> date:
    """Return the calendar date on which an aware instant falls for a person in that zone."""
    return instant.astimezone(zone(zone_name)).date()


def day_start(local_day: date, zone_name: str) -> datetime:
    """Return the instant (UTC) at which a local day starts; a day that has no midnight starts at its first instant."""
    # Folding through UTC moves a midnight that a DST jump skips to the first instant that exists.
    return datetime.combine(local_day, time.min, tzinfo=zone(zone_name)).astimezone(UTC)


def last_complete_day(batch_date: date, zone_name: str) -> date:
    """Return the last local date that ended at or before the end of the night, in the person's zone."""
    return night_end(batch_date).astimezone(zone(zone_name)).date() - ONE_DAY


def first_day_after(batch_date: date, zone_name: str) -> date:
    """Return the first local date that starts at or after the end of the night: the day decisions are for."""
    end = night_end(batch_date)
    day = end.astimezone(zone(zone_name)).date()
    return day if day_start(day, zone_name) >= end else day + ONE_DAY
