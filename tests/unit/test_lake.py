"""Tables of the lake outlive the registry they were made from."""

from dataclasses import replace
from datetime import date
from types import SimpleNamespace

import pyarrow as pa
import pytest

from feature_repo.delta_offline_store import read_delta
from habitlake import lake
from habitlake.clock import Interval
from habitlake.lake import arrow_schema, open_table, replace_nights, scan_table, stored_nights, table_uri
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


def test_a_table_made_before_a_field_of_a_struct_gains_it_and_keeps_its_rows(settings, monkeypatch):
    name = "bronze.events"
    table = get_table(name)
    kind = next(column.sql_type for column in table.columns if column.name == "payload")
    older_kind = kind.replace("health_conditions:array<string>,", "")
    assert older_kind != kind
    columns = (replace(column, sql_type=older_kind) if column.name == "payload" else column for column in table.columns)
    older = replace(table, columns=tuple(columns))

    def event(night, known, **payload):
        return pa.Table.from_pylist(
            [{"batch_date": night, "_source_file": "a", "_line": 1, "payload": {"age": 30, **payload}}],
            arrow_schema(known),
        )

    with monkeypatch.context() as patch:
        patch.setattr(lake, "get_table", lambda _: older)
        replace_nights(event(FIRST, older), name, Interval(FIRST, FIRST), settings)
    replace_nights(event(SECOND, table, health_conditions=["pregnancy"]), name, Interval(SECOND, SECOND), settings)
    found = scan_table(name, settings).sort("batch_date").select("payload").unnest("payload").collect()
    assert found["age"].to_list() == [30, 30]
    assert found["health_conditions"].to_list() == [None, ["pregnancy"]]


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
    # Feast reads the files themselves, the ones without the columns too.
    source = SimpleNamespace(path=table_uri(NAME, settings))
    assert read_delta(source, "").order_by("batch_date").confidence.to_pandas().isna().tolist() == [True, True]
    assert set(read_delta(source, "").columns) == set(table.column_names)
