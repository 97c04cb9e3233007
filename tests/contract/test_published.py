"""What is published equals the code it is written from."""

from habitlake.contracts.schema import write_schemas
from habitlake.settings import PROJECT_ROOT
from habitlake.tables import FEATURES, TABLES
from habitlake.tables.dictionary import write_dictionary


def same(written, folder):
    published = {path.name: path.read_text() for path in (PROJECT_ROOT / "docs" / folder).iterdir()}
    assert published == {path.name: path.read_text() for path in written}, "run `make docs`"


def test_contracts_are_published(tmp_path):
    same(write_schemas(tmp_path), "contracts")


def test_the_data_dictionary_is_published(tmp_path):
    same(write_dictionary(tmp_path), "data_dictionary")


def test_every_table_says_what_a_row_is_and_every_column_what_it_means():
    for table in TABLES.values():
        assert table.grain.startswith("one row per")
        assert set(table.key) <= set(table.column_names)
        assert len(set(table.column_names)) == len(table.columns)
        assert all(column.description for column in table.columns), table.name
        if table.user_column is not None and table.user_column in table.column_names:
            assert table.user_column in table.pii_columns


def test_feast_serves_exactly_the_registry(tmp_path):
    from feast import FeatureView

    from feature_repo.definitions import FEAST_TYPES, definitions
    from habitlake.settings import Settings

    settings = Settings(home=tmp_path, _env_file=None)
    views = {item.name: item for item in definitions(settings) if isinstance(item, FeatureView)}
    keys = {"batch_date", "user_id", "event_timestamp", "created_timestamp", "as_of_date"}
    records = {
        name: [column for column in TABLES[f"gold.{name}"].columns if column.name not in keys]
        for name in ("user_analytics", "user_windows", "user_predictions")
    }
    for name, columns in ({"user_features": FEATURES} | records).items():
        view = views.pop(name)
        served = {field.name: (field.dtype, field.description) for field in view.schema if field.name != "user_id"}
        assert served == {column.name: (FEAST_TYPES[column.sql_type], column.description) for column in columns}
    assert not views
