"""The marts' part of the shared Postgres, empty for each test, over a lake of the test's own."""

import argparse
from collections.abc import Callable

import pytest

from habitlake.clock import Interval
from habitlake.job import JobContext
from habitlake.log import get_logger
from habitlake.nights.ledger import MIGRATIONS
from habitlake.runtime import postgres
from habitlake.settings import Settings
from spark_jobs.export.run import run
from tests.integration.export.rows import night

SCHEMAS = ("lake", "staging", "intermediate", "marts")


@pytest.fixture
def world(settings) -> Settings:
    """Settings of a fresh lake; nothing exported, nothing built, no night in the ledger."""
    with postgres.connect("habitlake", settings) as connection:
        for schema in SCHEMAS:
            connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
        connection.execute(MIGRATIONS.read_text())
        connection.execute("DELETE FROM ops.nights")
    return settings


@pytest.fixture
def query(world) -> Callable[..., list[tuple]]:
    def ask(statement: str, *parameters) -> list[tuple]:
        with postgres.connect("habitlake", world) as connection:
            cursor = connection.execute(statement, parameters or None)
            return cursor.fetchall() if cursor.description else []

    return ask


@pytest.fixture
def export(world) -> Callable[..., dict]:
    """Run the job in this process for nights of January; return its summary."""

    def run_export(first: int, last: int | None = None, *, full_refresh: bool = False, all_tests: bool = False) -> dict:
        options = argparse.Namespace(full_refresh=full_refresh, all_tests=all_tests)
        interval = Interval(night(first), night(last or first))
        return dict(run(JobContext("export", interval, world, get_logger("export"), options)))

    return run_export
