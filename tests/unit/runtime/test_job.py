"""The one shape of a job: arguments, exit codes, one clear line for an error."""

import errno
from datetime import date

import pytest

from habitlake.clock import Interval
from habitlake.errors import GateFailedError, NothingToDoError, PermanentError, TransientError
from habitlake.job import run_job


def main(run, *argv: str) -> int:
    return run_job("a_job", run, description="test", argv=argv or ("--start", "2026-03-01"), lock=False)


def failing(error: BaseException):
    def run(context):
        raise error

    return run


def test_a_job_gets_its_interval_and_options():
    seen = []

    def add(parser):
        parser.add_argument("--gate")

    def run(context):
        seen.append(context)
        return {"rows": 1}

    argv = ["--start", "2026-03-01", "--end", "2026-03-03", "--gate", "gold"]
    assert run_job("a_job", run, description="test", argv=argv, add_arguments=add, lock=False) == 0
    assert seen[0].interval == Interval(date(2026, 3, 1), date(2026, 3, 3))
    assert seen[0].options.gate == "gold"


def test_the_end_defaults_to_the_start():
    seen = []
    assert main(seen.append) == 0
    assert len(seen[0].interval) == 1


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (PermanentError("no such table"), 2, "no such table"),
        (GateFailedError("refused"), 2, "refused"),
        (TransientError("lost the connection"), 75, "lost the connection"),
        (OSError(errno.ENOSPC, "No space left on device"), 2, "the disk is full"),
        (RuntimeError("SparkException: java.io.IOException: No space left on device"), 2, "the disk is full"),
        (PermissionError(errno.EACCES, "Permission denied", "/closed"), 2, "/closed"),
        (NotADirectoryError(errno.ENOTDIR, "Not a directory", "/file/x"), 2, "/file/x"),
    ],
)
def test_errors_become_exit_codes_and_one_line(capsys, error, code, says):
    assert main(failing(error)) == code
    lines = capsys.readouterr().err.splitlines()
    assert [line for line in lines if line.startswith("error: a_job: ")] == lines
    assert says in lines[0]


def test_a_job_that_was_not_due_is_no_error(capsys):
    assert main(failing(NothingToDoError("not due"))) == 3
    assert "error: " not in capsys.readouterr().err


def test_a_bug_shows_its_traceback():
    with pytest.raises(ZeroDivisionError):
        main(lambda context: 1 / 0)


@pytest.mark.parametrize("argv", [("--start", "2026-02-30"), ("--start", "2026-03-02", "--end", "2026-03-01")])
def test_wrong_dates_are_one_clear_line(capsys, argv):
    assert main(lambda context: None, *argv) == 2
    assert capsys.readouterr().err.startswith("error: a_job: ")


def test_the_start_is_required():
    with pytest.raises(SystemExit) as ended:
        main(lambda context: None, "--end", "2026-03-01")
    assert ended.value.code == 2
