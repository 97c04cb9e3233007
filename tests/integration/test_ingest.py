"""Ingestion on the real engines: identity over files and nights, late events, chunks, gzip, replay."""

import gzip
import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from habitlake.clock import Interval
from habitlake.contracts import workout
from habitlake.job import JobContext
from habitlake.lake import scan_table
from habitlake.log import get_logger
from spark_jobs.common.session import spark_session
from spark_jobs.ingest import bronze, plan, replay
from spark_jobs.ingest.run import ingest

DAY = date(2026, 1, 5)


def event(number, day=DAY, **changes):
    return {
        "eventId": f"e{number}",
        "userId": f"u{number % 7}",
        "eventType": "workout_completed",
        "timestamp": f"{day}T10:{number % 60:02d}:00+01:00",
        "data": {"workoutId": f"w{number}", "duration": 600 + number},
        **changes,
    }


def profile(user, minute, zone):
    return {
        "userId": user,
        "eventType": "profile_updated",
        "timestamp": f"{DAY}T08:{minute:02d}:00Z",
        "data": {"timeZone": zone},
    }


@pytest.fixture
def land(services):
    def write(night, name, events, compress=False):
        path = Path(services.landing) / "events" / f"batch_date={night}" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = b"".join(item if isinstance(item, bytes) else json.dumps(item).encode() + b"\n" for item in events)
        path.write_bytes(gzip.compress(lines) if compress else lines)

    return write


@pytest.fixture
def run(services):
    def ingested(first, last=None):
        interval = Interval(first, last or first)
        with spark_session("ingest", services) as spark:
            return ingest(spark, interval, services, datetime(2026, 2, 1, tzinfo=UTC))

    return ingested


@pytest.fixture
def table(services):
    def rows(name):
        return scan_table(name, services).collect()

    return rows


def counts(audit, night, file):
    entry = audit[night, file]
    assert entry.raw == entry.accepted + entry.duplicates + entry.rejected
    return entry.raw, entry.accepted, entry.duplicates, entry.rejected


def test_the_first_line_in_order_is_the_event_across_files_and_nights(land, run, table):
    second = DAY + timedelta(days=1)
    land(DAY, "a.jsonl", [event(1), event(2), event(1)])
    land(DAY, "b.jsonl.gz", [event(1), event(2, data={"workoutId": "w2", "duration": 5}), event(3)], compress=True)
    land(second, "c.jsonl", [event(3), event(1, data={"workoutId": "w1", "duration": 9}), event(4)])
    audit = run(DAY) | run(second)
    assert counts(audit, DAY, "a.jsonl") == (3, 2, 1, 0)
    assert counts(audit, DAY, "b.jsonl.gz") == (3, 1, 1, 1)
    assert counts(audit, second, "c.jsonl") == (3, 1, 1, 1)
    kept = table("silver.workouts").sort("event_id")
    assert kept["event_id"].to_list() == ["e1", "e2", "e3", "e4"]
    assert kept["_source_file"].to_list() == ["a.jsonl", "a.jsonl", "b.jsonl.gz", "c.jsonl"]
    refused = table("silver.rejected").sort("batch_date")
    assert refused.select("_source_file", "_line", "reason", "stage").rows() == [
        ("b.jsonl.gz", 2, "conflict", "dedupe"),
        ("c.jsonl", 2, "conflict", "dedupe"),
    ]
    assert json.loads(refused["raw"][1])["data"]["duration"] == 9


def test_late_and_very_old_repeats_are_found_and_late_events_have_files_of_their_own(land, run, services):
    nights = [DAY + timedelta(days=offset) for offset in range(6)]
    for offset, night in enumerate(nights):
        land(night, "app.jsonl", [event(offset, night), event(100 + offset, DAY - timedelta(days=400 + offset))])
    repeat, old = nights[-1] + timedelta(days=1), DAY - timedelta(days=400)
    land(repeat, "app.jsonl", [event(0, nights[0]), event(100, old), event(7, repeat)])
    run(nights[0], nights[-1])
    assert counts(run(repeat), repeat, "app.jsonl") == (3, 1, 2, 0)
    from deltalake import DeltaTable

    files = pl.DataFrame(DeltaTable(f"{services.lake}/bronze/events").get_add_actions(flatten=True))
    spans = files.select((pl.col("max.event_date") - pl.col("min.event_date")).dt.total_days())
    # One file a night for what is on time and one for what is late; only the last night's late dates lie apart.
    assert files.height == 2 * 7
    assert spans.to_series().sort().to_list() == [0] * 13 + [400]


def test_a_batch_keeps_the_newest_profile_of_a_person_and_counts_the_others_as_accepted(land, run, table):
    land(DAY, "b.jsonl", [profile("u1", 1, "Europe/Rome"), profile("u1", 3, "Asia/Tokyo"), profile("u2", 1, "UTC")])
    land(DAY, "c.jsonl", [profile("u1", 2, "Africa/Cairo"), profile("u1", 3, "Asia/Tokyo")])
    audit = run(DAY)
    assert counts(audit, DAY, "b.jsonl") == (3, 3, 0, 0)
    assert counts(audit, DAY, "c.jsonl") == (2, 1, 1, 0)
    profiles = table("silver.profiles").sort("user_id").select("user_id", "time_zone").rows()
    assert profiles == [("u1", "Asia/Tokyo"), ("u2", "UTC")]


def test_a_file_cut_into_chunks_has_the_same_rows_and_line_numbers(land, run, table, monkeypatch):
    events = [event(number) for number in range(500)]
    land(DAY, "big.jsonl", [*events[:200], b"\n", b"\xff\n", b"{torn\n", *events[200:]])
    run(DAY)
    whole = table("bronze.events").drop("_ingested_at").sort("_line")
    monkeypatch.setattr(plan.cut, "__defaults__", (4_096,))
    monkeypatch.setattr(bronze, "TASK_BYTES", 16_384)
    audit = run(DAY)
    assert counts(audit, DAY, "big.jsonl") == (503, 500, 0, 3)
    assert table("bronze.events").drop("_ingested_at").sort("_line").equals(whole)
    assert sorted(table("silver.rejected")["_line"].to_list()) == [201, 202, 203]


def test_an_emptied_night_is_empty_and_a_file_without_lines_is_audited(land, run, table, services):
    land(DAY, "a.jsonl", [event(1), {"eventType": "?"}])
    land(DAY, "none.jsonl", [])
    assert counts(run(DAY), DAY, "none.jsonl") == (0, 0, 0, 0)
    assert table("silver.batch_audit").height == 2
    for file in Path(services.landing).rglob("*.jsonl"):
        file.unlink()
    assert run(DAY) == {}
    for name in ("bronze.events", "silver.workouts", "silver.rejected", "silver.batch_audit"):
        assert table(name).height == 0


def test_replay_lands_what_a_mended_contract_accepts_once_and_nothing_else(land, run, table, services, monkeypatch):
    following = DAY + timedelta(days=1)
    broken = event(2, eventType="workout_teleported")
    land(
        DAY,
        "a.jsonl",
        [event(1), broken, event(3, userId="two words"), event(1, data={"workoutId": "x", "duration": 1})],
    )
    run(DAY)

    def again():
        context = JobContext("replay", Interval(DAY, DAY), services, get_logger("replay"), None)
        reasons = frozenset({"unknown_event_type", "wrong_type"})
        outcome = Counter()
        for name, lines in replay.replay(context, reasons, None):
            outcome[name] += lines
        return outcome

    assert again() == {"already_landed": 0, "still_refused": 2, "landed": 0}
    mended = {**replay_models(), "workout_teleported": workout.WorkoutCompleted}
    with monkeypatch.context() as fix:
        teach(fix, mended)
        assert again() == {"already_landed": 0, "still_refused": 1, "landed": 1}
        assert again() == {"already_landed": 1, "still_refused": 1, "landed": 0}
    (landed,) = (Path(services.landing) / "events" / f"batch_date={following}").glob("*.jsonl")
    assert landed.read_bytes() == json.dumps(broken).encode() + b"\n"
    # Read by the platform as it was, the line is refused again: the record of origins is no landing file.
    assert counts(run(following), following, landed.name) == (1, 0, 0, 1)
    assert table("silver.batch_audit")["_source_file"].len() == 2


def test_a_lake_from_before_health_conditions_takes_a_night_that_states_some(land, run, table, services, monkeypatch):
    from dataclasses import replace

    from habitlake import lake
    from habitlake.tables import get_table
    from interventions.profiles import newest_profiles, read_profiles

    def older(name):
        """Return a table as it was registered before the field was there."""
        columns = [
            replace(column, sql_type=column.sql_type.replace("health_conditions:array<string>,", ""))
            for column in get_table(name).columns
            if column.name != "health_conditions"
        ]
        return replace(get_table(name), columns=tuple(columns))

    with monkeypatch.context() as before:
        before.setattr(lake, "get_table", older)
        for name in ("silver.profiles", "bronze.events"):
            rows = [{"batch_date": DAY, "_source_file": "a", "_line": 1, "user_id": "u1", "event_id": "e1", "event_type": "profile_updated",
                     "event_at": datetime(2026, 1, 5, 8, tzinfo=UTC), "event_date": DAY}]  # fmt: skip
            lake.replace_nights(
                pa.Table.from_pylist(rows, lake.arrow_schema(older(name))), name, Interval(DAY, DAY), services
            )
    second = DAY + timedelta(days=1)
    stated = profile("u1", 30, "UTC")
    stated["data"]["constraints"] = {"healthConditions": ["limited_walking"]}
    land(second, "b.jsonl", [stated, profile("u2", 31, "UTC")])
    assert counts(run(second), second, "b.jsonl") == (2, 2, 0, 0)
    found = table("silver.profiles").sort("batch_date", "user_id")
    assert found["health_conditions"].to_list() == [None, ["limited_walking"], None]
    payload = table("bronze.events").sort("batch_date", "_line").select("payload").unnest("payload")
    assert payload["health_conditions"].to_list() == [None, ["limited_walking"], None]
    newest = newest_profiles(read_profiles(Interval(DAY, second), services), second).sort("user_id")
    assert newest["conditions_changed_on"].to_list() == [second, None]


def replay_models():
    from habitlake.contracts import EVENT_MODELS

    return dict(EVENT_MODELS)


def teach(fix, models):
    """Let the kernel know one more workout event, as a fixed contract would."""
    from dataclasses import replace

    from habitlake.contracts import FAMILIES
    from spark_jobs.ingest import kernel, kernel_sql

    family = FAMILIES[0]
    taught = replace(family, events={**family.events, "workout_teleported": models["workout_teleported"]})
    fix.setattr(kernel, "FAMILIES", (taught, *FAMILIES[1:]))
    fix.setattr(kernel, "FAMILY_OF", {**kernel.FAMILY_OF, "workout_teleported": taught})
    known = kernel_sql.ENVELOPE_SQL.replace("'workout_planned'", "'workout_planned', 'workout_teleported'", 1)
    fix.setattr(kernel, "ENVELOPE_SQL", known)


def test_replay_goes_only_into_nights_still_to_come(land, run, services):
    land(DAY, "a.jsonl", [event(1)])
    run(DAY)
    with pytest.raises(replay.PermanentError, match=f"--into {DAY + timedelta(days=1)}"):
        replay.target_night(DAY, DAY - timedelta(days=3), services)
    assert replay.target_night(None, DAY, services) == DAY + timedelta(days=1)
