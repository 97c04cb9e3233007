"""The shape of exported tables, derived from the registry."""

from datetime import date

import pytest

from habitlake.clock import Interval
from habitlake.tables import get_table
from spark_jobs.export.copy import Partition, chunks, nights_to_copy
from spark_jobs.export.tables import (
    EXPORTED,
    INDEXES,
    LEFT_IN_LAKE,
    create_statements,
    exported_columns,
    postgres_columns,
    primary_key,
)

NIGHT_1, NIGHT_2, NIGHT_3 = date(2026, 1, 5), date(2026, 1, 6), date(2026, 1, 7)


@pytest.mark.parametrize("name", EXPORTED)
def test_no_personal_column_leaves_the_lake_but_the_user_id(name):
    exported = {column.name for column in exported_columns(name)}
    assert exported & set(get_table(name).pii_columns) <= {"user_id"}
    held_back = {"_ingested_at", *get_table(name).pii_columns, *LEFT_IN_LAKE.get(name, ())}
    assert exported | held_back == set(get_table(name).column_names) | held_back


def test_messages_and_raw_texts_stay_in_the_lake():
    assert "message" not in postgres_columns("gold.decisions")
    assert "extras" not in postgres_columns("silver.intervention_events")


@pytest.mark.parametrize("name", EXPORTED)
def test_keys_and_indexes_are_of_exported_columns(name):
    columns = set(postgres_columns(name))
    assert set(primary_key(name)) <= columns
    assert primary_key(name)[0] == "batch_date"
    assert all(set(index) <= columns for index in INDEXES.get(name, ()))


def test_table_statement_has_types_key_and_audit_column():
    statement = create_statements("silver.batch_audit")[0].as_string()
    assert statement == (
        'CREATE TABLE "lake"."silver_batch_audit" ("batch_date" date, "_source_file" text, "raw_count" bigint,'
        ' "accepted_count" bigint, "duplicate_count" bigint, "rejected_count" bigint, "reasons" text,'
        ' "_exported_at" timestamp with time zone NOT NULL DEFAULT now(), PRIMARY KEY ("batch_date", "_source_file"))'
    )


def test_every_column_is_commented():
    statements = [statement.as_string() for statement in create_statements("gold.decisions")]
    commented = [statement for statement in statements if statement.startswith("COMMENT ON COLUMN")]
    assert len(commented) == len(postgres_columns("gold.decisions"))
    assert any("person''s local date" in statement for statement in commented)


def test_nights_to_copy_are_the_interval_and_what_differs():
    recorded = {NIGHT_1: "a", NIGHT_2: "b", NIGHT_3: "c"}
    current = {NIGHT_1: Partition("a", 1), NIGHT_2: Partition("other", 1), NIGHT_3: Partition("c", 1)}
    assert nights_to_copy(recorded, current, Interval(NIGHT_3, NIGHT_3)) == [NIGHT_2, NIGHT_3]


def test_a_night_gone_from_the_lake_is_copied_as_nothing():
    assert nights_to_copy({NIGHT_1: "a"}, {}, Interval(NIGHT_3, NIGHT_3)) == [NIGHT_1, NIGHT_3]
    # Recorded as empty once, it does not differ any more.
    assert nights_to_copy({NIGHT_1: ""}, {}, Interval(NIGHT_3, NIGHT_3)) == [NIGHT_3]


def test_chunks_hold_about_the_limit_and_every_night_once():
    current = {NIGHT_1: Partition("a", 6), NIGHT_2: Partition("b", 5), NIGHT_3: Partition("c", 4)}
    empty = date(2026, 1, 8)
    assert list(chunks([NIGHT_1, NIGHT_2, NIGHT_3, empty], current, limit=10)) == [[NIGHT_1], [NIGHT_2, NIGHT_3]]
    assert list(chunks([NIGHT_1], current, limit=1)) == [[NIGHT_1]]
    assert list(chunks([empty], current)) == []
