"""Jobs that a server forks are like jobs of their own: code, output, exit codes, signals; and forking is safe."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from habitlake.runtime.job_server import start_job
from habitlake.settings import PROJECT_ROOT

JOB = """
import os, sys
print("argv", sys.argv[1:], "leads its group", os.getpgrp() == os.getpid(), "home", os.environ["JOB_HOME"])
print("in", os.getcwd(), "version 1")
print("to stderr", file=sys.stderr)
sys.exit(3)
"""
SLOW = "import time\nprint('started', flush=True)\ntime.sleep(60)\n"
SERVE = (
    "import sys; from pathlib import Path; from habitlake.runtime.job_server import serve; serve(Path(sys.argv[1]), {})"
)
THREADS = """
import importlib, os
from pathlib import Path
from habitlake.runtime.job_server import LIBRARIES
for library in LIBRARIES:
    importlib.import_module(library)
me = str(os.getpid())
names = {(Path("/proc/self/task") / task / "comm").read_text().strip() for task in os.listdir("/proc/self/task") if task != me}
print(sorted(names))
"""

# Threads of libraries that may be lost by a fork: the allocator starts its own again, and the one of Polars removes files
# that a query too large for memory left behind.
HARMLESS = {"jemalloc_bg_thd", "polars-ooc-clea"}

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere jobs start by themselves")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    path = tmp_path_factory.mktemp("jobs") / "run" / "jobs.sock"
    with subprocess.Popen([sys.executable, "-c", SERVE.format(("json",)), str(path)], cwd=PROJECT_ROOT) as process:
        deadline = time.monotonic() + 20
        while not path.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        yield path
        assert process.poll() is None, "the server went on after everything its jobs did"
        process.terminate()


@pytest.fixture(params=["forked", "by itself"])
def start(request, server, tmp_path, monkeypatch):
    monkeypatch.setenv("JOB_HOME", "of this test")
    path = server if request.param == "forked" else None
    return lambda *command, errors=None: start_job(command, tmp_path, path, errors)


def test_arguments_environment_folder_output_and_exit_code(start, tmp_path):
    (tmp_path / "some_job.py").write_text(JOB)
    job = start("some_job", "--start", "2026-03-01")
    assert sorted(job.stdout.read().splitlines()) == [
        "argv ['--start', '2026-03-01'] leads its group True home of this test",
        f"in {tmp_path} version 1",
        "to stderr",
    ]
    assert job.wait() == 3


def test_errors_go_apart_where_asked(start, tmp_path):
    (tmp_path / "some_job.py").write_text(JOB)
    with (tmp_path / "errors").open("w+") as errors:
        job = start("some_job", errors=errors)
        assert "to stderr" not in job.stdout.read()
        assert job.wait() == 3
    assert (tmp_path / "errors").read_text() == "to stderr\n"


def test_a_job_runs_the_code_that_is_on_the_disk_now(start, tmp_path):
    for version in ("version 1", "version 2"):
        (tmp_path / "changing_job.py").write_text(JOB.replace("version 1", version) + f"# {version}\n")
        job = start("changing_job")
        assert version in job.stdout.read()
        job.wait()
        time.sleep(1.1)


def test_an_exception_is_shown_and_fails(start, tmp_path):
    (tmp_path / "broken_job.py").write_text("raise ValueError('out of order')\n")
    job = start("broken_job")
    assert "ValueError: out of order" in job.stdout.read()
    assert job.wait() == 1


def test_a_killed_job_tells_its_signal_and_leaves_the_others_alone(start, tmp_path):
    (tmp_path / "slow_job.py").write_text(SLOW)
    (tmp_path / "some_job.py").write_text(JOB)
    slow, other = start("slow_job"), start("some_job")
    assert slow.stdout.readline() == "started\n"
    os.killpg(slow.pid, signal.SIGKILL)
    assert slow.wait() == -signal.SIGKILL
    assert other.wait() == 3


def test_a_server_that_is_gone_is_not_missed(tmp_path):
    (tmp_path / "some_job.py").write_text(JOB.replace('os.environ["JOB_HOME"]', "''"))
    stale = tmp_path / "jobs.sock"
    stale.touch()
    job = start_job(["some_job"], tmp_path, stale)
    assert "version 1" in job.stdout.read()
    assert job.wait() == 3


def test_loading_the_libraries_starts_no_threads_that_a_fork_would_lose():
    # Those of linear algebra end before a fork and start again after it; without them the others can be told.
    environment = {**os.environ, "GX_ANALYTICS_ENABLED": "false", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    found = subprocess.run(
        [sys.executable, "-c", THREADS], cwd=PROJECT_ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert set(json.loads(found.stdout.replace("'", '"'))) <= HARMLESS
