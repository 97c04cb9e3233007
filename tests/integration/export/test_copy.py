"""Changed partitions to Postgres, on a real lake and a real server."""

import psycopg
import pytest

from habitlake.clock import Interval
from habitlake.errors import PermanentError
from habitlake.runtime import postgres
from spark_jobs.export.copy import bulk_connection, export_table, prepare
from spark_jobs.export.marts import marts_lock
from spark_jobs.export.tables import EXPORTED
from tests.integration.export.rows import answer, audit, decision, night, user_day, write


@pytest.fixture
def copy(world):
    """Copy one table for nights of January; return (nights, rows)."""

    def copy_table(name: str, first: int, last: int | None = None) -> tuple[int, int]:
        with postgres.connect("habitlake", world) as connection:
            connection.autocommit = True
            prepare(connection, EXPORTED)
        with bulk_connection(world) as bulk:
            return export_table(bulk, name, Interval(night(first), night(last or first)), world)

    return copy_table


def test_every_type_arrives_and_personal_columns_do_not(world, copy, query):
    write(
        world, "gold.decisions", [decision(5, "u1", 6, message="Hi Anna", unavailable_reasons=["asleep", "muted"])], 5
    )
    write(world, "silver.batch_audit", [audit(5, 4, 1, 1, {"wrong_type": 2})], 5)
    copy("gold.decisions", 5)
    copy("silver.batch_audit", 5)
    assert query(
        "SELECT user_id, local_date, horizon, send, probability, unavailable_reasons FROM lake.gold_decisions"
    ) == [("u1", night(6), 0, True, 0.5, ["asleep", "muted"])]
    assert query("SELECT raw_count, reasons FROM lake.silver_batch_audit") == [(4, '{"wrong_type": 2}')]
    with pytest.raises(psycopg.errors.UndefinedColumn):
        query("SELECT message FROM lake.gold_decisions")


def test_twice_is_once_and_other_nights_are_left_alone(world, copy, query):
    write(world, "gold.user_day", [user_day(day, "u1", day) for day in (5, 6, 7)], 5, 7)
    assert copy("gold.user_day", 5, 7) == (3, 3)
    before = query("SELECT batch_date, _exported_at FROM lake.gold_user_day ORDER BY 1")
    assert copy("gold.user_day", 7) == (1, 1)
    after = query("SELECT batch_date, _exported_at FROM lake.gold_user_day ORDER BY 1")
    assert after[:2] == before[:2]
    assert after[2][1] > before[2][1]
    assert len(after) == 3


def test_an_export_after_a_repair_moves_what_the_repair_changed(world, copy, query):
    write(world, "gold.user_day", [user_day(day, "u1", day) for day in (5, 6, 7)], 5, 7)
    copy("gold.user_day", 5, 7)
    write(world, "gold.user_day", [user_day(6, "u1", 6, events=9), user_day(6, "u2", 6)], 6)
    write(world, "gold.user_day", [], 5)
    assert copy("gold.user_day", 7) == (3, 3)
    assert query("SELECT batch_date, user_id, events FROM lake.gold_user_day ORDER BY 1, 2") == [
        (night(6), "u1", 9),
        (night(6), "u2", 1),
        (night(7), "u1", 1),
    ]


def test_keys_of_rows_that_went_and_that_came_are_kept(world, copy, query):
    write(world, "gold.user_day", [user_day(6, "gone", 5)], 6)
    copy("gold.user_day", 6)
    query("TRUNCATE lake._changed_days, lake._changed_nights")
    write(world, "gold.user_day", [user_day(6, "came", 4)], 6)
    copy("gold.user_day", 6)
    assert query("SELECT user_id, local_date FROM lake._changed_days ORDER BY 1") == [
        ("came", night(4)),
        ("gone", night(5)),
    ]
    assert query("SELECT batch_date FROM lake._changed_nights") == [(night(6),)]


def test_an_answer_is_traced_to_the_date_of_its_decision(world, copy, query):
    write(world, "gold.decisions", [decision(5, "u1", 6)], 5)
    copy("gold.decisions", 5)
    query("TRUNCATE lake._changed_decision_dates")
    write(world, "silver.intervention_events", [answer(9, "5-u1-6"), answer(9, "5-nobody-6")], 9)
    copy("silver.intervention_events", 9)
    assert query("SELECT local_date FROM lake._changed_decision_dates") == [(night(6),)]


def test_a_refused_copy_changes_nothing(world, copy, query):
    write(world, "gold.user_day", [user_day(5, "u1", 5, events=3)], 5)
    copy("gold.user_day", 5)
    query("TRUNCATE lake._changed_days")
    write(world, "gold.user_day", [user_day(5, "u1", 5), user_day(5, "u1", 5)], 5)
    with pytest.raises(PermanentError, match="gold_user_day_pkey"):
        copy("gold.user_day", 5)
    assert query("SELECT events FROM lake.gold_user_day") == [(3,)]
    assert query("SELECT * FROM lake._changed_days") == []
    # What was not copied is still to copy, whatever the interval.
    write(world, "gold.user_day", [user_day(5, "u1", 5, events=4)], 5)
    assert copy("gold.user_day", 8) == (2, 1)
    assert query("SELECT events FROM lake.gold_user_day") == [(4,)]


def test_a_table_of_another_shape_is_made_and_copied_anew(world, copy, query):
    write(world, "gold.user_day", [user_day(day, "u1", day) for day in (5, 6)], 5, 6)
    copy("gold.user_day", 5, 6)
    query("ALTER TABLE lake.gold_user_day DROP COLUMN steps")
    assert copy("gold.user_day", 6) == (2, 2)
    assert query("SELECT sum(steps) FROM lake.gold_user_day") == [(0,)]


def test_one_build_of_the_marts_at_a_time(world):
    with postgres.connect("habitlake", world) as first, postgres.connect("habitlake", world) as second:
        attempt = "SELECT pg_try_advisory_lock(hashtext('habitlake.marts'))"
        with marts_lock(first):
            assert second.execute(attempt).fetchone() == (False,)
        assert second.execute(attempt).fetchone() == (True,)
