"""One world for the whole run: one Postgres and one Spark Connect server; each test gets a lake of its own."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

from habitlake.settings import Settings

ORDER = ("unit", "contract", "integration", "e2e")
for name in [key for key in os.environ if key.startswith("HABITLAKE_") and key != "HABITLAKE_REAL_DATA"]:
    del os.environ[name]


def pytest_collection_modifyitems(config, items):
    """Run fast tests first: unit, contract, integration, end to end; of two processes one begins with the last."""
    order = (ORDER[-1], *ORDER[:-1]) if hasattr(config, "workerinput") else ORDER

    def rank(item):
        folder = Path(item.fspath).relative_to(Path(__file__).parent).parts[0]
        return order.index(folder) if folder in order else 0

    items.sort(key=rank)


class Lanes(LoadScopeScheduling):
    """Two processes at most (``-n 2``) share the work: those on the run's engines and those on a world of the real DAGs.

    Each of the two keeps to one process, since its tests share what takes minutes to start; the others go file by file.
    """

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.split("::", 1)[0]
        folder = Path(path).parts[1]
        return folder if folder in ("integration", "e2e") else path


def pytest_xdist_make_scheduler(config, log):
    """Share tests between processes by lane, in their order."""
    config.option.loadscopereorder = False
    return Lanes(config, log)


@pytest.fixture(scope="session")
def world_home() -> Iterator[Path]:
    """A home with its own services; stopped and deleted at the end."""
    home = Path(tempfile.mkdtemp(prefix="habitlake-test-"))
    # The embedded Postgres runs as a user of its own when the tests run as root.
    home.chmod(0o755)
    yield home
    from habitlake.runtime import airflow_ui, job_server, postgres, report_ui, spark_server

    settings = Settings(home=home, _env_file=None)
    report_ui.down(settings)
    airflow_ui.down(settings)
    job_server.stop(settings)
    spark_server.stop(settings)
    postgres.stop(settings)
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data; tests that read it are skipped where it is missing."""
    folder = Settings(_env_file=None).real_data
    if not folder.is_dir():
        pytest.skip(f"real data is not at {folder}; set HABITLAKE_REAL_DATA")
    return folder


def settings_in(home: Path, folder: Path, **changes) -> Settings:
    """Settings of the shared world with landing, lake and outbox in a folder."""
    locations = {part: str(folder / part) for part in ("landing", "lake", "outbox")}
    return Settings(home=home, _env_file=None, spark_driver_memory="3g", **{**locations, **changes})


@pytest.fixture
def make_settings(world_home, tmp_path) -> Callable[..., Settings]:
    """Settings of the shared world with landing, lake and outbox in a folder of the test."""

    def make(name: str = "world", **changes) -> Settings:
        return settings_in(world_home, tmp_path / name, **changes)

    return make


@pytest.fixture(scope="module")
def module_settings(world_home, tmp_path_factory) -> Callable[..., Settings]:
    """The same for a lake that the tests of a module share."""

    def make(name: str = "shared", **changes) -> Settings:
        return settings_in(world_home, tmp_path_factory.mktemp(name), **changes)

    return make


@pytest.fixture
def settings(make_settings) -> Settings:
    """Settings of one fresh lake."""
    return make_settings()
