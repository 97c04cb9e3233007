"""Context patterns of ten people, from their events by way of the ledger, counted by hand."""

import pytest

from habitlake.tables import get_table
from spark_jobs.features.contexts import LEDGER, context_entries
from tests.integration.features import test_people as ten_people
from tests.integration.features.sessions import small_session
from tests.integration.features.silver import frame
from tests.unit.features.test_patterns import WEEKDAYS, found

NOT_KNOWN = tuple((dimension, "unknown") for dimension in ("weather_band", "location", "with_whom"))


@pytest.fixture(scope="module")
def spark(engines, module_settings):
    with small_session("test-patterns", module_settings()) as session:
        session.conf.set("spark.sql.shuffle.partitions", "2")
        yield session


TEN = {
    # (attempts, completed) overall and by margin; ten people are too few to say anything about each other, so a person
    # starts from 1 of 2, and circumstances from ten attempts at the person's rate.
    "daily": {
        ("overall",): (30, 30), ("time_slot", "morning"): (30, 30), ("weather_band", "fair"): (30, 30),
        ("location", "home"): (30, 30), ("with_whom", "alone"): (30, 30),
        # From Monday the 2nd to Tuesday the 31st; each weekday is a cell of its own, too.
        **{("weekday", day): (5, 5) if day in ("monday", "tuesday") else (4, 4) for day in WEEKDAYS},
    },
    "weekend_only": {
        ("overall",): (8, 8), ("time_slot", "morning"): (8, 8), ("weekday", "saturday"): (4, 4),
        ("weekday", "sunday"): (4, 4), **dict.fromkeys(NOT_KNOWN, (8, 8)),
    },
    # Days 40, 38 and 36 before Tuesday the 31st are still in the window.
    "lapsed": {
        ("overall",): (3, 3), ("time_slot", "evening"): (3, 3), ("weekday", "thursday"): (1, 1),
        ("weekday", "saturday"): (1, 1), ("weekday", "monday"): (1, 1), **dict.fromkeys(NOT_KNOWN, (3, 3)),
    },
    # Started at 23:00 on Wednesday and ended on Thursday, which is its day.
    "shift_worker": {
        ("overall",): (3, 3), ("time_slot", "night"): (3, 3), ("weekday", "thursday"): (1, 1),
        ("weekday", "saturday"): (1, 1), ("weekday", "monday"): (1, 1), **dict.fromkeys(NOT_KNOWN, (3, 3)),
    },
    # 08:00 on the clock of each place.
    "traveller": {
        ("overall",): (3, 3), ("time_slot", "morning"): (3, 3), ("weekday", "saturday"): (1, 1),
        ("weekday", "sunday"): (1, 1), ("weekday", "monday"): (1, 1), **dict.fromkeys(NOT_KNOWN, (3, 3)),
    },
    "newcomer": {},
    "only_skips": {
        ("overall",): (5, 0), ("time_slot", "evening"): (5, 0), ("weekday", "monday"): (4, 0),
        ("weekday", "tuesday"): (1, 0), ("weather_band", "wet"): (5, 0), ("location", "unknown"): (5, 0),
        ("with_whom", "unknown"): (5, 0),
    },
    "night_owl": {
        ("overall",): (9, 5), ("time_slot", "night"): (5, 4), ("time_slot", "evening"): (4, 1),
        ("weather_band", "fair"): (5, 4), ("weather_band", "cold"): (4, 1), ("location", "unknown"): (9, 5),
        ("with_whom", "unknown"): (9, 5), ("weekday", "monday"): (2, 2), ("weekday", "saturday"): (2, 1),
        ("weekday", "thursday"): (1, 1), ("weekday", "sunday"): (2, 1), ("weekday", "friday"): (1, 0),
        ("weekday", "wednesday"): (1, 0),
    },
    "group_exerciser": {
        ("overall",): (7, 4), ("time_slot", "evening"): (7, 4), ("weather_band", "unknown"): (7, 4),
        ("location", "unknown"): (7, 4), ("with_whom", "group"): (3, 3), ("with_whom", "alone"): (4, 1),
        ("weekday", "wednesday"): (1, 1), ("weekday", "saturday"): (2, 1), ("weekday", "tuesday"): (1, 1),
        ("weekday", "thursday"): (1, 1), ("weekday", "friday"): (1, 0), ("weekday", "sunday"): (1, 0),
    },
    "data_gap": {},
}  # fmt: skip


@pytest.fixture(scope="module")
def rows(spark):
    """The patterns of the ten people."""
    people = [build()[0] for build in ten_people.PEOPLE]
    events = {
        name: frame(spark, name, [row for person in people for row in person.events[name]])
        for name in ("silver.workouts", "silver.profiles")
    }
    entries = context_entries(*events.values()).select(*get_table(LEDGER).column_names).collect()
    return found([tuple(entry) for entry in entries])


def test_ten_people_worked_by_hand(rows):
    for name, expected in TEN.items():
        got = {key[2:]: row for key, row in rows.items() if key[0] == name and key[2] != "cell"}
        assert {key: (row["attempts"], row["completed"]) for key, row in got.items()} == expected, name
        # Nobody has seen enough of anything to make a finding of it.
        assert {row["verdict"] for row in got.values()} <= {"neutral", "thin"}
        for key, (attempts, completed) in expected.items():
            every, done = expected["overall",]
            own = (1 + done) / (2 + every)
            shrunken = own if key == ("overall",) else (10 * own + completed) / (10 + attempts)
            assert got[key]["shrunken_rate"] == pytest.approx(shrunken, abs=1e-6)
            assert (got[key]["verdict"] == "thin") == (attempts < 3)
    cells = {key[0]: [] for key in rows if key[2] == "cell" and key[0] in TEN}
    for key, row in rows.items():
        if key[0] in cells and key[2] == "cell":
            cells[key[0]].append((*key[3:], row["attempts"], row["completed"]))
    assert {name: sorted(found_cells) for name, found_cells in cells.items()} == {
        "daily": sorted(("morning", day, "fair", "home", *TEN["daily"]["weekday", day]) for day in WEEKDAYS),
        "weekend_only": [("morning", day, "unknown", "unknown", 4, 4) for day in ("saturday", "sunday")],
        "only_skips": [("evening", "monday", "wet", "unknown", 4, 0)],
    }
