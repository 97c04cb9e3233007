"""Processes and services for tests on the real engines."""

import os
import subprocess
from collections.abc import Callable

import pytest

from habitlake.cli.lake import table_hashes
from habitlake.clock import Interval
from habitlake.runtime import job_server, postgres, spark_server
from habitlake.settings import PROJECT_ROOT, Settings
from tests.conftest import settings_in

Run = Callable[..., subprocess.CompletedProcess]


def environment(settings: Settings) -> dict[str, str]:
    """The environment in which a process works on these settings."""
    return {**os.environ, **settings.environment()}


@pytest.fixture(scope="session")
def job(world_home) -> Run:
    """Run a job on settings as the DAGs do, forked by the run's job server; a failure shows what the job wrote."""
    shared = settings_in(world_home, world_home)
    job_server.ensure(shared)

    def run(settings: Settings, module: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess:
        result = job_server.run_to_end(
            [module, *arguments], PROJECT_ROOT, job_server.socket_path(world_home), environment(settings)
        )
        if check and result.returncode != 0:
            pytest.fail(f"{module} {arguments} ended with {result.returncode}:\n{result.stderr[-3000:]}")
        return result

    return run


@pytest.fixture(scope="session")
def engines(world_home) -> None:
    """The shared Postgres and Spark server, running."""
    shared = settings_in(world_home, world_home)
    postgres.start(shared)
    spark_server.ensure(shared)


@pytest.fixture
def services(settings, engines) -> Settings:
    """Settings of a fresh lake on the running engines."""
    # A test may have stopped them.
    spark_server.ensure(settings)
    return settings


def content(settings: Settings, *layers: str) -> dict[str, tuple[int, str]]:
    """Rows and hash of every table of the layers."""
    return {
        name: (found["rows"], found["hash"])
        for name, found in table_hashes(settings).items()
        if not layers or name.split(".")[0] in layers
    }


@pytest.fixture(scope="session")
def hashes():
    """The content of a lake, to compare with another's."""
    return content


def arguments(interval: Interval) -> list[str]:
    """An interval as job arguments."""
    return ["--start", str(interval.start), "--end", str(interval.end)]
