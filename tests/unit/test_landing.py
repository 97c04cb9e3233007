"""What has landed: events make a night, forecasts may be absent, and either makes a night stale when it changes."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from habitlake.landing import EVENTS, WEATHER, feed_nights, landed_nights, landing_files, night_files, night_folder
from habitlake.nights.ledger import landing_fingerprints
from habitlake.settings import Settings

NIGHT = date(2026, 3, 1)
NEXT, DAY_AFTER = NIGHT + timedelta(days=1), NIGHT + timedelta(days=2)


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path, _env_file=None)


@pytest.fixture
def land(settings):
    def write(feed, night, name="app.jsonl", text="{}"):
        path = Path(night_folder(feed, night, settings), name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    return write


def test_files_of_the_weather_are_told_from_those_of_events_whatever_their_names(settings, land):
    for feed, name in ((EVENTS, "app.jsonl"), (EVENTS, "weather/app.jsonl"), (WEATHER, "app.jsonl")):
        land(feed, NIGHT, name)
    assert [file.relative for file in night_files(EVENTS, NIGHT, settings)] == ["app.jsonl", "weather/app.jsonl"]
    assert [file.relative for file in night_files(WEATHER, NIGHT, settings)] == ["../weather/app.jsonl"]
    assert len(landing_files(settings)[NIGHT]) == 3


def test_a_forecast_ahead_of_the_events_makes_no_night(settings, land):
    assert landed_nights(settings) == feed_nights(WEATHER, settings) == []
    land(WEATHER, NIGHT)
    assert landed_nights(settings) == []
    land(EVENTS, NEXT)
    land(WEATHER, DAY_AFTER)
    # Of the nights up to the newest one with events a forecast counts: later windows read it.
    assert landed_nights(settings) == [NIGHT, NEXT]
    assert list(landing_fingerprints(settings)) == [NIGHT, NEXT, DAY_AFTER]


def test_a_forecast_that_comes_late_or_changes_changes_its_night_alone(settings, land):
    land(EVENTS, NIGHT)
    land(EVENTS, NEXT)
    without = landing_fingerprints(settings)
    land(WEATHER, NEXT)
    late = landing_fingerprints(settings)
    land(WEATHER, NEXT, text="{} ")
    changed = landing_fingerprints(settings)
    assert without[NIGHT] == late[NIGHT] == changed[NIGHT]
    assert len({without[NEXT], late[NEXT], changed[NEXT]}) == 3
    assert landing_fingerprints(settings, [NEXT]) == {NEXT: changed[NEXT]}
