"""A world written by hand on the shared Postgres, and its pages."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from habitlake.report.write import write_night, write_person
from habitlake.runtime import postgres
from habitlake.settings import Settings
from tests.conftest import settings_in
from tests.integration.report.rows import HERO, NIGHT, write_world


@pytest.fixture(scope="package")
def world(world_home, tmp_path_factory) -> Iterator[Settings]:
    settings = settings_in(world_home, tmp_path_factory.mktemp("report"))
    postgres.start(settings)
    write_world(settings)
    yield settings
    with postgres.connect("habitlake", settings) as connection:
        connection.execute("DROP SCHEMA IF EXISTS marts CASCADE")
        connection.execute("DELETE FROM ops.nights")


@pytest.fixture(scope="package")
def pages(world, tmp_path_factory) -> dict[str, Path]:
    """The page of the night, of the person, and of the night in a world where nothing but the ledger is filled."""
    folder = tmp_path_factory.mktemp("pages")
    empty = world.model_copy(update={"lake": str(folder / "empty")})
    return {
        "night": write_night(world, NIGHT, folder / "night.html").path,
        "person": write_person(world, HERO, NIGHT, folder / "person.html").path,
        "empty": write_night(empty, NIGHT, folder / "empty.html").path,
    }
