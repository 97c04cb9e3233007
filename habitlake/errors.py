"""The two kinds of failure the platform tells apart, retrying helps or it does not; and a job that was not due."""

import errno


class HabitlakeError(Exception):
    """Base of every error that habitlake raises on purpose; its message says what, where and what to do."""


class PermanentError(HabitlakeError):
    """Retrying cannot help: wrong input, wrong setting, a broken contract. Jobs exit with code 2."""


class TransientError(HabitlakeError):
    """Retrying may help: a lost connection, a concurrent commit. Jobs exit with code 75 (EX_TEMPFAIL)."""


class GateFailedError(PermanentError):
    """A quality gate refused a partition; nothing downstream of it may be published."""


class NothingToDoError(HabitlakeError):
    """The job was to run only if something is due, and nothing is: no failure. Jobs exit with code 3."""


PERMANENT_EXIT_CODE = 2
NOTHING_TO_DO_EXIT_CODE = 3
TRANSIENT_EXIT_CODE = 75


def environment_error(error: BaseException) -> PermanentError | None:
    """Return a clear error for what the machine lacks (disk, permission), wherever an engine reports it; else None."""
    text = str(error)
    if (isinstance(error, OSError) and error.errno == errno.ENOSPC) or "No space left on device" in text:
        return PermanentError("the disk is full: No space left on device; free some space and run it again")
    if isinstance(error, PermissionError | NotADirectoryError):
        return PermanentError(f"{error}; check the folder, its owner and its permissions")
    return None
