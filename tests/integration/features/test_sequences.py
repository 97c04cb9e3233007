"""Sequences of days worked by hand, on a lake written by hand: as known on each night, alone and in a range."""

from datetime import date, timedelta

import polars as pl
import pytest

from habitlake.clock import Interval
from habitlake.lake import arrow_schema, replace_nights, scan_table
from habitlake.tables import get_table
from habitlake.tables.people import SEQUENCE_CHANNELS, SEQUENCE_DAYS
from spark_jobs.features import sequences

NIGHT = date(2026, 3, 31)
NIGHTS = Interval(NIGHT - timedelta(days=2), NIGHT)


def ago(days):
    return NIGHT - timedelta(days=days)


def entry(user, local_date, batch_date=None, **measures):
    """One entry of gold.user_day; the batch is the one of the day."""
    values = dict.fromkeys(get_table("gold.user_day").column_names[3:], 0)
    return {"batch_date": batch_date or local_date, "user_id": user, "local_date": local_date, **values, **measures}


LEDGER = [
    # The oldest day that counts, and the one before it.
    entry("ann", ago(29), events=2, workouts_completed=1, load_au=90_500, completion_count=1, completion_permille=800),
    entry("ann", ago(30), events=1, workouts_completed=1, load_au=50_000),
    # Today: two sessions, one without a rate; a nap and a night; two stress reports.
    entry(
        "ann", NIGHT, events=7, workouts_completed=2, load_au=120_000, completion_count=1, completion_permille=900,
        sleep_count=2, sleep_s=30_600, stress_count=2, stress_permille=9_000, screen_s=90,
    ),
    # Yesterday was planned four weeks ahead, skipped, and told of a night late: an energy of 3.
    entry("ann", ago(1), ago(29), workouts_planned=1),
    entry("ann", ago(1), events=1, workouts_skipped=1),
    entry("ann", ago(1), NIGHT, events=1, energy_count=1, energy_permille=3_000),
    # Bob lives where the 31st is not over yet: his last day is the 30th, and what he did on the 31st is no day yet.
    entry("bob", ago(1), events=1, screen_s=600),
    entry("bob", NIGHT, events=5, workouts_completed=1),
]  # fmt: skip
# Eve did nothing for thirty days.
PEOPLE = {"ann": 0, "bob": 1, "eve": 0}


@pytest.fixture
def lake(settings):
    """Return the settings of a lake with the ledger and the people of three nights."""
    replace_nights(
        pl.DataFrame(LEDGER, schema_overrides=dict.fromkeys(get_table("gold.user_day").column_names[3:], pl.Int64))
        .to_arrow(),
        "gold.user_day",
        Interval(ago(30), NIGHT),
        settings,
    )  # fmt: skip
    schema = arrow_schema(get_table("gold.user_features"))
    people = [
        {"batch_date": night, "user_id": user, "as_of_date": night - timedelta(days=days)}
        for night in NIGHTS.nights()
        for user, days in PEOPLE.items()
    ]
    rows = pl.DataFrame([{field.name: row.get(field.name) for field in schema} for row in people])
    replace_nights(rows.to_arrow().cast(schema), "gold.user_features", NIGHTS, settings)
    return settings


def stored(settings, night=NIGHT):
    """Return channels by person, and as-of dates; each channel as {age: value}, the usual value left out."""
    rows = scan_table(sequences.TABLE, settings, nights=Interval(night, night)).collect()
    found = {}
    for row in rows.iter_rows(named=True):
        usual = {name: 0 if channel.reports is None else None for name, channel in sequences.CHANNELS.items()}
        found[row["user_id"]] = {
            name: {SEQUENCE_DAYS - 1 - place: value for place, value in enumerate(row[name]) if value != usual[name]}
            for name in usual
        }
        assert {len(row[name]) for name in usual} == {SEQUENCE_DAYS}
    return {user: {name: days for name, days in channels.items() if days} for user, channels in found.items()}


def test_sequences_worked_by_hand(lake):
    sequences.build_user_sequences(Interval(NIGHT, NIGHT), lake)
    assert stored(lake) == {
        "ann": {
            "sessions": {29: 1, 0: 2},
            "completion_rate": {29: pytest.approx(0.8), 0: pytest.approx(0.9)},
            "load": {29: 90.5, 0: 120},
            "planned": {1: 1},
            "skipped": {1: 1},
            "sleep_hours": {0: 8.5},
            "stress": {0: 4.5},
            "energy": {1: 3},
            "app_minutes": {0: 1.5},
            "observed": {29: 1, 1: 1, 0: 1},
        },
        "bob": {"app_minutes": {0: 10}, "observed": {0: 1}},
        "eve": {},
    }
    days = scan_table(sequences.TABLE, lake).select("user_id", "as_of_date").collect().rows()
    assert dict(days) == {"ann": NIGHT, "bob": ago(1), "eve": NIGHT}


def test_a_night_knows_only_what_had_arrived(lake):
    sequences.build_user_sequences(Interval(ago(1), ago(1)), lake)
    ann = stored(lake, ago(1))["ann"]
    # The energy report came a night later, and age 0 is the 30th.
    assert ann == {
        "sessions": {28: 1, 29: 1}, "completion_rate": {28: pytest.approx(0.8)}, "load": {28: 90.5, 29: 50},
        "planned": {0: 1}, "skipped": {0: 1}, "observed": {28: 1, 29: 1, 0: 1},
    }  # fmt: skip


@pytest.mark.parametrize("people", [100_000, 2])
def test_a_range_equals_the_loop_in_chunks_or_whole(lake, monkeypatch, people):
    for night in NIGHTS.nights():
        sequences.build_user_sequences(Interval(night, night), lake)
    loop = scan_table(sequences.TABLE, lake).collect().sort("batch_date", "user_id")
    monkeypatch.setattr(sequences, "PEOPLE_PER_CHUNK", people)
    sequences.build_user_sequences(NIGHTS, lake)
    assert scan_table(sequences.TABLE, lake).collect().sort("batch_date", "user_id").equals(loop)
    assert loop.height == len(NIGHTS) * len(PEOPLE)


def test_the_channels_are_the_registry_s():
    assert list(sequences.CHANNELS) == [name for name, _ in SEQUENCE_CHANNELS]
