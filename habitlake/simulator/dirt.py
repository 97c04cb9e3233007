"""What real life adds to clean events: a share of the lines is damaged, repeated or delayed.

Every damage has one expected verdict, counted in the truth folder for the batch in which the line lands, so
that ingestion can be checked. Draws depend on (seed, person, day, line) alone, as everything else here.
"""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, NamedTuple

import numpy as np
import orjson

from habitlake.contracts import Reason
from habitlake.simulator.draws import IntArray, uniform
from habitlake.simulator.events import Lines

DUPLICATE = "duplicate"
MAX_LATE_DAYS = 14
# Purposes of draws: one block of line numbers for each.
BLOCK = 1_000
HIT, KIND, VARIANT, DELAY = (BLOCK * number for number in range(1, 5))

Event = dict[str, Any]


class Arrival(NamedTuple):
    """A line on its way to landing: the UTC date it arrives, its text, and its expected verdict if not accepted."""

    batch: date
    text: bytes
    verdict: str | None


def _longer(event: Event, _: date) -> bool:
    """Duration in milliseconds instead of seconds."""
    if "duration" not in event["data"]:
        return False
    event["data"]["duration"] = event["data"]["duration"] * 1_000 + 1_000_000
    return True


def _percent(event: Event, _: date) -> bool:
    """Stress on a scale to 100."""
    for part, name in ((event["data"], "stress"), (event.get("context", {}), "stressLevel")):
        if name in part:
            part[name] = round(part[name] * 10 + 5)
            return True
    return False


def _rate_percent(event: Event, _: date) -> bool:
    """Completion rate in percent."""
    if event["data"].get("completionRate", 0) < 0.1:
        return False
    event["data"]["completionRate"] = round(event["data"]["completionRate"] * 100)
    return True


def _text_data(event: Event, _: date) -> bool:
    event["data"] = "none"
    return True


def _text_number(event: Event, _: date) -> bool:
    for name in ("duration", "screenTime", "steps"):
        if name in event["data"]:
            event["data"][name] = "n/a"
            return True
    return False


def _without(name: str) -> Callable[[Event, date], bool]:
    def damage(event: Event, _: date) -> bool:
        del event[name]
        return True

    return damage


def _without_duration(event: Event, _: date) -> bool:
    if event["eventType"] not in ("workout_completed", "sleep_logged"):
        return False
    del event["data"]["duration"]
    return True


def _timestamp(text: str) -> Callable[[Event, date], bool]:
    def damage(event: Event, _: date) -> bool:
        event["timestamp"] = text
        return True

    return damage


def _no_offset(event: Event, _: date) -> bool:
    event["timestamp"] = event["timestamp"][:19]
    return True


def _years_ahead(event: Event, arrives: date) -> bool:
    event["timestamp"] = f"{arrives.year + 3}-01-01T00:00:00Z"
    return True


def _week_ahead(event: Event, arrives: date) -> bool:
    event["timestamp"] = f"{arrives + timedelta(days=8)}{event['timestamp'][10:]}"
    return True


def _unknown_type(event: Event, _: date) -> bool:
    event["eventType"] = "workout_teleported"
    return True


def _unknown_field(event: Event, _: date) -> bool:
    event["data"]["firmware"] = "7.1"
    return True


def _device(event: Event, _: date) -> bool:
    event["device"] = {"model": "band-3", "os": "14"}
    return True


# Damages of the parsed event; the variants of a kind are tried in turn until one fits the event.
EVENT_DAMAGES: dict[str, tuple[Reason | None, tuple[Callable[[Event, date], bool], ...]]] = {
    "unknown_type": (Reason.UNKNOWN_EVENT_TYPE, (_unknown_type,)),
    "unknown_field": (None, (_unknown_field, _device)),
    "wrong_unit": (Reason.OUT_OF_RANGE, (_longer, _percent, _rate_percent)),
    "wrong_type": (Reason.WRONG_TYPE, (_text_data, _text_number)),
    "missing_field": (
        Reason.MISSING_FIELD,
        (_without("userId"), _without("timestamp"), _without("eventType"), _without("data"), _without_duration),
    ),
    "bad_timestamp": (
        Reason.BAD_TIMESTAMP,
        (_timestamp("yesterday at noon"), _no_offset, _timestamp("2026-02-30T10:00:00Z")),
    ),
    "clock_skew": (Reason.CLOCK_SKEW, (_years_ahead, _week_ahead)),
}
TEXT_DAMAGES: dict[str, tuple[Reason, Callable[[bytes], bytes]]] = {
    "torn": (Reason.MALFORMED_JSON, lambda text: text[: len(text) * 2 // 3]),
    "malformed": (Reason.MALFORMED_JSON, lambda _: b"GET /health HTTP/1.1"),
    "blank": (Reason.EMPTY_LINE, lambda _: b"   "),
    "invalid_utf8": (Reason.INVALID_ENCODING, lambda text: b"\xff\xfe" + text),
    "not_an_object": (Reason.NOT_AN_OBJECT, lambda _: b'["workout_completed"]'),
}
REPEATS = ("late", "duplicate", "duplicate_later", "conflict", "conflict_later")
KINDS = (*REPEATS, *EVENT_DAMAGES, *TEXT_DAMAGES)


def soil(
    lines: Lines, arrives: list[date], share: float, seed: int, people: IntArray, index: int
) -> dict[int, list[Arrival]]:
    """Return, for the share of lines that are damaged, repeated or delayed, what arrives in their place.

    Parameters
    ----------
    lines
        The lines of one local day, person by person.
    arrives
        The UTC date on which each of them would land undisturbed.
    people
        Person number of each row that the lines name.
    """
    if not share:
        return {}
    rows = np.array(lines.rows, dtype=np.int64)
    # The number of a line among its person's lines of the day does not depend on who shares the shard.
    number = np.arange(len(rows)) - np.searchsorted(rows, rows)
    owner = people[rows]
    hits = np.flatnonzero(uniform(seed, owner, index, HIT + number) < share)
    owner, number = owner[hits], number[hits]
    kinds = uniform(seed, owner, index, KIND + number) * len(KINDS)
    variants = uniform(seed, owner, index, VARIANT + number)
    delays = 1 + uniform(seed, owner, index, DELAY + number) * MAX_LATE_DAYS
    draws = zip(hits.tolist(), kinds.tolist(), variants.tolist(), delays.tolist(), strict=True)
    return {
        position: _disturb(
            lines.texts[position],
            KINDS[int(kind)],
            variant,
            int(delay),
            arrives[position],
            has_id=lines.have_id[position],
        )
        for position, kind, variant, delay in draws
    }


def _disturb(text: bytes, kind: str, variant: float, delay: int, arrives: date, *, has_id: bool) -> list[Arrival]:
    clean = Arrival(arrives, text, None)
    later = arrives + timedelta(days=delay)
    if kind == "late":
        return [Arrival(later, text, None)]
    if kind in ("duplicate", "duplicate_later"):
        return [clean, Arrival(arrives if kind == "duplicate" else later, text, DUPLICATE)]
    if kind in ("conflict", "conflict_later"):
        return [clean, *([_conflict(text, arrives if kind == "conflict" else later)] if has_id else [])]
    if kind in TEXT_DAMAGES:
        reason, damage = TEXT_DAMAGES[kind]
        return [Arrival(arrives, damage(text), str(reason))]
    return [_damaged(text, kind, variant, arrives) or clean]


def _conflict(text: bytes, arrives: date) -> Arrival:
    """Return other content under the same id."""
    event: Event = orjson.loads(text)
    event["data"]["firmware"] = "conflicting"
    return Arrival(arrives, orjson.dumps(event), str(Reason.CONFLICT))


def _damaged(text: bytes, kind: str, variant: float, arrives: date) -> Arrival | None:
    """Return the line with the first damage of that kind that fits its event; None where none does."""
    event: Event = orjson.loads(text)
    expected, choices = EVENT_DAMAGES[kind]
    first = int(variant * len(choices))
    for change in (*choices[first:], *choices[:first]):
        if change(event, arrives):
            return Arrival(arrives, orjson.dumps(event), str(expected) if expected else None)
    return None
