"""The job on a lake of a few people: what a night knew decides, and nothing that came later."""

import json
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from habitlake.clock import Interval
from habitlake.lake import arrow_schema, replace_nights, scan_table
from habitlake.settings import Settings
from habitlake.tables import get_table
from models.windows import score

NIGHT = date(2026, 3, 1)
NEXT = NIGHT + timedelta(days=1)
USERS = ("ann", "ben", "new")
TABLE = "gold.workout_windows"


def put(name, rows, settings, night):
    """Write the rows as the night's partition; columns that are not given are null."""
    schema = arrow_schema(get_table(name))
    empty = pl.DataFrame(schema.empty_table()).schema
    table = pl.DataFrame([{"batch_date": night, **row} for row in rows], schema=empty).to_arrow().cast(schema)
    replace_nights(table, name, Interval(night, night), settings)


def write_night(settings, night, *, completed, slot, stress, unreported=None, unseen_too=True):
    """Two people with a month of use, and one seen today for the first time."""
    as_of = night - timedelta(days=1)
    zones = ("Europe/Berlin", "America/New_York", "UTC")
    put(
        "gold.user_features",
        [{"user_id": user, "time_zone": zone, "as_of_date": as_of} for user, zone in zip(USERS, zones, strict=True)],
        settings,
        night,
    )
    trained = [float(day % 2) for day in range(30)]
    sequence = {
        "sessions": trained,
        "planned": trained,
        "observed": [1.0] * 30,
        "stress": [*[5.0] * 29, stress],
        "energy": [None] * 30,
    }
    unseen = {
        "sessions": [0.0] * 30,
        "planned": [0.0] * 30,
        "observed": [0.0] * 30,
        "stress": [None] * 30,
        "energy": [None] * 30,
    }
    put(
        "gold.user_sequence",
        [{"user_id": user, "as_of_date": as_of, **(unseen if user == "new" else sequence)} for user in (USERS if unseen_too else USERS[:2])],
        settings,
        night,
    )  # fmt: skip
    any_of = dict.fromkeys(("time_slot", "weekday", "weather_band", "location", "with_whom"), "any")
    patterns = [
        {"user_id": user, **any_of, "dimension": dimension, dimension: value, "attempts": 12, "completed": completed}
        for user in USERS[:2]
        for dimension, value in (("time_slot", slot), ("weather_band", "wet"))
    ]
    put("gold.context_patterns", patterns, settings, night)
    put(
        "gold.user_day_context",
        [
            {
                "user_id": user, "local_date": as_of, "time_slot": slot, "weather_band": "wet", "location": "home",
                "with_whom": "alone", "completed": 1, "skipped": 0,
                # 18:00 is three quarters of the way round, where the cosine is 0 and the sine -1.
                "start_cos_permille": 0, "start_sin_permille": -1000,
            }
            for user in USERS[:2]
        ],
        settings,
        night,
    )  # fmt: skip


def put_profile(settings, night, user, text):
    put(
        "silver.profiles",
        [
            {
                "user_id": user, "event_type": "profile_updated", "event_at": datetime(2026, 2, 1, tzinfo=UTC),
                "preferred_times": ["evening"], "schedule_json": text,
            }
        ],
        settings,
        night,
    )  # fmt: skip


@pytest.fixture
def settings(tmp_path):
    settings = Settings(home=tmp_path, _env_file=None)
    write_night(settings, NIGHT, completed=9, slot="evening", stress=5.0)
    put_profile(settings, NIGHT, "ann", '{"monday": {"available": true}}')
    return settings


def stored(settings, night=NIGHT):
    return scan_table(TABLE, settings, Interval(night, night)).collect().sort("user_id", "valid_for", "rank")


def test_every_person_has_three_windows_of_three_dates(settings):
    assert score.write_windows(NIGHT, settings) == 27
    rows = stored(settings)
    assert rows.select("user_id", "valid_for", "rank").is_unique().all()
    first = rows.group_by("user_id").agg(pl.col("valid_for").min()).sort("user_id")["valid_for"].to_list()
    # In Berlin the second of March began an hour before the night's end; in New York it is still ahead, in UTC it begins.
    assert first == [date(2026, 3, 3), date(2026, 3, 2), date(2026, 3, 2)]


def test_the_record_that_the_app_reads_is_of_the_same_night(settings):
    score.write_windows(NIGHT, settings)
    records = scan_table("gold.user_windows", settings, Interval(NIGHT, NIGHT)).collect().sort("user_id")
    assert records["user_id"].to_list() == list(USERS)
    first = stored(settings).row(0, named=True)
    assert json.loads(records["windows"][0])[0]["success_probability"] == first["success_probability"]


def test_what_came_later_changes_no_score_of_an_older_night(settings):
    score.write_windows(NIGHT, settings)
    monday = stored(settings)
    write_night(settings, NEXT, completed=1, slot="morning", stress=9.0)
    # A version that tells of an earlier time, and arrives later.
    put_profile(settings, NEXT, "ann", '{"monday": {"available": false}}')
    score.write_windows(NEXT, settings)
    score.write_windows(NIGHT, settings)
    assert stored(settings).equals(monday)
    assert not stored(settings, NEXT).drop("batch_date", "valid_for").equals(monday.drop("batch_date", "valid_for"))


def test_people_are_scored_alike_in_any_chunks(settings, monkeypatch):
    score.write_windows(NIGHT, settings)
    whole = stored(settings)
    monkeypatch.setattr(score, "PEOPLE_PER_CHUNK", 1)
    score.write_windows(NIGHT, settings)
    assert stored(settings).equals(whole)


def test_a_person_without_any_history_gets_the_populations_windows_flagged(settings):
    score.write_windows(NIGHT, settings)
    quality = dict(stored(settings).group_by("user_id").agg(pl.col("input_quality").unique()).iter_rows())
    assert quality == {"ann": ["partial"], "ben": ["partial"], "new": ["population"]}


def test_what_is_missing_is_unknown_in_whatever_form(settings):
    score.write_windows(NIGHT, settings)
    usual = stored(settings)
    # NaN for null, and a person without a row of the sequence.
    write_night(settings, NIGHT, completed=9, slot="evening", stress=5.0, unreported=float("nan"), unseen_too=False)
    score.write_windows(NIGHT, settings)
    assert stored(settings).equals(usual)


def test_the_usual_hour_of_the_person_is_taken(settings):
    score.write_windows(NIGHT, settings)
    evenings = stored(settings).filter((pl.col("part_of_day") == "evening") & (pl.col("user_id") == "ann"))
    assert evenings["hour"].to_list() == [18] * 3


def test_a_plan_for_a_later_date_is_known(settings):
    day = {"user_id": "ann", "events": 1, "workouts_planned": 1}
    score.write_windows(NIGHT, settings)
    before = stored(settings)
    put("gold.user_day", [day | {"local_date": date(2026, 3, 4)}], settings, NIGHT)
    score.write_windows(NIGHT, settings)
    changed = stored(settings).filter(pl.col("reasons").list.contains("a workout is planned for the date"))
    assert changed.select("user_id", "valid_for").unique().rows() == [("ann", date(2026, 3, 4))]
    others = pl.col("valid_for") != date(2026, 3, 4)
    assert stored(settings).filter(others).drop("backup_plan").equals(before.filter(others).drop("backup_plan"))


def test_a_forecast_counts_from_the_night_on_which_it_was_issued_and_landed(settings):
    rain = {
        "time_zone": "UTC", "local_date": NEXT, "hour": 0, "hours": 24, "weather": "rain", "temperature_f": 60.0,
        "issued_at": datetime(2026, 3, 1, 21, tzinfo=UTC), "_source_file": "../weather/a.jsonl", "_line": 1,
    }  # fmt: skip

    def sources(night=NIGHT):
        score.write_windows(night, settings)
        return {(row["user_id"], row["valid_for"]): row["weather_source"] for row in stored(settings, night).to_dicts()}

    before = sources()
    windows = stored(settings)
    assert set(before.values()) == {"climatology"}
    # Landed later, or issued after the night's end: not known.
    put("silver.weather", [rain], settings, NEXT)
    assert sources() == before
    put("silver.weather", [rain | {"issued_at": datetime(2026, 3, 2, tzinfo=UTC)}], settings, NIGHT)
    assert sources() == before
    assert stored(settings).equals(windows)
    put("silver.weather", [rain], settings, NIGHT)
    assert {key for key, source in sources().items() if source == "forecast"} == {("new", NEXT)}


def test_a_night_without_people_has_no_windows(tmp_path):
    settings = Settings(home=tmp_path, _env_file=None)
    assert score.write_windows(NIGHT, settings) == 0
    assert stored(settings).height == 0
    assert scan_table("gold.user_windows", settings, Interval(NIGHT, NIGHT)).collect().height == 0
