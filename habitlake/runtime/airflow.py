"""Airflow of a world: its environment, its database, and running a DAG in one process."""

import fcntl
import itertools
import json
import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from habitlake.errors import PermanentError
from habitlake.runtime import background, postgres
from habitlake.settings import PROJECT_ROOT, Settings

POOLS = {"spark": 1, "dbt": 1, "feast_writer": 1}
SECRET_NAMES = ("AIRFLOW__CORE__FERNET_KEY", "AIRFLOW__API__SECRET_KEY", "AIRFLOW__API_AUTH__JWT_SECRET")
POLL_S = 0.5
# A line of Airflow's log begins with its time; the lines of a job's error do not.
LOG_LINE = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}")
UI_USER = "admin"
# Of a container: which of its ports are reachable from outside is for whoever runs it to say.
EVERY_INTERFACE = "0.0.0.0"  # noqa: S104


def private_json(path: Path, make: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
    """Return the content of a file that only its owner can read, made the first time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
            with os.fdopen(descriptor, "w") as file:
                json.dump(dict(make()), file)
        return dict(json.loads(path.read_text()))


def _new_secrets() -> dict[str, str]:
    from cryptography.fernet import Fernet

    return {
        SECRET_NAMES[0]: Fernet.generate_key().decode(),
        **{name: secrets.token_urlsafe(48) for name in SECRET_NAMES[1:]},
    }


def ui_port(settings: Settings) -> int:
    """Return the port of the Airflow UI, chosen free the first time and kept."""
    return int(private_json(port_file(settings), lambda: {"port": background.free_port()})["port"])


def port_file(settings: Settings) -> Path:
    """Return the file that keeps the port of the UI."""
    return settings.run_dir / "airflow-port.json"


def password_file(settings: Settings) -> Path:
    """Return the file with the UI's password, generated the first time; its owner alone may read it."""
    path = settings.home / "airflow" / "passwords.json"
    private_json(path, lambda: {UI_USER: secrets.token_urlsafe(12)})
    return path


def environment(settings: Settings) -> dict[str, str]:
    """Return the environment of every Airflow process of this world; secrets are made once and kept private."""
    keys = private_json(settings.run_dir / "secrets.json", _new_secrets)
    url = urlsplit(settings.airflow_url or f"http://127.0.0.1:{ui_port(settings)}")
    home = settings.home / "airflow"
    return {
        # Parts of Airflow on several machines share keys, which then come from the environment.
        **keys,
        **os.environ,
        # Airflow starts parts of itself as `airflow`, found on the path.
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        "AIRFLOW_HOME": str(home),
        **settings.environment(),
        "PYTHONPATH": str(PROJECT_ROOT),
        "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT_ROOT / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "true",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url.geturl()}/execution/",
        "AIRFLOW__CORE__AUTH_MANAGER": "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{UI_USER}:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(password_file(settings)),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": postgres.url("airflow", settings, driver="postgresql+psycopg2"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": postgres.url(
            "airflow", settings, driver="postgresql+psycopg_async"
        ),
        "AIRFLOW__API__HOST": EVERY_INTERFACE if settings.airflow_url else "127.0.0.1",
        "AIRFLOW__API__PORT": str(url.port or 80),
        "AIRFLOW__API__BASE_URL": url.geturl(),
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
        "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "false",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "false",
    }


def command(*arguments: str) -> list[str]:
    """Return the command line of an Airflow command in this environment."""
    return [sys.executable, "-m", "airflow", *arguments]


def _run(arguments: list[str], settings: Settings) -> None:
    result = subprocess.run(
        command(*arguments), env=environment(settings), cwd=PROJECT_ROOT, capture_output=True, text=True, check=False
    )
    if result.returncode != 0:
        msg = f"airflow {' '.join(arguments[:2])} failed:\n{(result.stderr or result.stdout).strip()[-1500:]}"
        raise PermanentError(msg)


def prepare(settings: Settings) -> None:
    """Bring Airflow's database up to date and make the pools, once per version of Airflow.

    Raises
    ------
    PermanentError
        If Airflow's own command fails; the message ends with its output.
    """
    import importlib.metadata

    stamp = settings.home / "airflow" / "prepared"
    version = f"{importlib.metadata.version('apache-airflow')} {sorted(POOLS.items())}"
    if stamp.exists() and stamp.read_text() == version:
        return
    stamp.parent.mkdir(parents=True, exist_ok=True)
    _run(["db", "migrate"], settings)
    pools = stamp.with_name("pools.json")
    pools.write_text(
        json.dumps(
            {name: {"slots": slots, "description": "", "include_deferred": False} for name, slots in POOLS.items()}
        )
    )
    _run(["pools", "import", str(pools)], settings)
    stamp.write_text(version)


def task_states(dag_id: str, run_id: str, settings: Settings) -> dict[str, tuple[str, float]]:
    """Return per task its state and its seconds, from Airflow's database, in order of their start."""
    with postgres.connect("airflow", settings) as connection:
        rows = connection.execute(
            "SELECT task_id, coalesce(state, 'waiting'), coalesce(duration, 0) FROM task_instance"
            " WHERE dag_id = %s AND run_id = %s ORDER BY start_date NULLS LAST",
            [dag_id, run_id],
        ).fetchall()
    return {task: (state, float(seconds)) for task, state, seconds in rows}


def _newest_run(dag_id: str, since: datetime, settings: Settings) -> str | None:
    with postgres.connect("airflow", settings) as connection:
        row = connection.execute(
            "SELECT run_id FROM dag_run WHERE dag_id = %s AND start_date >= %s ORDER BY start_date DESC LIMIT 1",
            [dag_id, since],
        ).fetchone()
    return row[0] if row else None


def run_dag(
    dag_id: str, params: Mapping[str, str], settings: Settings, on_task: Callable[[str, str, float], None] | None = None
) -> dict[str, tuple[str, float]]:
    """Run a DAG to its end in a process of its own, with its run kept in Airflow's database.

    Parameters
    ----------
    on_task
        Called with task, state and seconds as each task ends.

    Returns
    -------
    dict
        State and seconds per task.

    Raises
    ------
    PermanentError
        If a task did not succeed; the message holds the last lines of the run's log.
    """
    started = datetime.now(UTC)
    log = settings.home / "airflow" / "logs" / f"{dag_id}-{started:%Y%m%dT%H%M%S%f}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    arguments = ["dags", "test", dag_id, started.isoformat(), "--conf", json.dumps(dict(params))]
    dagfile = PROJECT_ROOT / "dags" / f"{dag_id}.py"
    with (
        log.open("w") as output,
        subprocess.Popen(
            command(*arguments, "--dagfile-path", str(dagfile)),
            env=environment(settings),
            cwd=PROJECT_ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        told: set[str] = set()
        run_id: str | None = None
        while True:
            ended = process.poll() is not None
            run_id = run_id or _newest_run(dag_id, started, settings)
            states = task_states(dag_id, run_id, settings) if run_id else {}
            for task, (state, seconds) in states.items():
                if task not in told and state in ("success", "failed", "upstream_failed", "skipped"):
                    told.add(task)
                    if on_task is not None:
                        on_task(task, state, seconds)
            if ended:
                break
            time.sleep(POLL_S)
    failed = [task for task, (state, _) in states.items() if state != "success"]
    # The command's own exit code does not tell; the states in the database do.
    if failed or not states:
        tail = _error_lines(log)
        msg = (
            f"{dag_id} failed at {failed[0] if failed else 'its start'} ({params}):\n{tail}\n"
            f"log: {log}; what to do: docs/runbooks/night_failed.md"
        )
        raise PermanentError(msg)
    return states


def _error_lines(log: Path, lines: int = 25) -> str:
    """Return what the failed job wrote last: its error up to Airflow's own next line, else the tail of the log."""
    text = log.read_text(errors="replace").splitlines()
    for index in range(len(text) - 1, -1, -1):
        if "error: " in text[index]:
            rest = itertools.takewhile(lambda line: not LOG_LINE.match(line), text[index + 1 : index + lines])
            return "\n".join([text[index], *rest])
    return "\n".join(text[-lines:])
