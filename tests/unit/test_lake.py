"""Tables of the lake outlive the registry they were made from."""

from dataclasses import replace
from datetime import date

import pyarrow as pa
import pytest

from habitlake import lake
from habitlake.clock import Interval
from habitlake.lake import arrow_schema, open_table, replace_nights, scan_table, stored_nights
from habitlake.settings import Settings
from habitlake.tables import get_table

FIRST, SECOND = date(2026, 3, 1), date(2026, 3, 2)
NAME = "gold.predictions"


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path, _env_file=None)


def rows(night, columns):
    values = {"batch_date": night, "user_id": "u1", "model": "adherence", "probability": 0.5}
    schema = pa.schema([field for field in arrow_schema(get_table(NAME)) if field.name in columns])
    return pa.Table.from_pylist([{name: values.get(name) for name in schema.names}], schema)


def test_a_table_made_before_a_column_gains_it_and_keeps_its_rows(settings, monkeypatch):
    table = get_table(NAME)
    dropped = {"confidence", "top_factors"}
    older = replace(table, columns=tuple(column for column in table.columns if column.name not in dropped))
    with monkeypatch.context() as patch:
        patch.setattr(lake, "get_table", lambda _: older)
        replace_nights(rows(FIRST, older.column_names), NAME, Interval(FIRST, FIRST), settings)
        assert not dropped & set(scan_table(NAME, settings).collect_schema().names())
    # Reading is enough; whoever comes second finds the columns there.
    assert dropped <= set(scan_table(NAME, settings).collect_schema().names())
    open_table(NAME, settings)
    replace_nights(rows(SECOND, table.column_names), NAME, Interval(SECOND, SECOND), settings)
    found = scan_table(NAME, settings).sort("batch_date").collect()
    assert found["probability"].to_list() == [0.5, 0.5]
    assert found["confidence"].to_list() == [None, None]
    assert stored_nights(NAME, settings) == [FIRST, SECOND]
