"""What real life adds to clean events: a share of the lines is damaged, repeated or delayed.

Every damage has one expected verdict, counted per batch in the truth folder, so ingestion can be checked.
"""

from collections import Counter
from datetime import date, timedelta
from typing import Any

import numpy as np
import orjson

from habitlake.contracts import Reason
from habitlake.ids import stable_seed
from habitlake.simulator.events import Line

KINDS = (
    "duplicate", "late", "conflict", "torn", "malformed", "unknown_type", "unknown_field", "wrong_unit", "wrong_type",
    "missing_field", "bad_timestamp", "clock_skew", "blank", "invalid_utf8", "not_an_object",
)  # fmt: skip
MAX_LATE_DAYS = 14
EXPECTED = {
    "duplicate": "duplicate",
    "conflict": Reason.CONFLICT,
    "torn": Reason.MALFORMED_JSON,
    "malformed": Reason.MALFORMED_JSON,
    "unknown_type": Reason.UNKNOWN_EVENT_TYPE,
    "wrong_unit": Reason.OUT_OF_RANGE,
    "wrong_type": Reason.WRONG_TYPE,
    "missing_field": Reason.MISSING_FIELD,
    "bad_timestamp": Reason.BAD_TIMESTAMP,
    "clock_skew": Reason.CLOCK_SKEW,
    "blank": Reason.EMPTY_LINE,
    "invalid_utf8": Reason.INVALID_ENCODING,
    "not_an_object": Reason.NOT_AN_OBJECT,
}


def _damaged(kind: str, line: Line, batch: date) -> bytes | None:
    """Return the damaged text, or None where this damage does not fit the event."""
    plain = {
        "torn": line.text[: len(line.text) * 2 // 3],
        "malformed": b"GET /health HTTP/1.1",
        "blank": b"   ",
        "invalid_utf8": b"\xff\xfe" + line.text,
        "not_an_object": b'["' + b'workout_completed"]',
    }
    if kind in plain:
        return plain[kind]
    event: dict[str, Any] = orjson.loads(line.text)
    data = event["data"]
    if kind == "unknown_type":
        event["eventType"] = "workout_teleported"
    elif kind == "unknown_field":
        data["firmware"] = "7.1"
    elif kind == "wrong_unit":
        if "duration" not in data:
            return None
        data["duration"] = data["duration"] * 1000 + 1_000_000
    elif kind == "wrong_type":
        event["data"] = "none"
    elif kind == "missing_field":
        del event["userId"]
    elif kind == "bad_timestamp":
        event["timestamp"] = "yesterday at noon"
    elif kind == "clock_skew":
        event["timestamp"] = f"{batch.year + 3}-01-01T00:00:00Z"
    elif kind == "conflict":
        if not line.has_id:
            return None
        data["firmware"] = "conflicting"
    return orjson.dumps(event)


def soil(
    lines: list[Line], share: float, seed: int, batch: date, shard: int
) -> tuple[list[bytes], list[tuple[date, Line]], Counter[str]]:
    """Damage a share of a batch's lines.

    Returns
    -------
    tuple
        Lines to land now, (date, line) pairs that arrive later, and the expected verdicts by name.
    """
    generator = np.random.Generator(np.random.Philox(stable_seed("dirt", seed, batch, shard)))
    hit = generator.random(len(lines)) < share
    kinds = generator.integers(0, len(KINDS), len(lines))
    delays = generator.integers(1, MAX_LATE_DAYS + 1, len(lines))
    now: list[bytes] = []
    later: list[tuple[date, Line]] = []
    expected: Counter[str] = Counter()
    for index, line in enumerate(lines):
        if not hit[index]:
            now.append(line.text)
            continue
        kind = KINDS[int(kinds[index])]
        if kind == "late":
            later.append((batch + timedelta(days=int(delays[index])), line))
            continue
        if kind == "duplicate":
            now += [line.text, line.text]
            expected["duplicate"] += 1
            continue
        text = _damaged(kind, line, batch)
        if text is None:
            now.append(line.text)
        elif kind == "conflict":
            now += [line.text, text]
            expected[str(Reason.CONFLICT)] += 1
        else:
            now.append(text)
            if kind in EXPECTED:
                expected[str(EXPECTED[kind])] += 1
    return now, later, expected
