"""The ledger's days: local dates across zones, clock changes and moves; what each kind of event adds."""

from datetime import UTC, date, datetime

import pytest

from spark_jobs.features.run import EVENT_TABLES
from spark_jobs.features.user_day import MEASURES, ledger_entries
from tests.integration.features.sessions import small_session
from tests.integration.features.silver import BATCH, event, frame

EARLIER = date(2026, 3, 1)


@pytest.fixture
def spark(services):
    with small_session("test-ledger", services) as session:
        session.conf.set("spark.sql.shuffle.partitions", "2")
        yield session


def at(text):
    return datetime.fromisoformat(text).astimezone(UTC)


def ledger(spark, profiles=(), **events):
    """Entries of the events, as {(user, local date): measures that are not 0}."""
    frames = {name: frame(spark, name, events.get(name.removeprefix("silver."), [])) for name in EVENT_TABLES}
    rows = ledger_entries(frames, frame(spark, "silver.profiles", profiles)).collect()
    keys = [(row.batch_date, row.user_id, row.local_date) for row in rows]
    assert len(set(keys)) == len(keys)
    return {
        (row.user_id, row.local_date): {name: row[name] for name in MEASURES if row[name]}
        for row in rows
        if row.batch_date == BATCH
    }


def profile(user, zone, text, batch_date=EARLIER):
    return event(user, text, "profile_updated", batch_date, time_zone=zone)


@pytest.mark.parametrize(
    ("zone", "instants"),
    [
        (
            "Europe/Berlin",  # 29 March 2026 has 23 hours
            {
                "2026-03-28T22:59:59Z": "2026-03-28",
                "2026-03-28T23:00:00Z": "2026-03-29",
                "2026-03-29T00:59:59Z": "2026-03-29",
                "2026-03-29T21:59:59Z": "2026-03-29",
                "2026-03-29T22:00:00Z": "2026-03-30",
            },
        ),
        (
            "America/New_York",  # 1 November 2026 has 25 hours
            {
                "2026-11-01T03:59:59Z": "2026-10-31",
                "2026-11-01T04:00:00Z": "2026-11-01",
                "2026-11-01T06:30:00Z": "2026-11-01",
                "2026-11-02T04:59:59Z": "2026-11-01",
                "2026-11-02T05:00:00Z": "2026-11-02",
            },
        ),
        (
            "Africa/Cairo",  # 24 April 2026 has no midnight: its first instant is 01:00
            {"2026-04-23T21:59:59Z": "2026-04-23", "2026-04-23T22:00:00Z": "2026-04-24"},
        ),
        ("Pacific/Kiritimati", {"2026-04-01T09:59:59Z": "2026-04-01", "2026-04-01T10:00:00Z": "2026-04-02"}),
    ],
)
def test_local_dates_on_days_of_23_24_and_25_hours(spark, zone, instants):
    users = {f"u{number}": (text, day) for number, (text, day) in enumerate(instants.items())}
    found = ledger(
        spark,
        [profile(user, zone, "2026-01-01T00:00:00Z") for user in users],
        interactions=[event(user, text, "app_interaction") for user, (text, _) in users.items()],
    )
    assert sorted(found) == sorted((user, date.fromisoformat(day)) for user, (_, day) in users.items())


def test_the_zone_is_the_one_in_force_for_the_event_as_known_in_its_batch(spark):
    instant = "2026-03-20T20:00:00Z"  # still the 20th in Berlin, already the 21st in Tokyo
    profiles = [
        profile("moved_before", "Europe/Berlin", "2026-01-01T00:00:00Z"),
        profile("moved_before", "Asia/Tokyo", "2026-03-10T00:00:00Z"),
        profile("moved_after", "Europe/Berlin", "2026-01-01T00:00:00Z"),
        profile("moved_after", "Asia/Tokyo", "2026-03-25T00:00:00Z"),
        profile("moved_but_not_known_yet", "Europe/Berlin", "2026-01-01T00:00:00Z"),
        profile("moved_but_not_known_yet", "Asia/Tokyo", "2026-03-10T00:00:00Z", date(2026, 4, 2)),
        profile("joined_later", "Asia/Tokyo", "2026-03-25T00:00:00Z"),
        profile("zone_no_one_knows", "Mars/Olympus", "2026-01-01T00:00:00Z"),
    ]
    expected = {
        "moved_before": date(2026, 3, 21),
        "moved_after": date(2026, 3, 20),
        "moved_but_not_known_yet": date(2026, 3, 20),
        "joined_later": date(2026, 3, 21),
        "zone_no_one_knows": date(2026, 3, 20),
        "no_profile": date(2026, 3, 20),
    }
    found = ledger(spark, profiles, interactions=[event(user, instant, "app_interaction") for user in expected])
    assert dict(found.keys()) == expected
    # Without a zone the event's own offset says what day it was.
    by_offset = ledger(spark, interactions=[event("no_profile", "2026-03-21T05:30:00+09:30", "app_interaction")])
    assert set(by_offset) == {("no_profile", date(2026, 3, 21))}


def test_what_workouts_add_and_where_plans_go(spark):
    day = "2026-03-20T10:00:00Z"
    done = {"duration_s": 1800.0, "completion_rate": 0.8335, "intensity": "high", "heart_rate_avg": 141.25}
    found = ledger(
        spark,
        workouts=[
            event("u", day, "workout_planned", planned_for=at("2026-03-22T18:00:00Z")),
            event("u", day, "workout_started"),
            event("u", day, "workout_completed", social_context="partner", stress_level=4.0, **done),
            event("u", day, "workout_completed", duration_s=90.5),
            event("u", day, "workout_skipped"),
        ],
    )
    assert found == {
        ("u", date(2026, 3, 20)): {
            "events": 5, "workouts_started": 1, "workouts_completed": 2, "workouts_skipped": 1, "partner_sessions": 1,
            # 30 minutes of weight 3, and 90.5 seconds of unknown intensity (weight 2); halves are rounded away from 0.
            "duration_s": 1800 + 91, "load_au": 90_000 + 3017, "completion_count": 1, "completion_permille": 834,
            "intensity_count": 1, "intensity_permille": 3000,
            "heart_rate_count": 1, "heart_rate_deci": 1413, "stress_count": 1, "stress_permille": 4000,
        },
        ("u", date(2026, 3, 22)): {"workouts_planned": 1},
    }  # fmt: skip


def test_what_visits_wellbeing_and_feedback_add(spark):
    day = "2026-03-20T10:00:00Z"
    found = ledger(
        spark,
        interactions=[
            event("u", day, "app_interaction", screen_time_s=61.4, barriers=["time", "weather"], skip_reasons=["tired"],
                  motivation_level=7.0, preparation_time_min=2.5)
        ],
        wellbeing=[
            event("u", day, "sleep_logged", sleep_duration_s=27_000.0, sleep_efficiency=0.9),
            event("u", day, "daily_wellbeing", hrv_ms=52.3, steps=8000, stress=3.0),
            event("u", day, "injury_reported", injury_status="started"),
            event("u", day, "injury_reported", injury_status="resolved"),
            event("u", day, "injury_reported"),
        ],
        intervention_events=[
            event("u", day, "intervention_delivered"),
            event("u", day, "intervention_opened"),
            event("only_delivered", day, "intervention_delivered"),
        ],
    )  # fmt: skip
    assert found == {
        ("u", date(2026, 3, 20)): {
            "events": 7, "app_visits": 1, "screen_s": 61, "barriers": 2, "skip_reasons": 1, "motivation_count": 1,
            "motivation_permille": 7000, "preparation_count": 1, "preparation_s": 150, "sleep_count": 1,
            "sleep_s": 27_000, "sleep_efficiency_count": 1, "sleep_efficiency_permille": 900, "hrv_count": 1,
            "hrv_deci_ms": 523, "steps_count": 1, "steps": 8000, "stress_count": 1, "stress_permille": 3000,
            "injuries_started": 2, "injuries_resolved": 1, "interventions_delivered": 1, "interventions_opened": 1,
        },
        ("only_delivered", date(2026, 3, 20)): {"interventions_delivered": 1},
    }  # fmt: skip
