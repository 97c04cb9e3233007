"""The shared vocabulary and the command line load no engine, so that every command starts at once."""

import json
import pkgutil
import subprocess
import sys

import pytest

import habitlake
from habitlake.settings import PROJECT_ROOT

ENGINES = {
    "airflow",
    "delta",
    "deltalake",
    "duckdb",
    "feast",
    "great_expectations",
    "mlflow",
    "pandas",
    "pyspark",
    "sklearn",
    "tensorflow",
    "xgboost",
}
# Running a package means to run it; importing is for the others.
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(habitlake.__path__, "habitlake.")
    if not module.name.endswith("__main__")
)


def engines_loaded_by(statement: str) -> set[str]:
    report = "import json, sys; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    result = subprocess.run(
        [sys.executable, "-c", f"{statement}\n{report}"], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True
    )
    return set(json.loads(result.stdout)) & ENGINES


def test_no_module_of_the_vocabulary_loads_an_engine():
    found = engines_loaded_by("\n".join(f"import {module}" for module in MODULES))
    if found:
        guilty = {module: sorted(engines_loaded_by(f"import {module}")) for module in MODULES}
        pytest.fail(f"engines at module level: { {name: loaded for name, loaded in guilty.items() if loaded} }")


def test_the_check_sees_an_engine():
    assert engines_loaded_by("import duckdb") == {"duckdb"}


def test_the_modules_are_found():
    assert {"habitlake.settings", "habitlake.contracts.workout", "habitlake.runtime.spark_server"} <= set(MODULES)
