"""What the tests of gates share: one context of the library, and a suite's checks that a night's rows break."""

import pyarrow as pa
import pytest

from expectations.run import judge, partitions
from expectations.validate import Validator
from habitlake.cli.lake import query
from habitlake.lake import arrow_schema, replace_nights
from habitlake.tables import get_table


@pytest.fixture(scope="session")
def validator():
    return Validator()


@pytest.fixture
def broken_totals(validator, settings):
    """Of a suite of totals, the checks that these rows of a night break, with how many rows their line shows."""

    def broken(suite, night, rows):
        table = pa.Table.from_pylist(rows, schema=arrow_schema(get_table(suite.table)))
        replace_nights(table, suite.table, night, settings)
        found = {}
        for nights, partition in partitions(suite, night, settings):
            results = judge(validator, suite, nights, partition)
            for check, row in zip(suite.checks, results, strict=True):
                if not row["success"]:
                    _, shown = query(suite.rows_sql(check, str(row["batch_date"]), []), settings)
                    found[check.columns[0]] = len(list(shown))
        return found

    return broken
