"""Airflow on the embedded Postgres: its database and pools, a run's states, and failures that cannot hide."""

import os
import subprocess
import sys
import urllib.request

import pytest

from habitlake.errors import PermanentError
from habitlake.runtime import airflow, airflow_ui, background, postgres
from habitlake.settings import PROJECT_ROOT, Settings


@pytest.fixture
def prepared(services) -> Settings:
    airflow.prepare(services)
    return services


def test_the_pools_are_made(prepared):
    with postgres.connect("airflow", prepared) as connection:
        pools = dict(connection.execute("SELECT pool, slots FROM slot_pool").fetchall())
    assert airflow.POOLS.items() <= pools.items()


def test_a_prepared_world_is_left_alone(prepared):
    stamp = prepared.home / "airflow" / "prepared"
    before = stamp.stat().st_mtime_ns
    airflow.prepare(prepared)
    assert stamp.stat().st_mtime_ns == before


def test_a_failed_task_fails_the_run_with_its_line_and_the_log(prepared, tmp_path):
    """``airflow dags test`` itself would exit with 0."""
    file = tmp_path / "file"
    file.write_text("")
    broken = prepared.model_copy(update={"lake": str(file / "lake"), "landing": str(tmp_path / "landing")})
    told = []
    with pytest.raises(PermanentError, match="nightly failed at") as raised:
        airflow.run_dag(
            "nightly",
            {"start": "2026-03-01", "end": "2026-03-01"},
            broken,
            on_task=lambda task, state, seconds: told.append((task, state)),
        )
    message = str(raised.value)
    assert "error: " in message
    assert "runbooks/night_failed.md" in message
    assert "DAG TEST" not in message, "the error alone, without what Airflow wrote after it"
    assert ("publish_queue", "upstream_failed") in told


def test_a_dag_that_does_not_start_is_an_error(prepared):
    with pytest.raises(PermanentError, match="failed at its start"):
        airflow.run_dag("nightly", {"start": "no date"}, prepared)


def test_the_ui_answers_on_the_loopback_and_goes_down_again(prepared):
    address = airflow_ui.up(prepared)
    try:
        assert airflow_ui.up(prepared) == address
        with urllib.request.urlopen(f"{address}/api/v2/monitor/health", timeout=30) as response:
            assert response.status == 200
        assert airflow_ui.is_running(prepared)
        listening = {
            connection.laddr.ip
            for part in background.running(prepared.run_dir / "airflow.json", "airflow").values()
            for process in (part, *part.children(recursive=True))
            for connection in process.net_connections("tcp")
            if connection.status == "LISTEN"
        }
        assert listening == {"127.0.0.1"}
        assert oct(airflow.password_file(prepared).stat().st_mode)[-3:] == "600"
    finally:
        airflow_ui.down(prepared)
    assert not airflow_ui.is_running(prepared)
    assert not background.answers(airflow.ui_port(prepared))


LOCKED_JOB = """
import sys, time
from habitlake.job import run_job
def run(context):
    print("in", flush=True)
    sys.stdin.readline()
    print("out", flush=True)
sys.exit(run_job("locked", run, description="test", argv=["--start", "2026-03-01"]))
"""


def test_two_runs_of_a_job_exclude_each_other_and_a_killed_one_gives_way(services):
    def start() -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, "-c", LOCKED_JOB],
            cwd=PROJECT_ROOT,
            env={**os.environ, **services.environment()},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    with start() as first:
        assert first.stdout.readline() == "in\n"
        with start() as second:
            assert "waiting" in second.stderr.readline()
            first.kill()
            assert second.stdout.readline() == "in\n"
            second.communicate("go on\n", timeout=60)
        assert second.returncode == 0
