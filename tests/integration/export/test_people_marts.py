"""Marts over many people: hand-checked on nine of them, and the same whether built night by night or at once."""

from decimal import Decimal

import pytest

from habitlake.cli.lake import query as query_lake
from habitlake.runtime import postgres
from tests.integration.export.marts import contents_of, example_queries, tutorial_queries
from tests.integration.export.product import write_product
from tests.integration.export.rows import analytics, habit, night, profile, user_day, workout, write

PEOPLE = [f"u{number}" for number in range(8)]
SUNDAYS = (11, 18, 25)


def write_nights(settings, people: list[str], extra: list[dict], last: int = 31) -> None:
    """Four weeks from Monday 5 January: each person plans on Tuesday and Friday; even ones do both, odd ones one."""
    days, workouts = list(extra), []
    for day in range(5, last + 1):
        for number, user in enumerate(people):
            planned = day % 7 in (6, 2)
            done = planned and (number % 2 == 0 or day % 7 == 6)
            if planned or day == 5 + number % 3:
                days.append(user_day(day, user, day, workouts_planned=int(planned), workouts_completed=int(done)))
            if planned:
                workouts.append(workout(day, user, f"w{day}", "completed" if done else "skipped", location="home"))
    write(settings, "gold.user_day", days, 5, last)
    write(settings, "silver.workouts", workouts, 5, last)
    write(settings, "silver.profiles", [profile(6, user, subscription_tier="free") for user in people], 5, 10)
    points = [habit(day, user, day - 4, day / 40) for day in range(5, last + 1) for user in people]
    write(settings, "gold.habit_state", points, 5, last)
    weeks = [
        analytics(day, user, goal_progress=float(number % 2)) for day in SUNDAYS for number, user in enumerate(people)
    ]
    write(settings, "gold.user_analytics", weeks, 5, last)
    write_product(settings, people, 5, last)


@pytest.fixture
def four_weeks(world):
    write_nights(world, PEOPLE, [], 30)
    return world


def test_people_by_hand_and_every_way_to_build_is_the_same(four_weeks, export, query):
    export(5, 30)
    assert query(
        "SELECT weeks_since_start, people, retained, retained_share FROM marts.mart_retention_weekly ORDER BY 1"
    ) == [(week, 8, 8, Decimal("1.0000")) for week in range(4)]
    # Even ones 2 of 2, odd ones 1 of 2, in the baseline and after it.
    assert query(
        "SELECT week_start_date, people, baseline_adherence, adherence, baseline_sessions, people_followed"
        " FROM marts.mart_adherence_improvement"
    ) == [(night(26), 8, Decimal("0.7500"), Decimal("0.7500"), Decimal("1.500"), 8)]
    assert query("SELECT status, context_id, count(*) FROM marts.fct_workout GROUP BY 1, 2 ORDER BY 1") == [
        ("completed", "midday/unknown/home/unknown", 48),
        ("skipped", "midday/unknown/home/unknown", 16),
    ]
    # Each week of the habit is looked at, the days between are not.
    assert query("SELECT days_since_start, people, mean_strength FROM marts.mart_habit_formation ORDER BY 1") == [
        (7, 8, Decimal("0.2750")),
        (14, 8, Decimal("0.4500")),
        (21, 8, Decimal("0.6250")),
    ]
    assert query(
        "SELECT goal, people, reached FROM marts.mart_goal_achievement WHERE week_end_date = %s", night(18)
    ) == [("main", 8, 4)]

    # One more night: a first day that arrives late, a person whose first day was earlier than thought, another tier.
    late = [user_day(31, "u8", 14), user_day(31, "u0", 3), user_day(31, "u3", 29, workouts_planned=1)]
    write_nights(four_weeks, PEOPLE, late)
    write(four_weeks, "silver.profiles", [profile(31, "u1", subscription_tier="premium")], 31)
    export(31)
    assert query("SELECT valid_from, valid_to, is_current FROM marts.dim_user WHERE user_id = 'u1' ORDER BY 1") == [
        (night(6), night(31), False),
        (night(31), None, True),
    ]
    incremental = contents_of(query)
    assert query("SELECT DISTINCT people FROM marts.mart_retention_weekly ORDER BY 1") == [(7,), (None,)]

    # A person is forgotten: every night is rewritten without them.
    write_nights(four_weeks, [user for user in PEOPLE if user != "u2"], late)
    write(four_weeks, "silver.profiles", [profile(31, "u1", subscription_tier="premium")], 31)
    export(31)
    forgotten = contents_of(query)
    assert forgotten != incremental
    assert not [mart for mart, rows in forgotten.items() if "'u2'" in repr(rows)]
    export(31, full_refresh=True, all_tests=True)
    assert contents_of(query) == forgotten


def test_example_queries_and_tutorials_run_as_analyst(four_weeks, export):
    export(5, 30)
    with postgres.connect("habitlake", four_weeks) as connection:
        connection.execute("SET SESSION AUTHORIZATION habitlake_analyst")
        for mart, statement in example_queries().items():
            assert connection.execute(statement).description, mart
        tutorials = tutorial_queries()
        assert len(tutorials) == 5
        for reads_lake, statement, answer in tutorials:
            if reads_lake:
                columns, _ = query_lake(statement, four_weeks)
            else:
                columns = [column.name for column in connection.execute(statement).description]
            assert columns == answer
