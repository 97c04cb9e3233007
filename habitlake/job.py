"""The one shape of a job: ``--start --end``, its lock, its summary, and errors as exit codes."""

import argparse
import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from structlog.stdlib import BoundLogger

from habitlake.clock import Interval
from habitlake.errors import (
    NOTHING_TO_DO_EXIT_CODE,
    PERMANENT_EXIT_CODE,
    TRANSIENT_EXIT_CODE,
    HabitlakeError,
    NothingToDoError,
    TransientError,
    environment_error,
)
from habitlake.log import configure_logging, get_logger
from habitlake.settings import Settings, get_settings

Summary = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class JobContext:
    """What a job gets: its name, its nights, the settings, a logger, and its own options."""

    name: str
    interval: Interval
    settings: Settings
    log: BoundLogger
    options: argparse.Namespace


def run_job(
    name: str,
    run: Callable[[JobContext], Summary | None],
    *,
    description: str,
    argv: Sequence[str] | None = None,
    add_arguments: Callable[[argparse.ArgumentParser], None] | None = None,
    lock: bool = True,
) -> int:
    """Parse the command line, run the job under its lock, log its summary; return the exit code.

    Exit codes: 0 done; 2 a permanent error (one line, a retry cannot help); 3 nothing was due; 75 a passing error; 1 a bug.

    Parameters
    ----------
    lock
        Whether two runs of this job exclude each other; the later one waits.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--start", required=True, help="first night (batch date, YYYY-MM-DD)")
    parser.add_argument("--end", help="last night; default the first")
    if add_arguments is not None:
        add_arguments(parser)
    options = parser.parse_args(argv)
    try:
        settings = get_settings()
        configure_logging(settings.log_level, settings.log_format)
        interval = Interval.parse(options.start, options.end)
        log = get_logger(name).bind(nights=str(interval))
        started = time.monotonic()
        with job_lock(name, settings, log) if lock else contextlib.nullcontext():
            summary = run(JobContext(name, interval, settings, log, options)) or {}
        log.info("done", seconds=round(time.monotonic() - started, 2), **summary)
    except NothingToDoError as nothing:
        log.info("nothing to do", reason=str(nothing))
        return NOTHING_TO_DO_EXIT_CODE
    except TransientError as error:
        return _fail(name, error, TRANSIENT_EXIT_CODE)
    except HabitlakeError as error:
        return _fail(name, error, PERMANENT_EXIT_CODE)
    except Exception as error:
        known = environment_error(error)
        if known is None:
            raise
        return _fail(name, known, PERMANENT_EXIT_CODE)
    return 0


def _fail(name: str, error: Exception, code: int) -> int:
    sys.stderr.write(f"error: {name}: {error}\n")
    return code


@contextlib.contextmanager
def job_lock(name: str, settings: Settings, log: BoundLogger) -> Iterator[None]:
    """Hold the job's lock (a Postgres session lock: a killed holder gives it back by dying)."""
    from habitlake.runtime import postgres

    with postgres.connect("habitlake", settings) as connection:
        connection.autocommit = True
        key = f"habitlake.job.{name}"
        row = connection.execute("SELECT pg_try_advisory_lock(hashtext(%s))", [key]).fetchone()
        if not (row and row[0]):
            log.info("another run of this job holds its lock; waiting")
            connection.execute("SELECT pg_advisory_lock(hashtext(%s))", [key])
        yield
