"""The dirt dial: every damage is counted in the batch it lands in, with the verdict that a strict reader reaches."""

import gzip
import json
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta

import orjson
import pytest
from pydantic import ValidationError

from habitlake.clock import Interval
from habitlake.contracts import EVENT_MODELS, Reason, event_model
from habitlake.settings import Settings
from habitlake.simulator import simulate_nights
from habitlake.simulator.dirt import DUPLICATE, MAX_LATE_DAYS

NIGHTS = Interval(date(2026, 3, 20), date(2026, 4, 12))
BOUNDS = ("greater_than_equal", "less_than_equal")


@pytest.fixture(scope="module")
def dirty(tmp_path_factory):
    settings = Settings(home=tmp_path_factory.mktemp("dirty"), _env_file=None)
    simulate_nights(settings, NIGHTS, people=150, dirt=0.12, seed=3)
    return settings


def landed(settings, night):
    partition = settings.home / "landing" / "events" / f"batch_date={night}"
    return [
        line for file in sorted(partition.glob("*.gz")) for line in gzip.decompress(file.read_bytes()).split(b"\n")[:-1]
    ]


def expected(settings, night):
    counts = Counter()
    for file in (settings.truth_dir / f"batch_date={night}").glob("dirt-0*.json"):
        counts.update(json.loads(file.read_text()))
    return counts


def verdict(line, night):
    """What a reader with the contracts alone says of a line; None is acceptance."""
    try:
        text = line.decode()
        event = orjson.loads(text)
    except UnicodeDecodeError:
        return Reason.INVALID_ENCODING
    except orjson.JSONDecodeError:
        return Reason.MALFORMED_JSON if text.strip() else Reason.EMPTY_LINE
    if not isinstance(event, dict):
        return Reason.NOT_AN_OBJECT
    if event.get("eventType", next(iter(EVENT_MODELS))) not in EVENT_MODELS:
        return Reason.UNKNOWN_EVENT_TYPE
    try:
        model = event_model(event.get("eventType", next(iter(EVENT_MODELS)))).model_validate(event)
    except ValidationError as error:
        problems = {(problem["type"], problem["loc"][0]) for problem in error.errors()}
        if "missing" in {kind for kind, _ in problems}:
            return Reason.MISSING_FIELD
        if "timestamp" in {where for _, where in problems}:
            return Reason.BAD_TIMESTAMP
        return Reason.OUT_OF_RANGE if {kind for kind, _ in problems} <= set(BOUNDS) else Reason.WRONG_TYPE
    if model.timestamp >= datetime.combine(night, time.min, tzinfo=UTC) + timedelta(days=2):
        return Reason.CLOCK_SKEW
    return None


def test_the_ledger_of_every_night_is_what_a_strict_reader_finds(dirty):
    seen: dict[str, bytes] = {}
    all_found = Counter()
    for night in NIGHTS.nights():
        found = Counter()
        for line in landed(dirty, night):
            reason = verdict(line, night)
            if reason is None:
                identity = orjson.loads(line).get("eventId") or line
                if identity in seen:
                    reason = DUPLICATE if seen[identity] == line else Reason.CONFLICT
                seen.setdefault(identity, line)
            if reason is not None:
                found[str(reason)] += 1
        assert found == expected(dirty, night), night
        all_found.update(found)
    # Every reason that a line can have, but for files that cannot be read and lines of 256 KB.
    assert set(all_found) == {DUPLICATE, *map(str, Reason)} - {Reason.UNREADABLE_FILE, Reason.OVERSIZED_LINE}
    assert min(all_found.values()) > 10


def test_repeats_and_conflicts_also_come_on_later_days_and_late_events_within_two_weeks(dirty):
    nights_of, delays = {}, Counter()
    for night in NIGHTS.nights():
        for line in landed(dirty, night):
            if verdict(line, night) is None:
                event = orjson.loads(line)
                nights_of.setdefault(event.get("eventId", line), set()).add(night)
                delays[(night - datetime.fromisoformat(event["timestamp"]).astimezone(UTC).date()).days] += 1
    assert sum(len(nights) > 1 for nights in nights_of.values()) > 20
    assert set(range(MAX_LATE_DAYS + 1)) <= set(delays) <= set(range(MAX_LATE_DAYS + 2))


def test_unknown_fields_are_no_reason_to_refuse(dirty):
    lines = [line for night in NIGHTS.nights() for line in landed(dirty, night)]
    assert any(b'"firmware":"7.1"' in line for line in lines)
    assert any(b'"device":{' in line for line in lines)


def test_the_dial_is_a_share_and_off_means_clean(tmp_path):
    counts = {}
    for dirt in (0.0, 0.05, 0.2):
        settings = Settings(home=tmp_path / str(dirt), _env_file=None)
        summary = simulate_nights(settings, Interval(NIGHTS.start, date(2026, 3, 29)), people=100, dirt=dirt, seed=4)
        refused = sum((expected(settings, night) for night in NIGHTS.nights()), Counter()).total()
        counts[dirt] = refused / summary.lines
    assert counts[0.0] == 0
    assert 0.03 < counts[0.05] < 0.06
    assert 0.12 < counts[0.2] < 0.22
