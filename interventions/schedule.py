"""When a message may reach a person: local dates, waking hours and expiry, DST-safe, per unique zone."""

import re
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo

import polars as pl

from habitlake.clock import ONE_DAY, known_zones, night_end, zone

EARLIEST = time(8)
LATEST = time(21)
DEFAULT_HOUR = 9.0
LIFETIME = timedelta(hours=12)
PART_OF_DAY_HOURS = {
    "early_morning": 8.0, "morning": 8.5, "midday": 11.5, "noon": 11.5, "lunch": 11.5, "afternoon": 15.0,
    "evening": 17.5, "night": 20.0,
}  # fmt: skip
FIXED_OFFSET = re.compile(r"([+-])(\d{2}):(\d{2})")
CLOCK_TIME = re.compile(r"(\d{1,2}):(\d{2})")
LEAD_HOURS = 1.0
_LAST_HOUR = 20.5


def zone_info(name: str | None) -> tzinfo | None:
    """Return the zone of an IANA name or of a fixed offset such as ``+05:30``; None when it is neither."""
    if name is None:
        return None
    match = FIXED_OFFSET.fullmatch(name)
    if match:
        minutes = int(match[2]) * 60 + int(match[3])
        # An offset of a day or more is no zone.
        return timezone(timedelta(minutes=minutes if match[1] == "+" else -minutes)) if minutes < 24 * 60 else None
    return zone(name) if name in known_zones() else None


def first_local_date(batch_date: date, info: tzinfo) -> date:
    """Return the first local date that starts at or after the night's end."""
    end = night_end(batch_date)
    day = end.astimezone(info).date()
    return day if datetime.combine(day, time.min, tzinfo=info).astimezone(UTC) >= end else day + ONE_DAY


def preferred_hour(text: str) -> float | None:
    """Return the local hour at which to reach someone who prefers that part of the day, within waking hours.

    A clock time such as ``18:30`` is reached an hour before. Unknown words give None.
    """
    match = CLOCK_TIME.fullmatch(text.strip())
    if match and int(match[1]) < 24 and int(match[2]) < 60:
        hour = int(match[1]) + int(match[2]) / 60 - LEAD_HOURS
        return min(max(hour, float(EARLIEST.hour)), _LAST_HOUR)
    return PART_OF_DAY_HOURS.get(text.strip().lower().replace(" ", "_").replace("-", "_"))


def local_instant(day: date, hour: float, info: tzinfo) -> datetime:
    """Return the instant (UTC) of an hour of a local day; an hour that DST skips moves to the first that exists."""
    minutes = round(hour * 60)
    return datetime.combine(day, time(minutes // 60, minutes % 60), tzinfo=info).astimezone(UTC)


def send_window(day: date, hour: float, info: tzinfo) -> tuple[datetime, datetime]:
    """Return when to send and when the message expires (UTC): 12 hours later, but within the local day."""
    send_at = local_instant(day, hour, info)
    day_end = datetime.combine(day + ONE_DAY, time.min, tzinfo=info).astimezone(UTC)
    return send_at, min(send_at + LIFETIME, day_end)


def with_first_local_date(people: pl.DataFrame, batch_date: date) -> pl.DataFrame:
    """Add ``first_decision_date`` and ``zone_known``; a zone nobody knows counts as UTC and makes unavailable."""
    names = people["time_zone"].unique().to_list()
    infos = [zone_info(name) for name in names]
    zones = pl.DataFrame(
        {
            "time_zone": names,
            "zone_known": [info is not None for info in infos],
            "first_decision_date": [first_local_date(batch_date, info or UTC) for info in infos],
        },
        schema={"time_zone": pl.String, "zone_known": pl.Boolean, "first_decision_date": pl.Date},
    )
    return people.join(zones, on="time_zone", how="left", nulls_equal=True, maintain_order="left")


def with_preferred_hour(people: pl.DataFrame) -> pl.DataFrame:
    """Add ``preferred_hour`` from the first of the preferred times that is understood; null when none is."""
    words = people["preferred_times"].explode().drop_nulls().unique().to_list()
    hours = {word: preferred_hour(word) for word in words}
    understood = {word: hour for word, hour in hours.items() if hour is not None}
    if not understood:
        return people.with_columns(preferred_hour=pl.lit(None, pl.Float64))
    first = pl.col("preferred_times").list.eval(
        pl.element().replace_strict(understood, default=None, return_dtype=pl.Float64)
    )
    return people.with_columns(preferred_hour=first.list.drop_nulls().list.first())


def with_send_window(decisions: pl.DataFrame) -> pl.DataFrame:
    """Add ``send_at`` and ``expires_at``, computed once per zone, local date and hour."""
    keys = ["time_zone", "local_date", "send_hour"]
    unique = decisions.select(keys).unique()
    windows = [
        send_window(day, DEFAULT_HOUR if hour is None else hour, zone_info(name) or UTC)
        for name, day, hour in unique.iter_rows()
    ]
    instant = pl.Datetime("us", "UTC")
    unique = unique.with_columns(
        pl.Series("send_at", [window[0] for window in windows], dtype=instant),
        pl.Series("expires_at", [window[1] for window in windows], dtype=instant),
    )
    return decisions.join(unique, on=keys, how="left", nulls_equal=True, maintain_order="left")
