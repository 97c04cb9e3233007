"""The incremental path equals a full recompute from silver, by another engine and other code."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from habitlake.clock import Interval, last_complete_day
from habitlake.lake import scan_table
from habitlake.settings import Settings
from habitlake.simulator import simulate_nights
from tests.integration.conftest import arguments

NIGHTS = Interval(date(2026, 3, 20), date(2026, 4, 2))


@pytest.fixture(scope="module")
def lake(engines, module_settings, tmp_path_factory, job):
    """Two weeks of a dirty world across a clock change, ingested and featured night by night in two ranges."""
    world = Settings(home=tmp_path_factory.mktemp("world"), _env_file=None)
    simulate_nights(world, NIGHTS, people=50, dirt=0.06, seed=21)
    settings = module_settings(landing=world.landing)
    for start, end in ((NIGHTS.start, date(2026, 3, 27)), (date(2026, 3, 28), NIGHTS.end)):
        for step in ("spark_jobs.ingest.run", "spark_jobs.features.run"):
            job(settings, step, *arguments(Interval(start, end)))
    return settings


def zones_as_known(settings, night):
    """Per user the profile versions known on a night: (event_at, batch_date, zone), sorted."""
    profiles = scan_table("silver.profiles", settings, upto=night).collect()
    versions = {}
    for row in profiles.iter_rows(named=True):
        versions.setdefault(row["user_id"], []).append((row["event_at"], row["batch_date"], row["time_zone"]))
    return {user: sorted(items) for user, items in versions.items()}


def local_day(event, settings_zones):
    """The local date of an event in the zone in force, as known in its batch."""
    known = [item for item in settings_zones.get(event["user_id"], []) if item[1] <= event["batch_date"]]
    past = [item for item in known if item[0] <= event["event_at"]]
    if past or known:
        zone = ZoneInfo((past[-1] if past else known[0])[2])
        return event["event_at"].astimezone(zone).date()
    return (event["event_at"] + timedelta(seconds=event["event_offset_s"])).date()


def recompute(settings, night):
    """A few features of every person from silver alone, with plain Python."""
    zones = zones_as_known(settings, NIGHTS.end)
    sessions, sleeps, rates, seen = {}, {}, {}, {}
    for table in ("silver.workouts", "silver.wellbeing", "silver.interactions", "silver.profiles"):
        for event in scan_table(table, settings, upto=night).collect().iter_rows(named=True):
            day, user = local_day(event, zones), event["user_id"]
            seen[user] = min(day, seen.get(user, day))
            if event["event_type"] == "workout_completed":
                sessions.setdefault(user, []).append(day)
                if event["completion_rate"] is not None:
                    rates.setdefault(user, []).append((day, round(event["completion_rate"] * 1000)))
            if event["event_type"] == "sleep_logged":
                sleeps.setdefault(user, []).append((day, round(event["sleep_duration_s"])))
    known = zones_as_known(settings, night)
    rows = {}
    for user, first in seen.items():
        zone = known[user][-1][2] if user in known else "UTC"
        as_of = last_complete_day(night, zone)

        def within(days, day, as_of=as_of):
            return 0 <= (as_of - day).days < days

        recent = [seconds for day, seconds in sleeps.get(user, []) if within(7, day)]
        complete = [permille for day, permille in rates.get(user, []) if within(30, day)]
        past = [(as_of - day).days for day in sessions.get(user, []) if within(90, day)]
        rows[user] = {
            "as_of_date": as_of,
            "first_local_date": first,
            "time_zone": zone,
            "sessions_7d": sum(within(7, day) for day in sessions.get(user, [])),
            "sessions_28d": sum(within(28, day) for day in sessions.get(user, [])),
            "workout_frequency_30d": round(sum(within(30, day) for day in sessions.get(user, [])) / 30, 6),
            "days_since_last_session": min(past) if past else None,
            "completion_rate_30d": round(sum(complete) / len(complete) / 1000, 6) if complete else None,
            "sleep_hours_7d": round(sum(recent) / len(recent) / 3600, 6) if recent else None,
        }
    return rows


@pytest.mark.parametrize("night", [date(2026, 3, 24), date(2026, 3, 29), date(2026, 4, 2)])
def test_features_equal_a_recompute_from_silver_as_known_on_the_night(lake, night):
    expected = recompute(lake, night)
    stored = scan_table("gold.user_features", lake, nights=Interval(night, night)).collect()
    assert set(stored["user_id"]) == set(expected)
    for row in stored.iter_rows(named=True):
        for name, value in expected[row["user_id"]].items():
            assert row[name] == pytest.approx(value, abs=2e-6) if isinstance(value, float) else row[name] == value, (
                row["user_id"], name, row[name], value,
            )  # fmt: skip
    assert stored["event_timestamp"].unique().to_list() == [
        datetime.combine(night + timedelta(days=1), time(), tzinfo=UTC)
    ]


def test_the_ledger_has_several_entries_for_days_that_late_events_corrected(lake):
    entries = scan_table("gold.user_day", lake).group_by("user_id", "local_date").len().collect()
    assert entries.filter(pl.col("len") > 1).height > 0
