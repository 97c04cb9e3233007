from datetime import date, timedelta

import pytest

from habitlake.errors import PermanentError
from spark_jobs.ingest.audit import audit_files, audit_table, check_identity
from spark_jobs.ingest.dedupe import date_ranges

NIGHT = date(2026, 1, 5)
KEY = (NIGHT, "a.jsonl")


def audit():
    lines = [(*KEY, None, 7), (*KEY, "wrong_type", 2)]
    repeats = [(*KEY, "duplicate", 1), (*KEY, "conflict", 1), (*KEY, "superseded", 2)]
    return audit_files([KEY, (NIGHT, "empty.jsonl")], lines, repeats)


def test_every_line_of_a_file_is_in_one_count():
    row, empty = audit_table(audit()).to_pylist()
    assert (row["raw_count"], row["accepted_count"], row["duplicate_count"], row["rejected_count"]) == (9, 5, 1, 3)
    assert dict(row["reasons"]) == {"conflict": 1, "wrong_type": 2}
    assert empty["raw_count"] == 0


def test_what_was_written_must_be_what_was_read():
    check_identity(audit(), {KEY: (3, 3)}, (3, 3))
    for written, stored in (({KEY: (2, 3)}, (2, 3)), ({KEY: (3, 2)}, (3, 2)), ({KEY: (3, 3)}, (6, 6)), ({}, (0, 0))):
        with pytest.raises(PermanentError):
            check_identity(audit(), written, stored)


def days(*offsets):
    return [NIGHT + timedelta(days=offset) for offset in offsets]


def test_date_ranges_cover_every_date_and_leave_out_the_widest_gaps():
    dates = days(0, 1, 2, 10, 400, 401)
    assert date_ranges(dates) == [tuple(days(0, 2)), tuple(days(10, 10)), tuple(days(400, 401))]
    assert date_ranges(dates, limit=2) == [tuple(days(0, 10)), tuple(days(400, 401))]
    assert date_ranges(dates, limit=1) == [tuple(days(0, 401))]
    assert date_ranges([]) == []
