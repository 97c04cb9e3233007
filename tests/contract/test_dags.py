"""The DAGs as Airflow loads them: their graph, their documentation, their limits."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from jinja2 import Template

from habitlake.settings import PROJECT_ROOT

DAGS = PROJECT_ROOT / "dags"
GRAPH = {
    "nightly": {
        "open_night": ["ingest"],
        "ingest": ["check_silver"],
        "check_silver": ["build_features"],
        "build_features": ["check_gold"],
        "check_gold": ["build_marts", "materialize", "score", "score_windows"],
        "score": ["decide", "materialize"],
        "score_windows": ["check_queue", "materialize"],
        "decide": ["check_queue"],
        "check_queue": ["publish_queue"],
        "publish_queue": ["build_marts", "close_night"],
        "build_marts": ["write_report"],
        "materialize": ["write_report"],
        "write_report": ["close_night"],
        "close_night": [],
    },
    "retrain": {
        "build_dataset": ["train"],
        "train": ["evaluate"],
        "evaluate": ["promote"],
        "promote": [],
    },
}
# Loaded in a process of its own: Airflow configures itself from the environment at import.
LOADER = """
import json, sys
from datetime import datetime, timezone
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(dag_folder=sys.argv[1])
found = {"errors": bag.import_errors, "dags": {}}
for dag_id, dag in bag.dags.items():
    last = dag.timetable.infer_manual_data_interval(run_after=datetime(2026, 1, 14, 12, tzinfo=timezone.utc))
    found["dags"][dag_id] = {
        "doc": dag.doc_md, "tags": sorted(dag.tags), "max_active_runs": dag.max_active_runs, "catchup": dag.catchup,
        "interval_hours": (last.end - last.start).total_seconds() / 3600,
        "tasks": {task.task_id: {
            "downstream": sorted(task.downstream_task_ids), "owner": task.owner, "retries": task.retries,
            "timeout": bool(task.execution_timeout), "rule": task.trigger_rule.value, "pool": task.pool,
            "module": task.module, "arguments": task.arguments} for task in dag.tasks}}
from common.jobs import JobOperator
for code in ("0", "1", "2", "3"):
    try:
        JobOperator(task_id=f"ends_{code}", module="ends", arguments=[code]).execute({})
        found[code] = None
    except Exception as error:
        found[code] = type(error).__name__
print("RESULT" + json.dumps(found, default=str))
"""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    home = tmp_path_factory.mktemp("airflow")
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        # Airflow itself puts the folder of the DAGs on the path.
        "PYTHONPATH": os.pathsep.join([str(PROJECT_ROOT), str(DAGS), str(home)]),
        "HABITLAKE_HOME": str(home),
    }
    (home / "ends.py").write_text("import sys\nsys.exit(int(sys.argv[1]))\n")
    subprocess.run(
        [sys.executable, "-m", "airflow", "db", "migrate"],
        env=environment,
        check=True,
        capture_output=True,
        timeout=300,
    )
    result = subprocess.run(
        [sys.executable, "-c", LOADER, str(DAGS)],
        env=environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    line = next(line for line in result.stdout.splitlines() if line.startswith("RESULT"))
    return json.loads(line.removeprefix("RESULT"))


def test_every_dag_loads(loaded):
    assert loaded["errors"] == {}
    assert set(loaded["dags"]) == {path.stem for path in DAGS.glob("*.py")} == set(GRAPH)


@pytest.mark.parametrize("dag_id", GRAPH)
def test_the_graph_is_what_was_designed(loaded, dag_id):
    tasks = loaded["dags"][dag_id]["tasks"]
    assert {task: sorted(facts["downstream"]) for task, facts in tasks.items()} == GRAPH[dag_id]
    assert len(tasks) <= 14


@pytest.mark.parametrize("dag_id", GRAPH)
def test_every_dag_and_task_has_what_the_people_on_call_need(loaded, dag_id):
    dag = loaded["dags"][dag_id]
    for heading in ("**Purpose**", "**Type**", "**Owner**", "**Rerun rule**", "**Triage**"):
        assert heading in dag["doc"]
    assert any(tag.startswith("impact/tier_") for tag in dag["tags"])
    assert (dag["max_active_runs"], dag["catchup"]) == (1, False)
    for name, task in dag["tasks"].items():
        assert task["owner"] == "data-platform", name
        assert task["retries"] >= 1, name
        assert task["timeout"], name
        assert "--start" in task["arguments"], name


def test_a_night_is_a_day_and_retraining_is_asked_for_each_day(loaded):
    assert loaded["dags"]["nightly"]["interval_hours"] == 24
    assert loaded["dags"]["retrain"]["interval_hours"] == 24


def test_retraining_asks_whether_it_is_due_by_the_clock_and_not_by_hand(loaded):
    question = loaded["dags"]["retrain"]["tasks"]["build_dataset"]["arguments"][0]
    asked = {
        kind: Template(question).render(dag_run={"run_type": kind}) for kind in ("scheduled", "manual", "backfill")
    }
    assert asked == {"scheduled": "--if-due", "manual": "--anyway", "backfill": "--anyway"}


def test_a_job_that_is_not_due_is_skipped_and_one_that_cannot_succeed_is_not_retried(loaded):
    assert {code: loaded[code] for code in "0123"} == {
        "0": None,
        "1": "RuntimeError",
        "2": "AirflowFailException",
        "3": "AirflowSkipException",
    }


def test_every_task_runs_a_module_that_exists(loaded):
    for dag in loaded["dags"].values():
        for task in dag["tasks"].values():
            path = PROJECT_ROOT / Path(*task["module"].split("."))
            assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), task["module"]


def test_dag_files_are_short_wiring():
    for path in DAGS.glob("*.py"):
        assert len(path.read_text().splitlines()) <= 120, path


def test_facts_are_served_also_when_nothing_was_decided_or_no_window_scored_and_the_night_is_not_closed_then(loaded):
    rules = {name: task["rule"] for name, task in loaded["dags"]["nightly"]["tasks"].items()}
    assert rules.pop("build_marts") == rules.pop("materialize") == "all_done_min_one_success"
    assert set(rules.values()) == {"all_success"}
