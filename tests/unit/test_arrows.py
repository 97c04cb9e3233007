"""DAG files only wire: they import Airflow, the shared vocabulary and what DAGs share, never a stage or an engine."""

import ast
import sys
from pathlib import Path

import pytest

from habitlake.settings import PROJECT_ROOT

DAG_FILES = sorted((PROJECT_ROOT / "dags").rglob("*.py"))
ALLOWED = {"airflow", "common", "habitlake", *sys.stdlib_module_names}


def imported(source: str) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.partition(".")[0])
    return found


def test_there_are_dags():
    assert {"nightly.py", "retrain.py"} <= {path.name for path in DAG_FILES}


@pytest.mark.parametrize("path", DAG_FILES, ids=lambda path: path.name)
def test_a_dag_file_imports_no_stage(path: Path):
    assert imported(path.read_text()) <= ALLOWED


def test_the_check_sees_a_stage():
    assert not imported("from spark_jobs.ingest import run") <= ALLOWED
