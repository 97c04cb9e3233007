"""The embedded Postgres: start, stop, start again, crash, two at once, a long path."""

import os
import signal
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from habitlake.errors import TransientError
from habitlake.runtime import postgres
from habitlake.settings import PROJECT_ROOT, Settings


@pytest.fixture
def own_world(tmp_path_factory):
    """A world of its own, whose server the test may stop or kill."""
    settings = Settings(home=tmp_path_factory.mktemp("pg") / "home", _env_file=None)
    yield settings
    postgres.stop(settings)


def databases(settings: Settings) -> set[str]:
    with postgres.connect("postgres", settings) as connection:
        return {row[0] for row in connection.execute("SELECT datname FROM pg_database")}


def test_a_start_makes_databases_and_the_analyst(services):
    assert set(postgres.DATABASES) <= databases(services)
    with postgres.connect("habitlake", services) as connection:
        row = connection.execute(
            "SELECT rolcanlogin, rolsuper FROM pg_roles WHERE rolname = %s", [postgres.ANALYST_ROLE]
        ).fetchone()
    assert row == (True, False)


def test_the_server_listens_on_no_port(services):
    with postgres.connect("habitlake", services) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)


def test_sqlalchemy_connects_by_the_url(services):
    import sqlalchemy

    engine = sqlalchemy.create_engine(postgres.url("airflow", services, driver="postgresql+psycopg2"))
    with engine.connect() as connection:
        assert connection.scalar(sqlalchemy.text("SELECT current_database()")) == "airflow"
    engine.dispose()


def test_stop_and_start_again_in_one_process_keeps_the_data(own_world):
    with postgres.connect("habitlake", own_world) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    postgres.stop(own_world)
    assert not postgres.is_running(own_world)
    with pytest.raises(TransientError, match="does not run"):
        postgres.parameters("habitlake", own_world)
    with postgres.connect("habitlake", own_world) as connection:
        assert connection.execute("SELECT number FROM kept").fetchone() == (7,)


def test_a_killed_server_is_started_again_even_if_its_process_id_was_reused(own_world):
    postgres.start(own_world)
    folder = postgres.data_folder(own_world)
    content = (folder / "postmaster.pid").read_text()
    family = psutil.Process(int(content.splitlines()[0]))
    family = [family, *family.children(recursive=True)]
    family[0].send_signal(signal.SIGKILL)
    psutil.wait_procs(family, timeout=20)
    for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
        lines = (folder / name).read_text().splitlines()
        (folder / name).write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    assert not postgres.is_running(own_world)
    assert set(postgres.DATABASES) <= databases(own_world)


def test_two_processes_start_one_server(own_world):
    command = [
        sys.executable,
        "-c",
        """
from habitlake.runtime import postgres
from habitlake.settings import get_settings
postgres.start(get_settings())
print(postgres._process_file(get_settings())[0])
""",
    ]
    environment = {**os.environ, "HABITLAKE_HOME": str(own_world.home)}

    def start(_: int) -> str:
        result = subprocess.run(
            command, cwd=PROJECT_ROOT, env=environment, capture_output=True, text=True, check=True, timeout=120
        )
        return result.stdout.strip()

    with ThreadPoolExecutor(2) as pool:
        assert len(set(pool.map(start, range(2)))) == 1


def test_a_home_too_long_for_a_socket_gets_one_that_its_owner_alone_may_use(tmp_path_factory):
    settings = Settings(home=tmp_path_factory.mktemp("pg") / ("long" * 25), _env_file=None)
    try:
        assert set(postgres.DATABASES) <= databases(settings)
        folder = postgres._socket_folder(settings)
        assert folder is not None
        assert folder != postgres.data_folder(settings)
        assert stat.S_IMODE((folder / ".s.PGSQL.5432").stat().st_mode) == 0o700
    finally:
        postgres.stop(settings)


@pytest.mark.skipif(os.geteuid() != 0, reason="only as root does the server run as another user")
def test_parents_of_home_are_opened_for_passing_through_only(tmp_path_factory):
    closed = tmp_path_factory.mktemp("closed")
    closed.chmod(0o700)
    settings = Settings(home=closed / "home", _env_file=None)
    try:
        postgres.start(settings)
        assert stat.S_IMODE(closed.stat().st_mode) == 0o711
    finally:
        postgres.stop(settings)
