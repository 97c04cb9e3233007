"""The marts, built by dbt on a real server: hand-checked, incremental, refused when wrong, open to analysts alone."""

import shutil
from decimal import Decimal

import psycopg
import pytest

from habitlake.errors import PermanentError
from habitlake.runtime import postgres
from spark_jobs.export.marts import PROJECT, build, run_dbt
from tests.integration.export.marts import contents_of
from tests.integration.export.rows import answer, audit, decision, night, user_day, write


@pytest.fixture
def three_nights(world):
    """5 to 7 January: two people, one late entry, decisions with answers, one refused line a night."""
    write(
        world,
        "gold.user_day",
        [
            user_day(5, "u1", 5, workouts_planned=1, workouts_completed=1, duration_s=1800),
            user_day(5, "u2", 5, workouts_planned=1),
            user_day(6, "u1", 6, workouts_planned=1),
            user_day(7, "u1", 5, workouts_completed=1, duration_s=600),
            user_day(7, "u2", 7, workouts_planned=1, workouts_completed=1, sleep_count=1, sleep_s=27000),
        ],
        5,
        7,
    )
    write(
        world,
        "gold.decisions",
        [
            decision(5, "u1", 6),
            decision(5, "u2", 6, send=False),
            decision(5, "u1", 7),
            decision(6, "u1", 7, action="none", channel=None, send=False, available=False, probability=0.0),
        ],
        5,
        6,
    )
    write(world, "silver.intervention_events", [answer(6, "5-u1-6"), answer(7, "5-u1-6", "opened")], 6, 7)
    write(world, "silver.batch_audit", [audit(day, 10, 8, 1, {"wrong_type": 1}) for day in (5, 6, 7)], 5, 7)
    return world


@pytest.fixture
def contents(query):
    """Every mart's rows, in order."""
    return lambda: contents_of(query)


@pytest.fixture
def project(tmp_path):
    """A copy of the dbt project to break."""
    return shutil.copytree(PROJECT, tmp_path / "dbt")


def change(project, model: str, old: str, new: str) -> None:
    (path,) = (project / "models").rglob(model)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def build_in(world, project, **options) -> int:
    with postgres.connect("habitlake", world) as connection:
        connection.autocommit = True
        return build(connection, world, project=project, **options)


def test_marts_are_right_by_hand_and_every_test_holds(three_nights, export, query):
    query(
        "INSERT INTO ops.nights (batch_date, status, fingerprint, link, manifest, started_at, finished_at)"
        " VALUES (%s, 'done', 'f', 'l', '{}', now(), '2026-01-06 03:00+00')",
        night(5),
    )
    export(5, 7, all_tests=True)
    assert query(
        "SELECT user_id, local_date, known_on, workouts_completed, workout_minutes, sleep_hours"
        " FROM marts.fct_user_day ORDER BY 1, 2"
    ) == [
        ("u1", night(5), night(7), 2, Decimal("40.0"), None),
        ("u1", night(6), night(6), 0, Decimal("0.0"), None),
        ("u2", night(5), night(5), 0, Decimal("0.0"), None),
        ("u2", night(7), night(7), 1, Decimal("0.0"), Decimal("7.50")),
    ]
    assert query(
        "SELECT user_id, iso_week, workouts_planned, workouts_completed, adherence_rate, is_adherent"
        " FROM marts.mart_adherence_weekly ORDER BY 1"
    ) == [("u1", "2026-W02", 2, 2, Decimal("1.000"), True), ("u2", "2026-W02", 2, 1, Decimal("0.500"), False)]
    assert query(
        "SELECT local_date, action, horizon, decided, available, sent, delivered, opened, acted, open_rate"
        " FROM marts.mart_intervention_funnel ORDER BY 1, 2"
    ) == [
        (night(6), "encouragement", 0, 2, 2, 1, 1, 1, 0, Decimal("1.0000")),
        (night(7), "encouragement", 1, 1, 1, 1, 0, 0, 0, None),
        (night(7), "none", 0, 1, 0, 0, 0, 0, 0, None),
    ]
    assert query(
        "SELECT batch_date, night_status, hours_to_finish, raw_lines, rejected_reasons, decisions, decisions_sent"
        " FROM marts.mart_pipeline_health ORDER BY 1"
    ) == [
        (night(5), "done", Decimal("3.00"), 10, {"wrong_type": 1}, 2, 1),
        (night(6), None, None, 10, {"wrong_type": 1}, 1, 0),
        (night(7), None, None, 10, {"wrong_type": 1}, 0, 0),
    ]


def test_incremental_builds_equal_a_full_one(three_nights, export, query, contents):
    export(5, 7)
    # A late entry, an answer to an old decision.
    write(three_nights, "gold.user_day", [user_day(8, "u2", 6, workouts_completed=1)], 8)
    write(three_nights, "silver.intervention_events", [answer(8, "5-u1-6", "acted", rating=4.0)], 8)
    export(8)
    # A repair: night 6 has other facts and decisions than before, and less of them; night 5 loses a person.
    write(three_nights, "gold.user_day", [user_day(6, "u2", 6, workouts_planned=1)], 6)
    write(three_nights, "gold.decisions", [decision(6, "u2", 8)], 6)
    write(three_nights, "silver.batch_audit", [audit(6, 3, 3)], 6)
    write(three_nights, "gold.user_day", [user_day(5, "u2", 5, workouts_planned=1)], 5)
    write(three_nights, "gold.user_day", [user_day(7, "u2", 7)], 7)
    export(8)
    incremental = contents()
    assert not query("SELECT 1 FROM marts.fct_user_day WHERE user_id = 'u1'"), "forgotten in the lake, still in a mart"
    assert not query("SELECT 1 FROM marts.mart_adherence_weekly WHERE user_id = 'u1'")
    export(8, full_refresh=True, all_tests=True)
    assert contents() == incremental
    assert query("SELECT acted FROM marts.mart_intervention_funnel WHERE local_date = %s", night(6)) == [(1,)]


def test_a_night_computes_what_changed_and_nothing_else(three_nights, export, query):
    export(5, 7)
    versions = "SELECT user_id, local_date, xmin::text FROM marts.fct_user_day ORDER BY 1, 2"
    before = query(versions)
    write(three_nights, "gold.user_day", [user_day(8, "u1", 6)], 8)
    export(8)
    after = query(versions)
    assert [row[:2] for row, old in zip(after, before, strict=True) if row != old] == [("u1", night(6))]


def test_a_changed_day_is_found_by_index(three_nights, export, query):
    """Through the staging view, too: otherwise each night would read the whole history."""
    export(5, 7)
    with postgres.connect("habitlake", three_nights) as connection:
        connection.execute("SET enable_seqscan = off")
        plan = connection.execute(
            "EXPLAIN SELECT * FROM staging.stg_lake__user_days"
            " WHERE (user_id, local_date) IN (SELECT user_id, local_date FROM lake._changed_days)"
        ).fetchall()
    assert any("gold_user_day_user_id_local_date_idx" in line for (line,) in plan), plan


def test_a_build_that_failed_is_made_good_by_the_next(three_nights, export, query, contents):
    export(5, 7)
    write(three_nights, "gold.user_day", [user_day(5, "u1", 5, events=50)], 5)
    query("UPDATE marts.fct_user_day SET known_on = known_on")
    query("CREATE VIEW marts.blocking AS SELECT 1; ALTER TABLE marts.fct_user_day RENAME COLUMN events TO happenings")
    with pytest.raises(PermanentError, match="fct_user_day"):
        export(7)
    assert query("SELECT count(*) FROM lake._changed_days WHERE user_id = 'u1'") != [(0,)]
    query("ALTER TABLE marts.fct_user_day RENAME COLUMN happenings TO events")
    # Night 5 was copied by the failed run; the next one knows by the keys that were kept.
    export(8)
    assert query("SELECT events FROM marts.fct_user_day WHERE user_id = 'u1' AND local_date = %s", night(5)) == [(51,)]
    incremental = contents()
    export(8, full_refresh=True)
    assert contents() == incremental


def test_other_code_builds_the_whole_history_anew(three_nights, export, query, project):
    export(5, 7)
    change(project, "fct_user_day.sql", "sum(duration_s) / 60.0", "sum(duration_s) / 30.0")
    build_in(three_nights, project)
    assert query("SELECT max(workout_minutes) FROM marts.fct_user_day") == [(Decimal("80.0"),)]


def test_a_broken_contract_is_refused(three_nights, export, project):
    export(5, 7)
    change(project, "mart_adherence_weekly.sql", "to_char(week_start_date, 'IYYY-\"W\"IW')", "week_start_date")
    with pytest.raises(PermanentError, match=r"model mart_adherence_weekly: .*contract"):
        build_in(three_nights, project)


def test_lines_that_do_not_add_up_fail_the_night_and_are_named(three_nights, export):
    write(three_nights, "silver.batch_audit", [audit(7, 10, 8, 0, {"wrong_type": 1})], 7)
    with pytest.raises(PermanentError, match="mart_pipeline_health_every_line_is_accounted_for"):
        export(5, 7)


def test_a_wrong_total_fails_the_test_over_the_whole_history(three_nights, export, query):
    export(5, 7)
    query("DELETE FROM marts.fct_user_day WHERE user_id = 'u2'")
    with pytest.raises(PermanentError, match="fct_user_day_holds_every_event"):
        export(7, all_tests=True)


def test_the_unit_tests_can_fail(three_nights, export, project):
    export(5, 7)
    change(project, "mart_adherence_weekly.sql", "0.8 * workouts_planned", "0.5 * workouts_planned")
    with pytest.raises(PermanentError, match="a_week_without_plan_has_no_rate"):
        build_in(three_nights, project, all_tests=True)


def test_analysts_read_marts_and_nothing_else(three_nights, export):
    export(5, 7)
    with postgres.connect("habitlake", three_nights) as connection:
        connection.autocommit = True
        connection.execute("CREATE TABLE marts.later AS SELECT 1 AS one")
        connection.execute("SET SESSION AUTHORIZATION habitlake_analyst")
        for mart in ("fct_user_day", "mart_user_daily", "mart_adherence_weekly", "mart_pipeline_health"):
            assert connection.execute(f"SELECT count(*) FROM marts.{mart}").fetchone() > (0,)
        assert connection.execute("SELECT one FROM marts.later").fetchone() == (1,)
        for statement in (
            "SELECT 1 FROM lake.gold_user_day",
            "SELECT 1 FROM staging.stg_lake__user_days",
            "SELECT 1 FROM intermediate.int_nights_counted",
            "SELECT 1 FROM ops.nights",
            "DELETE FROM marts.fct_user_day",
            "UPDATE marts.fct_user_day SET events = 0",
            "CREATE TABLE marts.mine (one int)",
            "CREATE TABLE public.mine (one int)",
            "CREATE SCHEMA mine",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)


def test_docs_describe_every_column_and_freshness_is_known(three_nights, export, query):
    import json

    export(5, 7)
    run_dbt(["docs", "generate"], three_nights)
    target = three_nights.home / "dbt" / "target"
    nodes = json.loads((target / "manifest.json").read_text())["nodes"]
    catalog = json.loads((target / "catalog.json").read_text())["nodes"]
    for name, found in catalog.items():
        described = {column for column, about in nodes[name]["columns"].items() if about["description"]}
        assert set(found["columns"]) == described, name
    run_dbt(["source", "freshness"], three_nights)
    query("UPDATE lake._exports SET exported_at = exported_at - interval '80 hours' WHERE table_name = 'gold.user_day'")
    with pytest.raises(PermanentError, match="gold_user_day"):
        run_dbt(["source", "freshness"], three_nights)
