"""What a run reads of the lake: the rows that are there, each partition once, and what the run itself has written."""

from datetime import date, timedelta

import polars as pl
import pytest

from habitlake.settings import Settings
from interventions import reading
from interventions.reading import Reader, View
from tests.integration.interventions.lake import write

FIRST = date(2026, 3, 1)
NIGHTS = [FIRST + timedelta(days=number) for number in range(6)]
TABLE = "gold.user_day"
VISITED = View(TABLE, ("user_id", "app_visits"), where=pl.col("app_visits") > 0, nights=3)


@pytest.fixture
def settings(tmp_path):
    """Return settings of a world in which person n has n visits on every night but the third, which is missing."""
    settings = Settings(home=tmp_path, _env_file=None)
    for night in (*NIGHTS[:2], *NIGHTS[3:]):
        people = [{"user_id": f"u{number}", "local_date": night, "app_visits": number} for number in range(3)]
        write(TABLE, people, night, settings)
    return settings


@pytest.fixture
def read(monkeypatch):
    """Return the list of the intervals that are read from now on."""
    intervals = []

    def spied(reader, view, nights, scan=Reader._read):
        intervals.append((nights.start, nights.end))
        return scan(reader, view, nights)

    monkeypatch.setattr(Reader, "_read", spied)
    return intervals


def nights_of(rows):
    """Return the nights of some rows, in their order."""
    assert set(rows["user_id"]) <= {"u1", "u2"}, "nobody without a visit"
    return rows["batch_date"].unique(maintain_order=True).to_list()


def test_a_night_looks_back_on_its_view_and_small_partitions_are_read_at_once(settings, read):
    reader = Reader(settings, NIGHTS[5])
    assert nights_of(reader.rows(VISITED, NIGHTS[1])) == NIGHTS[:2]
    assert nights_of(reader.rows(VISITED, NIGHTS[4])) == NIGHTS[3:5]
    assert nights_of(reader.rows(VISITED, NIGHTS[5])) == NIGHTS[3:]
    assert reader.rows(VISITED, NIGHTS[5]).columns == ["batch_date", "user_id", "app_visits"]
    assert read == [(NIGHTS[0], NIGHTS[5])]
    assert reader.nights(TABLE) == [*NIGHTS[:2], *NIGHTS[3:]]


def test_large_partitions_are_read_one_by_one_and_none_before_it_is_asked_for(settings, read, monkeypatch):
    monkeypatch.setattr(reading, "ROWS_AT_ONCE", 3)
    reader = Reader(settings, NIGHTS[5])
    assert nights_of(reader.rows(VISITED, NIGHTS[1])) == NIGHTS[:2]
    assert nights_of(reader.rows(VISITED, NIGHTS[3])) == [NIGHTS[1], NIGHTS[3]]
    assert read == [(night, night) for night in (NIGHTS[0], NIGHTS[1], NIGHTS[3])]
    reader.release()
    assert nights_of(reader.rows(VISITED, NIGHTS[3])) == [NIGHTS[1], NIGHTS[3]]
    assert len(read) == 5
    unread = reader.scan(VISITED, NIGHTS[5])
    assert len(read) == 5
    assert unread.collect().sort("batch_date", "user_id").equals(reader.rows(VISITED, NIGHTS[5]))


def test_what_the_run_writes_is_seen_and_the_rest_is_not_read_again(settings, read):
    reader = Reader(settings, NIGHTS[5])
    assert reader.rows(VISITED, NIGHTS[2]).filter(pl.col("batch_date") == NIGHTS[1])["app_visits"].to_list() == [1, 2]
    write(TABLE, [{"user_id": "u1", "local_date": NIGHTS[1], "app_visits": 9}], NIGHTS[1], settings)
    write(TABLE, [{"user_id": "u2", "local_date": NIGHTS[2], "app_visits": 8}], NIGHTS[2], settings)
    found = reader.rows(VISITED, NIGHTS[2]).filter(pl.col("batch_date") > NIGHTS[0])
    assert found["app_visits"].to_list() == [9, 8]
    assert read[1:] == [(NIGHTS[1], NIGHTS[2])]
    write(TABLE, [], NIGHTS[2], settings)
    assert nights_of(reader.rows(VISITED, NIGHTS[2])) == NIGHTS[:2]


def test_nights_that_are_not_there_have_no_rows(settings):
    reader = Reader(settings, NIGHTS[5])
    assert reader.rows(VISITED, FIRST - timedelta(days=1)).is_empty()
    assert reader.rows(View("gold.goals"), FIRST).is_empty()
