"""The SQL of the parsing kernel, generated from the event contracts.

For every family one statement types and checks all its events at once. Checks run in this order and the
first that fails is the line's reason: malformed JSON, not an object, envelope (missing field, unknown
event type, wrong type, bad timestamp, clock skew), then payload and context (missing field, wrong type,
out of range).
"""

import json
from collections.abc import Sequence

from habitlake.contracts import EVENT_MODELS, Family, Reason, context_fields
from habitlake.contracts.base import TIMESTAMP_PATTERN, USER_ID_PATTERN
from habitlake.tables.events import CONTEXT_COLUMNS, payload_columns
from spark_jobs.ingest.leaf_sql import (
    DUCKDB_TYPES,
    Leaf,
    canonical,
    cases,
    literals,
    out_of_ranges,
    quoted,
    structure,
    wrong_types,
)

ENVELOPE_PATHS = ("eventId", "userId", "eventType", "timestamp", "schemaVersion", "data", "context")
MAX_EVENT_ID_LENGTH = 128
EARLIEST_EVENT = "2000-01-01"
ENVELOPE_STRUCTURE = json.dumps(dict.fromkeys(ENVELOPE_PATHS[:5], "VARCHAR"))

ENVELOPE_TABLE = """
CREATE TEMP TABLE envelope (batch_date DATE, _source_file VARCHAR, _line BIGINT, raw VARCHAR, raw_encoding VARCHAR,
  reason VARCHAR, detail VARCHAR, event_id VARCHAR, user_id VARCHAR, event_type VARCHAR, event_at TIMESTAMPTZ,
  event_offset_s INTEGER, schema_version BIGINT)
"""
ENVELOPE_SQL = f"""
INSERT INTO envelope
WITH valid AS (
  SELECT *, CASE WHEN reason IS NULL AND json_valid(raw) THEN raw END AS doc FROM lines
),
looked AS (
  SELECT *, json_type(doc, ['$', {", ".join(quoted("$." + name) for name in ENVELOPE_PATHS)}]) AS t FROM valid
),
typed AS (
  SELECT *, CASE WHEN t[1] = 'OBJECT' THEN json_transform(doc, '{ENVELOPE_STRUCTURE}') END AS e FROM looked
),
timed AS (
  SELECT * EXCLUDE (reason, detail), reason AS read_reason, detail AS read_detail,
    CASE WHEN regexp_matches(e.timestamp, '{TIMESTAMP_PATTERN}') THEN TRY_CAST(e.timestamp AS TIMESTAMPTZ) END AS event_at
  FROM typed
),
judged AS (
  SELECT *,
    CASE
      WHEN read_reason IS NOT NULL THEN read_reason
      WHEN doc IS NULL THEN '{Reason.MALFORMED_JSON}'
      WHEN t[1] <> 'OBJECT' THEN '{Reason.NOT_AN_OBJECT}'
      WHEN coalesce(t[3], 'NULL') = 'NULL' OR coalesce(t[4], 'NULL') = 'NULL'
        OR coalesce(t[5], 'NULL') = 'NULL' OR coalesce(t[7], 'NULL') = 'NULL' THEN '{Reason.MISSING_FIELD}'
      WHEN t[4] <> 'VARCHAR' THEN '{Reason.WRONG_TYPE}'
      WHEN e.eventType NOT IN {literals(EVENT_MODELS)} THEN '{Reason.UNKNOWN_EVENT_TYPE}'
      WHEN NOT regexp_full_match(e.userId, '{USER_ID_PATTERN}') OR t[3] IN ('OBJECT', 'ARRAY', 'BOOLEAN')
        OR t[7] <> 'OBJECT' OR coalesce(t[8], 'NULL') NOT IN ('NULL', 'OBJECT')
        OR t[2] IN ('OBJECT', 'ARRAY', 'BOOLEAN') OR length(e.eventId) NOT BETWEEN 1 AND {MAX_EVENT_ID_LENGTH}
        OR (e.schemaVersion IS NOT NULL AND coalesce(TRY_CAST(e.schemaVersion AS BIGINT), 0) < 1)
        THEN '{Reason.WRONG_TYPE}'
      WHEN t[5] <> 'VARCHAR' OR event_at IS NULL THEN '{Reason.BAD_TIMESTAMP}'
      WHEN event_at >= batch_date + INTERVAL 2 DAY OR event_at < TIMESTAMPTZ '{EARLIEST_EVENT} 00:00:00Z'
        THEN '{Reason.CLOCK_SKEW}'
    END AS reason
  FROM timed
)
SELECT batch_date, _source_file, _line, raw, raw_encoding, reason,
  CASE reason
    WHEN NULL THEN NULL
    WHEN read_reason THEN read_detail
    WHEN '{Reason.MALFORMED_JSON}' THEN 'the line is not valid JSON'
    WHEN '{Reason.NOT_AN_OBJECT}' THEN 'the line is JSON of type ' || t[1]
    WHEN '{Reason.MISSING_FIELD}' THEN concat_ws('; ',
      CASE WHEN coalesce(t[3], 'NULL') = 'NULL' THEN 'userId is missing' END,
      CASE WHEN coalesce(t[4], 'NULL') = 'NULL' THEN 'eventType is missing' END,
      CASE WHEN coalesce(t[5], 'NULL') = 'NULL' THEN 'timestamp is missing' END,
      CASE WHEN coalesce(t[7], 'NULL') = 'NULL' THEN 'data is missing' END)
    WHEN '{Reason.UNKNOWN_EVENT_TYPE}' THEN 'eventType: no contract named ' || left(e.eventType, 100)
    WHEN '{Reason.WRONG_TYPE}' THEN 'envelope: userId, eventType, eventId and schemaVersion are short texts or'
      || ' numbers, data and context are objects'
    WHEN '{Reason.BAD_TIMESTAMP}' THEN 'timestamp: ' || coalesce(left(e.timestamp, 60), 'no text')
      || ' is not an ISO-8601 instant with offset'
    WHEN '{Reason.CLOCK_SKEW}' THEN 'timestamp: ' || e.timestamp || ' cannot have happened by the batch date'
  END AS detail,
  e.eventId AS event_id, e.userId AS user_id, e.eventType AS event_type,
  CASE WHEN reason IS NULL THEN event_at END AS event_at,
  CASE WHEN reason IS NULL AND NOT ends_with(e.timestamp, 'Z') THEN
    (CASE WHEN e.timestamp[-6] = '-' THEN -1 ELSE 1 END)
      * (CAST(e.timestamp[-5:-4] AS INT) * 3600 + CAST(e.timestamp[-2:] AS INT) * 60)
    WHEN reason IS NULL THEN 0 END AS event_offset_s,
  TRY_CAST(e.schemaVersion AS BIGINT) AS schema_version
FROM judged
"""


def _sections(leaves: Sequence[Leaf]) -> list[str]:
    """Return the objects between envelope and leaves (data.demographics), in order."""
    return list(dict.fromkeys(leaf.label.rpartition(".")[0] for leaf in leaves if leaf.label.count(".") > 1))


def _known_keys(level: str, leaves: Sequence[Leaf], sections: Sequence[str]) -> list[str]:
    if level == "":
        return list(ENVELOPE_PATHS)
    return [
        label.rpartition(".")[2]
        for label in (*(leaf.label for leaf in leaves), *sections)
        if label.rpartition(".")[0] == level
    ]


def _extras(leaves: Sequence[Leaf], sections: Sequence[str]) -> tuple[str, str]:
    """Return (keys of all levels in one look, map of the unknown ones), both SQL."""
    levels = ["", "data", *sections, "context"]
    keys = "json_keys(doc, [" + ", ".join(quoted("$" + ("." + level if level else "")) for level in levels) + "])"
    entries = []
    for index, level in enumerate(levels, start=1):
        known = "[" + ", ".join(quoted(key) for key in _known_keys(level, leaves, sections)) + "]"
        prefix, pointer = (f"{level}.", "/" + level.replace(".", "/") + "/") if level else ("", "/")
        entries.append(
            f"list_transform(list_filter(list_distinct(coalesce(k[{index}], [])), lambda x: NOT list_contains({known}, x)),"
            f" lambda x: {{'key': {quoted(prefix)} || x, 'value': CAST(json_extract(doc, {quoted(pointer)}"
            f" || replace(replace(x, '~', '~0'), '/', '~1')) AS VARCHAR)}})"
        )
    return keys, "map_from_entries(list_sort(list_concat(" + ", ".join(entries) + ")))"


def family_sql(family: Family) -> str:
    """Return the SELECT that types and judges the family's events of the envelope table."""
    specs = [("data", spec) for spec in family.fields()] + [("context", spec) for spec in context_fields()]
    first = len(ENVELOPE_PATHS) + 1
    leaves = [Leaf(spec, (root,), first + index) for index, (root, spec) in enumerate(specs)]
    sections = _sections(leaves)
    paths = [
        *("$." + name for name in ENVELOPE_PATHS),
        *(leaf.json_path for leaf in leaves),
        *("$." + section for section in sections),
    ]
    section_kinds = {section: f"t[{first + len(leaves) + index}]" for index, section in enumerate(sections)}
    keys, extras = _extras(leaves, sections)
    missing = (
        cases(
            (
                f"event_type IN {literals(leaf.spec.required_by)} AND NOT {leaf.present}",
                quoted(f"{leaf.label} is missing"),
            )
            for leaf in leaves
            if leaf.spec.required_by
        )
        if any(leaf.spec.required_by for leaf in leaves)
        else "''"
    )
    wrong_type = cases(
        [
            *wrong_types(leaves),
            *(
                (f"coalesce({kind}, 'NULL') NOT IN ('NULL', 'OBJECT')", quoted(f"{section}: not an object"))
                for section, kind in section_kinds.items()
            ),
        ]
    )
    out_of_range = cases(out_of_ranges(leaves))
    own = {leaf.spec.column: leaf.value for leaf in leaves if leaf.label.startswith("data.")}
    around = {leaf.spec.column: leaf.value for leaf in leaves if leaf.label.startswith("context.")}
    own_struct = "{" + ", ".join(f"'{column}': {value}" for column, value in own.items()) + "}"
    context_struct = "{" + ", ".join(f"'{column.name}': {around[column.name]}" for column in CONTEXT_COLUMNS) + "}"
    payload = ", ".join(
        f"'{column.name}': " + (f"p.{column.name}" if column.name in own else f"NULL::{DUCKDB_TYPES[column.sql_type]}")
        for column in payload_columns()
    )
    content = (
        "concat_ws(chr(31), "
        + ", ".join(
            [
                "user_id",
                "event_type",
                "epoch_us(event_at)",
                canonical("p"),
                canonical("context"),
                "CASE WHEN cardinality(extras) > 0 THEN CAST(to_json(extras) AS VARCHAR) END",
            ]
        )
        + ")"
    )
    return f"""
WITH looked AS (
  SELECT * EXCLUDE (reason, detail, raw), raw AS doc,
    json_transform(raw, {quoted(structure(leaves))}) AS e,
    json_type(raw, [{", ".join(quoted(path) for path in paths)}]) AS t
  FROM envelope WHERE reason IS NULL AND event_type IN {literals(family.events)}
),
judged AS (
  SELECT *, {missing} AS missing, {wrong_type} AS wrong_type, {out_of_range} AS out_of_range, {keys} AS k FROM looked
),
verdict AS (
  SELECT *,
    CASE WHEN missing <> '' THEN '{Reason.MISSING_FIELD}' WHEN wrong_type <> '' THEN '{Reason.WRONG_TYPE}'
      WHEN out_of_range <> '' THEN '{Reason.OUT_OF_RANGE}' END AS reason
  FROM judged
),
typed AS (
  SELECT *, {own_struct} AS p, {context_struct} AS context,
    CASE WHEN reason IS NULL AND list_sum(list_transform(k, lambda x: len(x))) > list_count(t) THEN {extras}
      ELSE MAP {{}}::MAP(VARCHAR, VARCHAR) END AS extras
  FROM verdict
),
hashed AS (
  SELECT *, md5({content}) AS content_hash
  FROM typed
)
SELECT batch_date, _source_file, _line, doc AS raw, raw_encoding, reason,
  CASE reason WHEN '{Reason.MISSING_FIELD}' THEN missing WHEN '{Reason.WRONG_TYPE}' THEN wrong_type
    WHEN '{Reason.OUT_OF_RANGE}' THEN out_of_range END AS detail,
  coalesce(event_id, CASE WHEN reason IS NULL THEN content_hash END) AS event_id, content_hash, user_id, event_type, event_at, event_offset_s,
  CAST(timezone('UTC', event_at) AS DATE) AS event_date, schema_version,
  {{{payload}}} AS payload, context, extras
FROM hashed
"""


def rejected_sql() -> str:
    """Return the SELECT of the lines that did not get past the envelope."""
    payload = (
        "STRUCT(" + ", ".join(f"{column.name} {DUCKDB_TYPES[column.sql_type]}" for column in payload_columns()) + ")"
    )
    context = (
        "STRUCT(" + ", ".join(f"{column.name} {DUCKDB_TYPES[column.sql_type]}" for column in CONTEXT_COLUMNS) + ")"
    )
    return f"""
SELECT batch_date, _source_file, _line, raw, raw_encoding, reason, detail, left(event_id, {MAX_EVENT_ID_LENGTH}) AS event_id,
  NULL::VARCHAR AS content_hash, left(user_id, 128) AS user_id, left(event_type, 100) AS event_type,
  NULL::TIMESTAMPTZ AS event_at, NULL::INT AS event_offset_s, NULL::DATE AS event_date, schema_version,
  NULL::{payload} AS payload, NULL::{context} AS context, NULL::MAP(VARCHAR, VARCHAR) AS extras
FROM envelope WHERE reason IS NOT NULL
"""
