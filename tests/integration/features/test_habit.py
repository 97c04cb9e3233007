"""Habit of random people: one night, a range and a plain recount agree, with late events and changing zones."""

import random
from datetime import date, timedelta

import pytest

from habitlake.clock import Interval
from habitlake.tables import get_table
from spark_jobs.features.as_known import look_back_start
from spark_jobs.features.habit import SETTLE_DAYS, habit_states, origin_of
from spark_jobs.features.strength import AUTOMATIC, DECAY, GAIN, MISS_DECAY
from tests.integration.features.sessions import small_session

NIGHTS = Interval(date(2026, 3, 28), date(2026, 3, 31))
HISTORY_DAYS = 150
COLUMNS = get_table("gold.habit_state").column_names
FEATURES = (
    "batch_date date, user_id string, as_of_date date, consistency_score double, time_of_day_consistency double,"
    " days_since_last_session bigint"
)
LEDGER = "batch_date date, user_id string, local_date date, workouts_completed bigint, workouts_planned bigint"
PROFILES = "user_id string, event_at timestamp, batch_date date, time_zone string, target_sessions_per_week double"


@pytest.fixture(scope="module")
def spark(engines, module_settings):
    with small_session("test-habit", module_settings()) as session:
        session.conf.set("spark.sql.shuffle.partitions", "2")
        yield session


def random_people(seed):
    """Ledger entries of 15 people, some of them learned long after their day, and their as-of dates by night."""
    draw = random.Random(seed)
    entries, as_of = [], {}
    for number in range(15):
        user = f"u{number:02}"
        eager = draw.random()
        for age in range(draw.randrange(HISTORY_DAYS), -5, -1):
            day = NIGHTS.end - timedelta(days=age)
            # Some facts come a day, some a season late: before and after their day is settled.
            delay = draw.choice((0, 0, 0, 0, 1, 3, 40, SETTLE_DAYS - 1, SETTLE_DAYS, SETTLE_DAYS + 1, 120))
            if age >= 0 and draw.random() < eager:
                entries.append((min(day + timedelta(days=delay), NIGHTS.end + timedelta(days=1)), user, day, 1, 0))
            if draw.random() < 0.4:
                made = min(day - timedelta(days=draw.choice((0, 1, 5, 60))), NIGHTS.end)
                entries.append((made, user, day, 0, 1))
        for night in NIGHTS.nights():
            # A traveller's last complete day may stand still and jump by two.
            as_of[user, night] = night - timedelta(days=draw.choice((0, 1)))
    return entries, as_of


def states(spark, people, interval, snapshot=None, before=None):
    """Rows of the interval, from no more of the ledger than the job reads."""
    entries, as_of = people
    first = date.min if snapshot is None else look_back_start(snapshot)
    read = [row for row in entries if first <= row[0] <= interval.end]
    features = [
        (night, user, day, 0.5, 0.8, last_session(entries, user, night, day))
        for (user, night), day in as_of.items()
        if interval.start <= night <= interval.end
    ]
    earlier = None
    if before is not None:
        schema = get_table("gold.habit_state").ddl()
        earlier = spark.createDataFrame([tuple(row[name] for name in COLUMNS) for row in before], schema)
    found = habit_states(
        spark.createDataFrame(features, FEATURES),
        spark.createDataFrame(read, LEDGER),
        earlier,
        spark.createDataFrame([], PROFILES),
        interval,
        origin=origin_of(snapshot, min(row[0] for row in entries)),
        snapshot=snapshot,
    )
    return {(row.user_id, row.batch_date): row.asDict() for row in found.select(*COLUMNS).collect()}


def last_session(entries, user, night, as_of):
    ages = [(as_of - day).days for batch, name, day, met, _ in entries if name == user and met and batch <= night]
    return min((age for age in ages if 0 <= age < 90), default=None)


def recount(entries, user, night, as_of):
    """Strength and what follows from it, day by day from the first entry on."""
    known = [row for row in entries if row[1] == user and row[0] <= night]
    first = min((row[2] for row in known if row[3]), default=None)
    counted = [row for row in known if row[0] <= row[2] + timedelta(days=SETTLE_DAYS)]
    sessions, plans = ({row[2] for row in counted if row[column]} for column in (3, 4))
    strength, settled, automatic_on = 0.0, 0.0, None
    day = min((row[2] for row in counted), default=as_of)
    while day <= as_of:
        if day in sessions:
            strength += GAIN * (1 - strength)
        else:
            strength -= strength * (MISS_DECAY if day in plans else DECAY)
        if strength >= AUTOMATIC and automatic_on is None:
            automatic_on = day
        if day <= night - timedelta(days=SETTLE_DAYS):
            settled = strength
        day += timedelta(days=1)
    return {
        "first_session_date": first,
        "strength": pytest.approx(strength, abs=1e-6),
        "settled_strength": pytest.approx(settled, abs=1e-12),
        "automatic_on": automatic_on,
    }


@pytest.mark.parametrize("seed", [1, 2])
def test_one_night_a_range_and_a_recount_agree(spark, seed):
    people = random_people(seed)
    entries, as_of = people
    rows = states(spark, people, NIGHTS)
    assert set(rows) == set(as_of)
    for (user, night), row in rows.items():
        expected = recount(entries, user, night, as_of[user, night])
        assert {name: row[name] for name in expected} == expected, (user, night)
    strengths = {row["strength"] for row in rows.values()}
    assert len(strengths) > 30
    assert any(row["automatic_on"] for row in rows.values())

    # Each night from yesterday's rows alone, and the last from the first, as after a gap: the same to the last bit.
    loop = states(spark, people, Interval(NIGHTS.start, NIGHTS.start))
    for night in list(NIGHTS.nights())[1:]:
        yesterday = night - timedelta(days=1)
        before = [row for (_, stored), row in loop.items() if stored == yesterday]
        loop |= states(spark, people, Interval(night, night), yesterday, before)
    assert loop == rows
    before = [row for (_, stored), row in rows.items() if stored == NIGHTS.start]
    last = states(spark, people, Interval(NIGHTS.end, NIGHTS.end), NIGHTS.start, before)
    assert last == {key: row for key, row in rows.items() if key[1] == NIGHTS.end}
