"""A process that has loaded the libraries of the jobs and forks one for each job: a small night is mostly imports.

Only libraries are loaded before the fork, none of the platform's own modules, so a job runs the code that is on the disk
now; and none that starts threads on import which a fork would miss. Where no server runs (another system than Linux, a
cluster, a socket path that is too long) a job is a Python process of its own, as it would be by hand; nothing else
differs.

``python -m habitlake.runtime.job_server SOCKET IDENTITY``
"""

import atexit
import contextlib
import gc
import hashlib
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol

from habitlake.runtime import background

if TYPE_CHECKING:
    from habitlake.settings import Settings

MODULE = "habitlake.runtime.job_server"
# In the order in which a night needs them, so that the first job of a world finds its own loaded already.
LIBRARIES = (
    "structlog",
    "pydantic_settings",
    "psycopg",
    "pyspark.sql.connect.session",
    "duckdb",
    "pandas",
    "great_expectations",
    "feast",
    "sklearn.linear_model",
    "xgboost",
    "mlflow",
    "dbt.cli.main",
    "jinja2",
)
LONGEST_SOCKET_PATH = 100
REQUEST_LIMIT = 1 << 20
STDOUT_AND_STDERR = (1, 2)


class Job(Protocol):
    """What a caller needs of a running job; a ``subprocess.Popen`` is one."""

    pid: int
    stdout: Any

    def wait(self) -> int:
        """Return the exit code once the job has ended."""


# --- the side of whoever runs a job ---------------------------------------------------------------------------------


class ForkedJob:
    """A job that the server forked; its output arrives in ``stdout``."""

    def __init__(self, connection: socket.socket, stdout: Any) -> None:
        self._replies = connection.makefile("r", encoding="utf-8")
        self.stdout = stdout
        self.pid: int = json.loads(self._replies.readline())["pid"]

    def wait(self) -> int:
        """Return the exit code once the job has ended; 1 if the server went away before it could tell."""
        reply = self._replies.readline()
        return int(json.loads(reply)["returncode"]) if reply else 1


def start_job(
    command: Sequence[str],
    folder: Path,
    server: Path | None = None,
    errors: IO[str] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Job:
    """Start ``python -m`` with the command's module and arguments, forked by the server when one answers.

    Parameters
    ----------
    server
        Socket of the server; None for a process of its own.
    errors
        Open file for what the job writes to its standard error; None puts it between its output.
    environment
        The job's environment; None is that of this process.

    Returns
    -------
    Job
        Leads a process group of its own; ``stdout`` holds its output as text.
    """
    variables = dict(os.environ if environment is None else environment)
    if server is not None and server.exists():
        with contextlib.suppress(OSError, ValueError):
            return _ask(server, command, folder, errors, variables)
    return subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=folder,
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if errors is None else errors,
        text=True,
        start_new_session=True,
    )


def run_to_end(
    command: Sequence[str], folder: Path, server: Path | None = None, environment: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run a job as ``start_job`` starts it until it has ended; return its exit code, its output and its errors."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as errors:
        job = start_job(command, folder, server, errors, environment)
        with job.stdout as stream:
            output = stream.read()
        code = job.wait()
        errors.seek(0)
        return subprocess.CompletedProcess(list(command), code, output, errors.read())


def _ask(
    server: Path, command: Sequence[str], folder: Path, errors: IO[str] | None, environment: Mapping[str, str]
) -> ForkedJob:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.connect(str(server))
    reading, writing = os.pipe()
    try:
        request = {"command": list(command), "folder": str(folder), "environment": environment}
        payload = json.dumps(request).encode() + b"\n"
        socket.send_fds(connection, [payload[:1]], [writing, writing if errors is None else errors.fileno()])
        connection.sendall(payload[1:])
    finally:
        os.close(writing)
    return ForkedJob(connection, os.fdopen(reading, "r", encoding="utf-8", errors="replace"))


# --- the life of the server in a world ------------------------------------------------------------------------------


def socket_path(home: Path) -> Path:
    """Return where the world's server listens."""
    return home / "run" / "jobs.sock"


def ensure(settings: "Settings") -> None:
    """Start the world's server unless it runs with the libraries that are installed now; it loads them meanwhile."""
    from habitlake.settings import PROJECT_ROOT

    path = socket_path(settings.home)
    if sys.platform != "linux" or len(str(path)) > LONGEST_SOCKET_PATH:
        return
    identity = hashlib.sha256((PROJECT_ROOT / "requirements.lock").read_bytes()).hexdigest()[:16]
    if background.running(_pid_file(settings), identity):
        return
    stop(settings)
    # Great Expectations reads its switch while it is imported, which is here and not in the job.
    environment = {**os.environ, "PYTHONPATH": str(PROJECT_ROOT), "GX_ANALYTICS_ENABLED": "false"}
    command = [sys.executable, "-m", MODULE, str(path), identity]
    process = background.start(command, environment, settings.home / "logs" / "job-server.log")
    background.remember({"jobs": process.pid}, _pid_file(settings))


def stop(settings: "Settings") -> None:
    """Stop the world's server and the jobs that it runs."""
    background.stop(_pid_file(settings), MODULE)
    socket_path(settings.home).unlink(missing_ok=True)


def _pid_file(settings: "Settings") -> Path:
    return settings.run_dir / "jobs.json"


# --- the server ------------------------------------------------------------------------------------------------------


def serve(path: Path, libraries: Sequence[str] = LIBRARIES) -> None:
    """Listen and fork until the process is stopped; the libraries are loaded between requests."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    children: dict[int, socket.socket] = {}
    woken, wake = socket.socketpair()
    for end in (woken, wake):
        end.setblocking(False)
    signal.set_wakeup_fd(wake.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener, selectors.DefaultSelector() as selector:
        previous = os.umask(0o177)
        listener.bind(str(path))
        os.umask(previous)
        listener.listen()
        selector.register(listener, selectors.EVENT_READ)
        selector.register(woken, selectors.EVENT_READ)
        loading = _load(libraries)
        while True:
            more = next(loading, None)
            for key, _ in selector.select(timeout=0 if more else None):
                if key.fileobj is woken:
                    woken.recv(1024)
                else:
                    connection, _ = listener.accept()
                    with contextlib.suppress(OSError, ValueError, KeyError):
                        children[_fork(connection, (listener, woken, wake, *children.values()))] = connection
            _reap(children)


def _load(libraries: Sequence[str]) -> Iterator[str]:
    """Load one library after another; one that is not there is left to the job that wants it."""
    for library in libraries:
        with contextlib.suppress(ImportError):
            importlib.import_module(library)
        yield library
    gc.collect()
    gc.freeze()


def _reap(children: dict[int, socket.socket]) -> None:
    """Tell the exit codes of the jobs that have ended."""
    for pid in list(children):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            _reply(children.pop(pid), returncode=os.waitstatus_to_exitcode(status))


def _reply(connection: socket.socket, **values: int) -> None:
    # Whoever asked may be gone; the job goes on as one in a session of its own would.
    with contextlib.suppress(OSError):
        connection.sendall(json.dumps(values).encode() + b"\n")


def _fork(connection: socket.socket, inherited: Sequence[socket.socket]) -> int:
    request, outputs = _receive(connection)
    pid = os.fork()
    if pid == 0:
        for other in (connection, *inherited):
            other.close()
        _become(request, outputs)
    for output in outputs:
        os.close(output)
    _reply(connection, pid=pid)
    return pid


def _receive(connection: socket.socket) -> tuple[Mapping[str, Any], Sequence[int]]:
    connection.settimeout(10)
    payload, outputs, _, _ = socket.recv_fds(connection, REQUEST_LIMIT, len(STDOUT_AND_STDERR))
    while not payload.endswith(b"\n"):
        part = connection.recv(REQUEST_LIMIT)
        if not part:
            for output in outputs:
                os.close(output)
            raise ValueError
        payload += part
    connection.settimeout(None)
    return json.loads(payload), outputs


def _become(request: Mapping[str, Any], outputs: Sequence[int]) -> None:
    """Turn this fork into the job: its session, output, environment and folder; never return."""
    code = 1
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for output, stream in zip(outputs, STDOUT_AND_STDERR, strict=True):
            os.dup2(output, stream)
            os.close(output)
        os.environ.clear()
        os.environ.update(request["environment"])
        os.chdir(request["folder"])
        sys.path[0] = request["folder"]
        for name in [name for name in sys.modules if name.split(".")[0] == "habitlake"]:
            del sys.modules[name]
        module, *arguments = request["command"]
        sys.argv = [module, *arguments]
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as ending:
        code = ending.code if isinstance(ending.code, int) else int(ending.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        _end(code)


def _end(code: int) -> None:
    # The interpreter's own end is skipped: libraries that were loaded and not used would be taken apart for nothing.
    with contextlib.suppress(BaseException):
        atexit._run_exitfuncs()  # noqa: SLF001 - what the interpreter calls at its end
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(BaseException):
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
