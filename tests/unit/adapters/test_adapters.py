"""Real exports: what becomes events, what is skipped, and that nothing is invented."""

import gzip
import json
from collections import Counter

import pytest

from habitlake.adapters import run
from habitlake.adapters.lifesnaps import bouts, stress_of
from habitlake.errors import PermanentError
from habitlake.settings import Settings


@pytest.fixture
def world(tmp_path):
    return Settings(home=tmp_path / "home", _env_file=None)


def landed(settings):
    events = []
    for file in sorted((settings.home / "landing" / "events").rglob("*.gz")):
        events += [json.loads(line) for line in gzip.decompress(file.read_bytes()).decode().splitlines()]
    return events


@pytest.mark.parametrize(
    ("adapter", "folder", "people", "nights", "mapped"),
    [
        ("lifesnaps", "lifesnaps", 71, 274, {"workout_completed": 3_453, "sleep_logged": 2_879}),
        ("heartsteps", "heartsteps_v1", 37, 203, {"intervention_delivered": 3_594, "daily_wellbeing": 1_438}),
        ("fitbit", "fitbit_mturk", 35, None, {"profile_updated": 35}),
    ],
)
def test_an_export_lands_as_the_summary_says(adapter, folder, people, nights, mapped, real_data, world):
    summary = run(adapter, real_data / folder, world)
    events = landed(world)
    assert Counter(event["eventType"] for event in events) == summary.mapped
    assert len({event["userId"] for event in events}) == len(summary.people) == people
    assert nights in (None, len(summary.nights))
    assert {name: summary.mapped[name] for name in mapped} == mapped
    assert all(count > 0 for count in summary.skipped.values())
    first = {file.name: file.read_bytes() for file in (world.home / "landing").rglob("*.gz")}
    run(adapter, real_data / folder, world)
    assert {file.name: file.read_bytes() for file in (world.home / "landing").rglob("*.gz")} == first


def test_free_text_of_the_trial_never_lands(real_data, world):
    run("heartsteps", real_data / "heartsteps_v1", world)
    profiles = [event["data"] for event in landed(world) if event["eventType"] == "profile_updated"]
    assert {key for data in profiles for key in data} <= {"demographics", "timeZone"}


def test_consecutive_hours_are_one_session():
    from datetime import datetime

    hours = [datetime(2021, 5, 1, hour) for hour in (9, 10, 18)]  # noqa: DTZ001 - the file holds local times
    assert [(start.hour, length) for start, length in bouts(hours)] == [(9, 2), (18, 1)]


@pytest.mark.parametrize(("score", "stress"), [(1, 10), (100, 1), (0, None), (None, None), (50.5, 5.5)])
def test_a_calm_score_is_little_stress(score, stress):
    assert stress_of(score) == stress


MAPPING = """
name: gymlog
file: sessions.csv
zone: Europe/Berlin
event_type: workout_completed
user: member
timestamp: {column: ended, format: "%d.%m.%Y %H:%M"}
data:
  workoutId: {column: id}
  duration: {column: minutes, convert: minutes_to_seconds}
  intensity: {value: medium}
"""


@pytest.fixture
def gymlog(tmp_path):
    folder = tmp_path / "export"
    folder.mkdir()
    (folder / "sessions.csv").write_text(
        "member,id,ended,minutes\nann,1,01.03.2026 18:00,45\nann,2,never,30\nbob,3,02.03.2026 07:00,many\n"
    )
    mapping = tmp_path / "gymlog.yaml"
    mapping.write_text(MAPPING)
    return mapping, folder


def test_a_mapping_file_needs_no_code_and_counts_what_it_cannot_read(gymlog, world):
    mapping, folder = gymlog
    summary = run(str(mapping), folder, world)
    events = landed(world)
    assert [(event["userId"], event["data"]["duration"]) for event in events] == [("ann", 2_700)]
    assert events[0]["timestamp"].endswith("+01:00")
    assert sum(summary.skipped.values()) == 2


def test_a_torn_line_of_json_is_skipped_and_counted(gymlog, world):
    mapping, folder = gymlog
    (folder / "sessions.csv").rename(folder / "sessions.jsonl")
    whole = {"member": "ann", "id": "1", "ended": "01.03.2026 18:00", "minutes": "45"}
    (folder / "sessions.jsonl").write_text(json.dumps(whole) + '\n{"member": "an\n[1]\n')
    mapping.write_text(MAPPING.replace("sessions.csv", "sessions.jsonl"))
    summary = run(str(mapping), folder, world)
    assert len(landed(world)) == 1
    assert summary.skipped == {("sessions.jsonl", "a line is no JSON object"): 2}


@pytest.mark.parametrize(
    ("change", "said"),
    [(("minutes_to_seconds", "fortnights"), "minutes_to_seconds"), (("Europe/Berlin", "Europe/Atlantis"), "Atlantis")],
)
def test_a_wrong_mapping_says_what_and_where(gymlog, world, change, said):
    mapping, folder = gymlog
    mapping.write_text(MAPPING.replace(*change))
    with pytest.raises(PermanentError, match=said):
        run(str(mapping), folder, world)


def test_a_wrong_adapter_or_folder_says_what_there_is(tmp_path, world):
    with pytest.raises(PermanentError, match="lifesnaps"):
        run("lifesnap", tmp_path, world)
    with pytest.raises(PermanentError, match="there is no"):
        run("lifesnaps", tmp_path / "missing", world)
    with pytest.raises(PermanentError, match=r"expected there.*sleep_times\.csv"):
        run("lifesnaps", tmp_path, world)
