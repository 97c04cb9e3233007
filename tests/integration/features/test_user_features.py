"""Features of random ledgers against a plain recount, and streaks worked by hand."""

import random
from datetime import date, timedelta

import pytest

from habitlake.clock import Interval
from habitlake.tables import get_table
from spark_jobs.features import categories, contexts
from spark_jobs.features.as_known import passes, people_by_night, with_profile
from spark_jobs.features.user_features import snapshots
from tests.integration.features.sessions import small_session

NIGHT = date(2026, 3, 31)
LAST_NIGHT = Interval(NIGHT, NIGHT)
MEASURES = get_table("gold.user_day").column_names[3:]
PROFILES = (
    "user_id string, event_at timestamp, batch_date date, time_zone string, target_sessions_per_week double,"
    " preferred_times array<string>, weight_kg double, target_weight_kg double"
)
LEDGER = "batch_date date, user_id string, local_date date, " + ", ".join(f"{name} bigint" for name in MEASURES)
SNAPSHOT = "user_id string, first_local_date date"


@pytest.fixture
def spark(services):
    with small_session("test-features", services) as session:
        session.conf.set("spark.sql.shuffle.partitions", "2")
        yield session


def entry(user, local_date, batch_date=None, **measures):
    """One ledger entry; UTC people learn of a day in the batch of the same date."""
    values = {"events": 1, **measures}
    return (batch_date or local_date, user, local_date, *(values.get(name, 0) for name in MEASURES))


def features(spark, ledger, interval=LAST_NIGHT, before=None):
    entries = spark.createDataFrame([row for row in ledger if row[0] <= interval.end], LEDGER)
    profiles = spark.createDataFrame([], PROFILES)
    snapshot = None if before is None else spark.createDataFrame(before, SNAPSHOT)
    ledgers = {
        "gold.user_day": entries,
        **{name: spark.createDataFrame([], get_table(name).ddl()) for name in (contexts.LEDGER, categories.LEDGER)},
    }
    people = with_profile(people_by_night(entries, snapshot, interval), profiles)
    found = snapshots(ledgers, people, interval).collect()
    return {(row.user_id, row.batch_date): row.asDict() for row in found}


def ago(days):
    return NIGHT - timedelta(days=days)


STREAKS = {
    # name: (ages of session days, ages of planned days without a session), expected current and longest
    "every_day": ([4, 3, 2, 1, 0], [], 5, 5),
    "rest_days_break_nothing": ([12, 9, 6, 3, 0], [], 5, 5),
    "a_missed_plan_breaks": ([6, 5, 4, 2, 1], [3], 2, 3),
    "a_plan_missed_today_breaks_at_once": ([3, 2, 1], [0], 0, 3),
    "six_days_without_a_session_hold": ([13, 6], [], 2, 2),
    "a_gap_of_six_empty_days_holds": ([10, 3], [], 2, 2),
    "a_gap_of_seven_empty_days_breaks": ([11, 3], [], 1, 1),
    "seven_empty_days_up_to_now_break": ([9, 8, 7], [], 0, 3),
    "six_empty_days_up_to_now_hold": ([8, 7, 6], [], 3, 3),
    "across_the_two_bitmaps": ([47, 46, 45, 44, 43], [], 0, 5),
    "the_oldest_day_counts_and_older_ones_do_not": ([90, 89, 88], [], 0, 2),
}


def test_streaks_worked_by_hand(spark):
    ledger = []
    for user, (sessions, missed, _, _) in STREAKS.items():
        ledger += [entry(user, ago(age), workouts_completed=1, workouts_planned=age % 2) for age in sessions]
        # A plan arrives in an earlier batch than its day, and is no sign of use on that day.
        ledger += [entry(user, ago(age), ago(age + 5), events=0, workouts_planned=1) for age in missed]
    rows = features(spark, ledger)
    found = {
        user: (rows[user, NIGHT]["streak_length_current"], rows[user, NIGHT]["streak_length_longest"])
        for user in STREAKS
    }
    assert found == {user: (current, longest) for user, (_, _, current, longest) in STREAKS.items()}


def test_trends_worked_by_hand(spark):
    ledger = [entry("rising", ago(age), stress_count=1, stress_permille=8000 - 500 * age) for age in range(5)]
    ledger += [entry("two_days", ago(age), stress_count=2, stress_permille=9000) for age in (0, 1)]
    # The second report of a day came a batch later: two entries of one day.
    ledger += [
        entry("late", ago(2), stress_count=1, stress_permille=2000),
        entry("late", ago(2), NIGHT, stress_count=1, stress_permille=4000),
    ]
    ledger += [
        entry("late", ago(1), stress_count=1, stress_permille=4000),
        entry("late", NIGHT, stress_count=1, stress_permille=5000),
    ]
    rows = features(spark, ledger)
    assert rows["rising", NIGHT]["stress_level_trend"] == 0.5
    assert rows["two_days", NIGHT]["stress_level_trend"] is None
    # Reports 2, 4, 4, 5 on days 0, 0, 1, 2: x mean 0.75, y mean 3.75; sum of products 2.75, of squares 2.75.
    assert rows["late", NIGHT]["stress_level_trend"] == 1.0
    assert rows["late", NIGHT]["stress_level"] == 3.75


def random_ledger(seed, people=12, days=130):
    draw = random.Random(seed)
    rows = []
    for person in range(people):
        user = f"user-{person:02}"
        start = draw.randrange(days)
        for age in range(start, -3, -1):
            for _ in range(draw.choice((0, 1, 1, 2))):
                sessions = int(draw.random() < 0.4)
                rows.append(
                    entry(
                        user,
                        ago(age),
                        min(ago(max(age, 0) - draw.choice((0, 0, 0, 3))), NIGHT + timedelta(days=3)),
                        events=draw.choice((1, 1, 1, 0)),
                        workouts_completed=sessions,
                        workouts_planned=int(draw.random() < 0.3),
                        sleep_count=1,
                        sleep_s=draw.randrange(14_400, 36_000),
                    )
                )
    return rows


def recount(ledger, user, night):
    """A few features from the ledger with dictionaries and loops: the days first, then the person."""
    known = [dict(zip(("batch_date", "user_id", "local_date", *MEASURES), row, strict=True)) for row in ledger]
    known = [row for row in known if row["user_id"] == user and row["batch_date"] <= night]
    days = {}
    for row in known:
        day = days.setdefault((night - row["local_date"]).days, dict.fromkeys(MEASURES, 0))
        for name in MEASURES:
            day[name] += row[name]
    current = longest = empty = 0
    for age in range(89, -1, -1):
        day = days.get(age, dict.fromkeys(MEASURES, 0))
        if day["workouts_completed"]:
            current, empty = current + 1, 0
        else:
            empty += 1
            if day["workouts_planned"] or empty >= 7:
                current = 0
        longest = max(longest, current)
    points = [((age, row["sleep_s"])) for age in range(30) for row in known if (night - row["local_date"]).days == age]
    slope = None
    if len({age for age, _ in points}) >= 3:
        mean_x, mean_y = (sum(point[axis] for point in points) / len(points) for axis in (0, 1))
        slope = -sum((x - mean_x) * (y - mean_y) for x, y in points) / sum((x - mean_x) ** 2 for x, _ in points) / 3600
    recent = [day for age, day in days.items() if 0 <= age < 28]
    return {
        "streak_length_current": current,
        "streak_length_longest": longest,
        "active_days_28d": sum(day["workouts_completed"] > 0 for day in recent),
        "observed_days_28d": sum(day["events"] > 0 for day in recent),
        "sessions_28d": sum(day["workouts_completed"] for day in recent),
        "planned_next_7d": sum(days[age]["workouts_planned"] for age in range(-7, 0) if age in days),
        "days_since_last_session": min((age for age in range(90) if days.get(age, {}).get("workouts_completed")), default=None),
        "sleep_quality_trend": slope,
        "first_local_date": min(row["local_date"] for row in known if row["events"]),
    }  # fmt: skip


@pytest.mark.parametrize("seed", [1, 2])
def test_random_ledgers_against_a_plain_recount_and_one_night_against_the_range(spark, seed):
    ledger = random_ledger(seed)
    interval = Interval(NIGHT - timedelta(days=4), NIGHT)
    rows = features(spark, ledger, interval)
    people = {(row[1], night) for row in ledger for night in interval.nights() if row[0] <= night and row[3]}
    assert set(rows) == people
    for (user, night), row in rows.items():
        for name, value in recount(ledger, user, night).items():
            assert row[name] == (pytest.approx(value, abs=2e-6) if isinstance(value, float) else value), (
                user,
                night,
                name,
            )
    alone = features(spark, ledger)
    assert alone == {key: row for key, row in rows.items() if key[1] == NIGHT}


def test_a_person_seen_long_ago_keeps_a_row_through_the_snapshot_before(spark):
    before = [("quiet", date(2025, 6, 1)), ("back", date(2025, 6, 1))]
    rows = features(spark, [entry("back", NIGHT, workouts_completed=1), entry("new", NIGHT)], before=before)
    assert {user for user, _ in rows} == {"quiet", "back", "new"}
    assert rows["quiet", NIGHT]["first_local_date"] == date(2025, 6, 1)
    assert rows["quiet", NIGHT]["sessions_28d"] == 0
    assert rows["quiet", NIGHT]["days_since_last_session"] is None
    assert rows["back", NIGHT]["days_since_first_event"] == (NIGHT - date(2025, 6, 1)).days


@pytest.mark.parametrize(
    ("entries", "lengths"), [(0, [10]), (40_000_000, [2] * 5), (30_000_000, [3, 3, 3, 1]), (10**10, [1] * 10)]
)
def test_passes_cover_the_range_without_overlap(entries, lengths):
    interval = Interval(NIGHT, NIGHT + timedelta(days=9))
    found = list(passes(interval, entries))
    assert [len(part) for part in found] == lengths
    assert [night for part in found for night in part.nights()] == list(interval.nights())
