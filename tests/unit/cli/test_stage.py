"""The one line that is shown of a job that failed."""

import pytest

from habitlake.cli.stage import error_of


@pytest.mark.parametrize(
    ("output", "shown"),
    [
        ("", "no output"),
        ("Traceback\n  a line\nValueError: 7", "ValueError: 7"),
        ("a log line\nerror: the disk is full\n", "the disk is full"),
        (
            "error: could not extend file\n  HINT:  Check free disk space.",
            "could not extend file HINT: Check free disk space.",
        ),
    ],
)
def test_the_error_is_shown_whole_on_one_line(output, shown):
    assert error_of(output) == shown
