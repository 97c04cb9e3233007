"""Forecasts on the real engines: identity over files and nights, reruns, garbage, an absent feed, late ones, replay."""

import gzip
import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from habitlake.cli.lake import batch_audit, table_hashes
from habitlake.clock import Interval
from habitlake.job import JobContext
from habitlake.lake import scan_table
from habitlake.log import get_logger
from habitlake.nights import ledger
from spark_jobs.common.session import spark_session
from spark_jobs.ingest import replay
from spark_jobs.ingest.run import ingest

NIGHT = date(2026, 3, 1)
NEXT = NIGHT + timedelta(days=1)
BOTH = Interval(NIGHT, NEXT)
NOW = datetime(2026, 4, 1, tzinfo=UTC)
TABLES = ("bronze.weather", "silver.weather", "silver.rejected", "silver.batch_audit")
SESSION = {
    "userId": "u1", "eventType": "workout_completed", "timestamp": f"{NIGHT}T10:00:00Z",
    "data": {"workoutId": "w1", "duration": 600},
}  # fmt: skip


def line(hour=18, night=NIGHT, **changes):
    return {
        "timeZone": "Europe/Berlin", "localDate": str(night + timedelta(days=2)), "hour": hour,
        "issuedAt": f"{night}T21:00:00Z", "weather": "rain", "temperature": 46.5,
    } | changes  # fmt: skip


@pytest.fixture
def land(services):
    def write(night, name, lines, feed="weather"):
        path = Path(services.landing) / feed / f"batch_date={night}" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = b"".join(item if isinstance(item, bytes) else json.dumps(item).encode() + b"\n" for item in lines)
        path.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
        return path

    return write


@pytest.fixture
def run(services):
    def ingested(interval):
        with spark_session("ingest", services) as spark:
            return ingest(spark, interval, services, NOW)

    return ingested


def stored(settings):
    hashes = table_hashes(settings)
    return {name: hashes[name] for name in TABLES}


def counts(audit):
    return {file: (found.raw, found.accepted, found.duplicates, found.rejected) for (_, file), found in audit.items()}


def test_every_line_is_kept_repeated_or_refused_and_any_rerun_ends_in_the_same_rows(land, run, services):
    land(NIGHT, "a.jsonl", [line(), line(), line(19), line(weather="snow"), b"{torn\n"])
    land(NEXT, "b.jsonl.gz", [line(19), line(temperature=50), line(night=NEXT), line(night=NEXT, hour=25)])
    assert counts(run(BOTH)) == {
        "../weather/a.jsonl": (5, 2, 1, 2),
        "../weather/b.jsonl.gz": (4, 1, 1, 2),
    }
    assert [batch["identity_holds"] for batch in batch_audit(services)] == [True, True]
    kept = scan_table("silver.weather", services).collect().sort("issued_at", "hour")
    assert kept.select("hour", "issued_at", "_source_file", "_line").rows() == [
        (18, datetime(2026, 3, 1, 21, tzinfo=UTC), "../weather/a.jsonl", 1),
        (19, datetime(2026, 3, 1, 21, tzinfo=UTC), "../weather/a.jsonl", 3),
        (18, datetime(2026, 3, 2, 21, tzinfo=UTC), "../weather/b.jsonl.gz", 3),
    ]
    refused = scan_table("silver.rejected", services).collect().sort("batch_date", "_line")
    assert refused.select("_line", "reason", "stage").rows() == [
        (4, "conflict", "dedupe"), (5, "malformed_json", "parse"), (2, "conflict", "dedupe"), (4, "out_of_range", "parse"),
    ]  # fmt: skip
    assert json.loads(refused["raw"][0]) == line(weather="snow")
    # Every raw line is kept, accepted ones and duplicates too.
    assert scan_table("bronze.weather", services).collect().height == 9
    straight = stored(services)
    run(BOTH)
    assert stored(services) == straight
    for night in (NEXT, NIGHT, NEXT):
        run(Interval(night, night))
    assert stored(services) == straight


def test_garbage_is_quarantined_and_the_night_goes_on(land, run, services):
    land(NIGHT, "binary.jsonl", [bytes(range(256)) * 40])
    land(NIGHT, "long.jsonl", [b'{"a":"' + b"x" * 1_000_000 + b'"}\n'])
    whole = land(NIGHT, "good.jsonl.gz", [line(hour) for hour in range(24)]).read_bytes()
    land(NIGHT, "torn.jsonl.gz", []).write_bytes(whole[: len(whole) // 2])
    land(NIGHT, "empty.jsonl", [])
    found = run(Interval(NIGHT, NIGHT))
    assert counts(found)["../weather/good.jsonl.gz"] == (24, 24, 0, 0)
    assert counts(found)["../weather/empty.jsonl"] == (0, 0, 0, 0)
    (batch,) = batch_audit(services)
    assert batch["identity_holds"]
    assert {"invalid_encoding", "oversized_line", "unreadable_file"} <= set(batch["reasons"])


def test_an_absent_feed_is_normal_and_a_feed_taken_away_is_gone(land, run, services):
    land(NIGHT, "app.jsonl", [SESSION], feed="events")
    assert counts(run(Interval(NIGHT, NIGHT))) == {"app.jsonl": (1, 1, 0, 0)}
    absent = stored(services)
    path = land(NIGHT, "a.jsonl", [line(), b"{torn\n"])
    run(Interval(NIGHT, NIGHT))
    assert stored(services) != absent
    path.unlink()
    run(Interval(NIGHT, NIGHT))
    assert stored(services) == absent


def test_a_forecast_that_lands_late_makes_its_night_and_later_ones_stale_until_they_run_again(land, services):
    nights = Interval(NIGHT, NEXT)
    for night in nights.nights():
        land(night, "app.jsonl", [SESSION], feed="events")

    def lived(interval):
        ledger.open_nights(interval, services, NOW)
        ledger.close_nights(interval, services, NOW)

    with ledger.connect(services) as connection:
        connection.execute("DELETE FROM ops.nights")
    lived(nights)
    assert ledger.ledger_state(services).stale == []
    land(NEXT, "late.jsonl", [line()])
    land(NEXT + timedelta(days=1), "early.jsonl", [line()])
    state = ledger.ledger_state(services)
    assert [night.batch_date for night in state.stale] == [NEXT]
    assert state.pending == []
    lived(Interval(NEXT, NEXT))
    assert ledger.ledger_state(services).stale == []
    with ledger.connect(services) as connection:
        connection.execute("DELETE FROM ops.nights")


def test_replay_lands_what_a_mended_contract_accepts_in_its_own_feed(land, run, services, monkeypatch):
    hail = line(20, weather="hail")
    land(NIGHT, "a.jsonl", [line(), hail, line(21, hours=99)])
    run(Interval(NIGHT, NIGHT))

    def again():
        context, outcome = JobContext("replay", Interval(NIGHT, NIGHT), services, get_logger("replay"), None), Counter()
        for name, lines in replay.replay(context, frozenset({"out_of_range"}), None):
            outcome[name] += lines
        return outcome

    assert again() == {"already_landed": 0, "still_refused": 2, "landed": 0}
    with monkeypatch.context() as mended:
        from spark_jobs.ingest import weather_kernel

        text = weather_kernel.forecast_sql().replace("'fog')", "'fog', 'hail')")
        mended.setattr(weather_kernel, "forecast_sql", lambda: text)
        assert again() == {"already_landed": 0, "still_refused": 1, "landed": 1}
        assert again() == {"already_landed": 1, "still_refused": 1, "landed": 0}
    (landed,) = (Path(services.landing) / "weather" / f"batch_date={NEXT}").glob("*.jsonl")
    assert landed.read_bytes() == json.dumps(hail).encode() + b"\n"
    assert not (Path(services.landing) / "events").exists()
