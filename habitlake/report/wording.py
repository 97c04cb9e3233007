"""How numbers, dates and shares are written on the pages; pure functions."""

import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

Z_95 = 1.959964
UNKNOWN = "unknown"
NEAR_DAYS = 62
# Fewer cases than this say little, whatever their percentage.
SMALL_BASIS = 30


def count(value: float | None) -> str:
    """Return a count with thousands marked, such as 12,345."""
    return UNKNOWN if value is None else f"{round(value):,}"


def short(value: float | None) -> str:
    """Return a count in at most five characters, such as 980, 12.3k or 1.2M."""
    if value is None:
        return UNKNOWN
    for size, letter in ((1_000_000, "M"), (10_000, "k")):
        if value >= size:
            scaled = value / (1_000 if letter == "k" else size)
            return f"{scaled:.0f}{letter}" if scaled >= 100 else f"{scaled:.1f}{letter}"
    return f"{round(value):,}"


def number(value: float | None, decimals: int = 2) -> str:
    """Return a measured value with at most so many decimals, without trailing zeros."""
    if value is None or math.isnan(value):
        return UNKNOWN
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent(share: float | None, decimals: int = 0) -> str:
    """Return a share of 0 to 1 as a percentage; what is not 0 or 1 is never rounded to 0 or 100."""
    if share is None or math.isnan(share):
        return UNKNOWN
    shown, step = round(share * 100, decimals), 10**-decimals
    if share > 0 and shown == 0:
        return f"<{step:g} %"
    if share < 1 and shown == 100:
        return f">{100 - step:g} %"
    return f"{shown:.{decimals}f} %"


def ratio(part: float | None, whole: float | None) -> float | None:
    """Return part over whole; None without a whole."""
    return None if part is None or not whole else part / whole


def with_shares(rows: Sequence[Mapping[str, Any]], count: str, whole: float | None) -> list[dict[str, Any]]:
    """Return the rows with the share that their count has of a whole."""
    return [{**row, "share": ratio(row[count], whole)} for row in rows]


def wilson(successes: float, trials: float) -> tuple[float, float] | None:
    """Return the 95 % Wilson score interval of a proportion; None without trials."""
    if not trials:
        return None
    rate, square = successes / trials, Z_95**2
    centre = (rate + square / (2 * trials)) / (1 + square / trials)
    half = Z_95 / (1 + square / trials) * math.sqrt(rate * (1 - rate) / trials + square / (4 * trials**2))
    return max(0.0, centre - half), min(1.0, centre + half)


def interval(bounds: tuple[float, float] | None) -> str:
    """Return an interval of shares in percent, such as 74 to 82 %."""
    return "" if bounds is None else f"{bounds[0] * 100:.0f} to {bounds[1] * 100:.0f} %"


def day(value: date | None) -> str:
    """Return a date such as Mon 23 Nov 2026."""
    return UNKNOWN if value is None else f"{value:%a} {value.day} {value:%b} {value:%Y}"


def short_day(value: date) -> str:
    """Return a date without its year, such as 23 Nov."""
    return f"{value.day} {value:%b}"


def far_day(value: date, today: date) -> str:
    """Return a date to come; beyond two months as its month alone, since more would promise too much."""
    return day(value) if (value - today).days <= NEAR_DAYS else f"{value:%B %Y}"


def moment(value: datetime | None) -> str:
    """Return an instant to the minute with its offset's name, such as 2026-11-24 02:14 UTC."""
    return UNKNOWN if value is None else f"{value:%Y-%m-%d %H:%M} {value.tzname() or ''}".strip()


def duration(value: timedelta | None) -> str:
    """Return how long something took in its largest two units, such as 3 min 20 s."""
    if value is None:
        return UNKNOWN
    seconds = round(value.total_seconds())
    hours, minutes = seconds // 3600, seconds // 60 % 60
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds % 60} s" if minutes else f"{seconds} s"


def words(name: str | None) -> str:
    """Return a name of the code as words, such as top barrier for top_barrier."""
    return UNKNOWN if name is None else name.replace("_", " ")


FILTERS: Mapping[str, Any] = {
    "count": count,
    "short": short,
    "number": number,
    "percent": percent,
    "interval": interval,
    "day": day,
    "short_day": short_day,
    "moment": moment,
    "duration": duration,
    "words": words,
}
