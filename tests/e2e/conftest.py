"""A small world of the real DAGs, shared by every end-to-end test."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from habitlake.runtime import postgres
from habitlake.settings import PROJECT_ROOT, Settings

COMMAND = str(Path(sys.executable).with_name("habitlake"))


class World:
    """A home of its own and the command line on it."""

    def __init__(self, home, **values):
        self.settings = Settings(home=home, _env_file=None)
        self.environment = {**os.environ, "HABITLAKE_HOME": str(home), **values}

    def run(self, *arguments, timeout):
        """A command that has ended, well or not."""
        return subprocess.run(
            [COMMAND, *arguments],
            cwd=PROJECT_ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def __call__(self, *arguments):
        result = self.run(*arguments, timeout=900)
        assert result.returncode == 0, f"{arguments}:\n{result.stdout[-3000:]}\n{result.stderr[-3000:]}"
        return result.stdout

    def module(self, name, *arguments):
        """A job that has ended well."""
        subprocess.run([sys.executable, "-m", name, *arguments], cwd=PROJECT_ROOT, env=self.environment, check=True)

    def json(self, *arguments):
        """The answer of a command for scripts."""
        return json.loads(self(*arguments, "--json"))

    def task_states(self):
        """State of every task instance of Airflow, per DAG run."""
        with postgres.connect("airflow", self.settings) as connection:
            return connection.execute("SELECT dag_id, run_id, task_id, state FROM task_instance").fetchall()


@pytest.fixture(scope="session")
def world():
    """A world of 150 people and 40 nights after its first `habitlake nightly`; its output."""
    home = Path(tempfile.mkdtemp(prefix="habitlake-e2e-"))
    home.chmod(0o755)
    small = World(
        home,
        HABITLAKE_PEOPLE="150",
        HABITLAKE_HISTORY_NIGHTS="40",
        HABITLAKE_DIRT="0.05",
        HABITLAKE_SPARK_DRIVER_MEMORY="3g",
    )
    try:
        small.first_output = small("nightly")
        yield small
    finally:
        small("down")
        shutil.rmtree(home, ignore_errors=True)
