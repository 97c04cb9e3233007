"""The parse of forecasts: Arrow lines in, typed and judged lines out, by SQL generated from their contract.

The checks are those of events' fields. They run in this order, and the first that fails is the line's reason: malformed
JSON, not an object, missing field, wrong type, bad timestamp, clock skew, out of range.
"""

from collections.abc import Iterator

import pyarrow as pa

from habitlake.clock import known_zones
from habitlake.contracts import Reason, forecast_fields
from spark_jobs.ingest.kernel_sql import EARLIEST_EVENT
from spark_jobs.ingest.leaf_sql import (
    LINES_TABLE,
    Leaf,
    canonical,
    cases,
    literals,
    out_of_ranges,
    quoted,
    structure,
    wrong_types,
)

# Of the line's type names the first is its own.
LEAVES = tuple(Leaf(spec, (), position) for position, spec in enumerate(forecast_fields(), start=2))
ISSUED = next(leaf for leaf in LEAVES if leaf.spec.column == "issued_at")
ZONE = next(leaf for leaf in LEAVES if leaf.spec.column == "time_zone")


def forecast_sql() -> str:
    """Return the SELECT that types and judges the table of lines."""
    typed = [leaf for leaf in LEAVES if leaf is not ISSUED]
    paths = ", ".join(quoted(path) for path in ("$", *(leaf.json_path for leaf in LEAVES)))
    missing = cases(
        (f"NOT {leaf.present}", quoted(f"{leaf.label} is missing")) for leaf in LEAVES if leaf.spec.required
    )
    no_zone = (
        f"{ZONE.text} NOT IN {literals(sorted(known_zones()))}",
        f"'{ZONE.label}: ' || left({ZONE.text}, 60) || ' is no IANA time zone'",
    )
    columns = ", ".join(f"{leaf.value} AS {leaf.spec.column}" for leaf in LEAVES)
    said = ", ".join(f"'{leaf.spec.column}': {leaf.spec.column}" for leaf in LEAVES if leaf.label != "schemaVersion")
    known = "[" + ", ".join(quoted(leaf.label) for leaf in LEAVES) + "]"
    return f"""
WITH valid AS (
  SELECT *, CASE WHEN reason IS NULL AND json_valid(raw) THEN raw END AS doc FROM lines
),
looked AS (
  SELECT * EXCLUDE (reason, detail), reason AS read_reason, detail AS read_detail, json_type(doc, [{paths}]) AS t FROM valid
),
texts AS (
  SELECT *, CASE WHEN t[1] = 'OBJECT' THEN json_transform(doc, {quoted(structure(LEAVES))}) END AS e FROM looked
),
checked AS (
  SELECT *, {missing} AS missing, {cases(wrong_types(typed))} AS wrong_type, {ISSUED.value} AS issued,
    {cases([*out_of_ranges(LEAVES), no_zone])} AS out_of_range
  FROM texts
),
judged AS (
  SELECT *,
    CASE
      WHEN read_reason IS NOT NULL THEN read_reason
      WHEN doc IS NULL THEN '{Reason.MALFORMED_JSON}'
      WHEN t[1] <> 'OBJECT' THEN '{Reason.NOT_AN_OBJECT}'
      WHEN missing <> '' THEN '{Reason.MISSING_FIELD}'
      WHEN wrong_type <> '' THEN '{Reason.WRONG_TYPE}'
      WHEN {ISSUED.wrong_type} THEN '{Reason.BAD_TIMESTAMP}'
      WHEN issued >= batch_date + INTERVAL 2 DAY OR issued < TIMESTAMPTZ '{EARLIEST_EVENT} 00:00:00Z'
        THEN '{Reason.CLOCK_SKEW}'
      WHEN out_of_range <> '' THEN '{Reason.OUT_OF_RANGE}'
    END AS reason
  FROM checked
),
typed AS (
  SELECT batch_date, _source_file, _line, raw, raw_encoding, reason,
    CASE reason
      WHEN read_reason THEN read_detail
      WHEN '{Reason.MALFORMED_JSON}' THEN 'the line is not valid JSON'
      WHEN '{Reason.NOT_AN_OBJECT}' THEN 'the line is JSON of type ' || t[1]
      WHEN '{Reason.MISSING_FIELD}' THEN missing
      WHEN '{Reason.WRONG_TYPE}' THEN wrong_type
      WHEN '{Reason.BAD_TIMESTAMP}' THEN '{ISSUED.label}: ' || coalesce(left({ISSUED.text}, 60), 'no text')
        || ' is not an ISO-8601 instant with offset'
      WHEN '{Reason.CLOCK_SKEW}' THEN '{ISSUED.label}: ' || {ISSUED.text} || ' cannot have been said by the batch date'
      WHEN '{Reason.OUT_OF_RANGE}' THEN out_of_range
    END AS detail,
    {columns},
    CASE WHEN t[1] = 'OBJECT' THEN map_from_entries(list_transform(
      list_filter(list_sort(list_distinct(json_keys(doc))), lambda x: NOT list_contains({known}, x)),
      lambda x: {{'key': x, 'value': CAST(json_extract(doc, '/' || replace(replace(x, '~', '~0'), '/', '~1')) AS VARCHAR)}}
    )) END AS extras
  FROM judged
)
SELECT *, CAST(timezone('UTC', issued_at) AS DATE) AS event_date,
  md5(concat_ws(chr(31), {canonical("{" + said + "}")},
    CASE WHEN cardinality(extras) > 0 THEN CAST(to_json(extras) AS VARCHAR) END)) AS content_hash
FROM typed
"""


class WeatherKernel:
    """A parse of forecasts: one connection, one statement, one thread."""

    def __init__(self) -> None:
        import duckdb

        self._connection = duckdb.connect()
        for setting in ("threads = 1", "TimeZone = 'UTC'"):
            self._connection.execute(f"SET {setting}")
        self._connection.execute(LINES_TABLE)
        self._connection.execute(f"PREPARE judge AS {forecast_sql()}")

    def judge(self, lines: pa.Table) -> Iterator[pa.Table]:
        """Yield the lines, each once and in order, with the columns of silver.weather and the verdict.

        Of a refused line only what says where it is and why it was refused is of use.

        Parameters
        ----------
        lines
            Rows of ``LINES_SCHEMA``; ``reason`` is set for lines that could not even be read as text.
        """
        self._connection.register("arrived", lines)
        self._connection.execute("TRUNCATE lines")
        self._connection.execute("INSERT INTO lines SELECT * FROM arrived")
        self._connection.unregister("arrived")
        judged = self._connection.sql("EXECUTE judge").to_arrow_table()
        yield judged.sort_by([("batch_date", "ascending"), ("_source_file", "ascending"), ("_line", "ascending")])
