"""The same ingestion with DuckDB and with Polars: contracts, duplicates against history, quarantine with reasons.

Both write silver Parquet per family and a quarantine with the raw line. What they leave out is said in
``Peer.does``. DuckDB runs the very checks of the platform's kernel; Polars checks each field of the
contracts by JSON path, which is its way to parse a line that may be broken. Bare Spark is the engine's limit.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl

from habitlake.contracts import EVENT_MODELS, FAMILIES, Family
from habitlake.contracts.base import TIMESTAMP_PATTERN
from spark_jobs.ingest.kernel_sql import ENVELOPE_SQL, ENVELOPE_TABLE, family_sql, rejected_sql
from spark_jobs.ingest.leaf_sql import LINES_TABLE

CORES = 2
# A byte that no text file holds, so that every line is one column.
NO_SEPARATOR = "\x01"
REPEAT_KEY = ["event_id", "event_date"]


@dataclass(frozen=True, slots=True)
class Peer:
    """Another way to ingest: reads landing files (globs) with the history of an earlier run, writes to a folder."""

    name: str
    ingest: Callable[[list[str], Path | None, Path], None]
    does: str


def duckdb_ingest(files: list[str], history: Path | None, out: Path) -> None:
    """Ingest with DuckDB alone: one SQL script over all files."""
    out.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect()
    for setting in (f"threads = {CORES}", "TimeZone = 'UTC'", "preserve_insertion_order = false"):
        connection.execute(f"SET {setting}")
    connection.execute(LINES_TABLE)
    connection.execute(ENVELOPE_TABLE)
    connection.execute(
        "INSERT INTO lines SELECT CAST(regexp_extract(filename, 'batch_date=([0-9-]{10})', 1) AS DATE), filename,"
        " row_number() OVER (), raw, 'utf-8', NULL, NULL FROM read_csv(?, columns = {'raw': 'VARCHAR'}, header = false,"
        f" delim = '{NO_SEPARATOR}', quote = '', escape = '', filename = true, ignore_errors = true,"
        " null_padding = true, max_line_size = 4000000) WHERE raw IS NOT NULL",
        [files],
    )
    connection.execute(ENVELOPE_SQL)
    for index, family in enumerate(FAMILIES):
        into = "CREATE TEMP TABLE judged AS" if index == 0 else "INSERT INTO judged"
        connection.execute(f"{into} {family_sql(family)}")
    connection.execute(f"INSERT INTO judged {rejected_sql()}")
    earlier = f"SELECT event_id, event_date, content_hash FROM '{history}/keys.parquet'" if history else ""
    connection.execute(
        "CREATE TEMP TABLE ranked AS SELECT *, row_number() OVER same AS position, first(content_hash) OVER same AS"
        " first_hash FROM judged WHERE reason IS NULL"
        " WINDOW same AS (PARTITION BY event_id, event_date ORDER BY batch_date, _source_file, _line)"
    )
    seen = "FALSE"
    if earlier:
        connection.execute(f"CREATE TEMP TABLE earlier AS {earlier}")
        seen = "(event_id, event_date) IN (SELECT (event_id, event_date) FROM earlier)"
    connection.execute(f"CREATE TEMP TABLE fresh AS SELECT * FROM ranked WHERE position = 1 AND NOT {seen}")
    for family in FAMILIES:
        names = ", ".join(f"'{event}'" for event in family.events)
        connection.execute(
            f"COPY (SELECT * EXCLUDE (raw, position, first_hash) FROM fresh WHERE event_type IN ({names}))"
            f" TO '{out / family.name}.parquet' (FORMAT parquet)"
        )
    connection.execute(
        "COPY (SELECT batch_date, _source_file, _line, raw, reason, detail FROM judged WHERE reason IS NOT NULL"
        " UNION ALL SELECT batch_date, _source_file, _line, raw, 'conflict', NULL FROM ranked"
        f" WHERE position > 1 AND content_hash <> first_hash) TO '{out}/rejected.parquet' (FORMAT parquet)"
    )
    union = "UNION ALL SELECT * FROM earlier" if earlier else ""
    connection.execute(
        f"COPY (SELECT event_id, event_date, content_hash FROM fresh {union}) TO '{out}/keys.parquet' (FORMAT parquet)"
    )


def _text(path: str) -> pl.Expr:
    return pl.col("raw").str.json_path_match(path)


def _judge_family(lines: pl.DataFrame, family: Family) -> pl.DataFrame:
    """Return the family's lines typed, with the first reason against each."""
    texts = {spec.column: "$.data." + ".".join(spec.path) for spec in family.fields()}
    own = lines.filter(pl.col("event_type").is_in(list(family.events))).with_columns(
        **{column: _text(path) for column, path in texts.items()}
    )
    missing, wrong, outside = pl.lit(value=False), pl.lit(value=False), pl.lit(value=False)
    typed = []
    for spec in family.fields():
        given, text = pl.col(spec.column).is_not_null(), pl.col(spec.column)
        if spec.required_by:
            missing |= pl.col("event_type").is_in(list(spec.required_by)) & ~given
        if spec.sql_type in ("double", "bigint"):
            value = text.cast(pl.Float64, strict=False)
            wrong |= given & value.is_null()
            if spec.minimum is not None and spec.maximum is not None:
                outside |= given & ~value.is_between(spec.minimum, spec.maximum)
            typed.append(value.alias(spec.column))
        elif spec.sql_type == "timestamp":
            value = text.str.to_datetime(strict=False, time_zone="UTC", format="%+")
            wrong |= given & value.is_null()
            typed.append(value.alias(spec.column))
        elif spec.allowed and spec.sql_type == "string":
            outside |= given & ~text.is_in(list(spec.allowed))
    reason = pl.when(missing).then(pl.lit("missing_field")).when(wrong).then(pl.lit("wrong_type"))
    return own.with_columns(reason=reason.when(outside).then(pl.lit("out_of_range"))).with_columns(typed)


def polars_ingest(files: list[str], history: Path | None, out: Path) -> None:
    """Ingest with Polars alone."""
    out.mkdir(parents=True, exist_ok=True)
    lines = (
        pl.scan_csv(
            files, separator=NO_SEPARATOR, quote_char=None, has_header=False, new_columns=["raw"],
            encoding="utf8-lossy", include_file_paths="file", schema={"raw": pl.String}, truncate_ragged_lines=True,
        )
        .with_columns(whole=pl.col("raw").str.starts_with("{") & pl.col("raw").str.ends_with("}"))
        .with_columns(
            event_id=pl.coalesce(_text("$.eventId"), pl.col("raw").hash().cast(pl.String)), user_id=_text("$.userId"), event_type=_text("$.eventType"),
            timestamp=_text("$.timestamp"), content_hash=pl.col("raw").hash(),
            batch_date=pl.col("file").str.extract(r"batch_date=([0-9-]{10})").str.to_date(),
        )
        .with_columns(
            event_at=pl.when(pl.col("timestamp").str.contains(TIMESTAMP_PATTERN)).then(
                pl.col("timestamp").str.to_datetime(strict=False, time_zone="UTC", format="%+")
            )
        )
        .with_columns(event_date=pl.col("event_at").dt.date())
        .with_columns(
            reason=pl.when(~pl.col("whole").fill_null(value=False)).then(pl.lit("malformed_json"))
            .when(pl.any_horizontal(pl.col("user_id", "event_type", "timestamp").is_null())).then(pl.lit("missing_field"))
            .when(~pl.col("event_type").is_in(list(EVENT_MODELS))).then(pl.lit("unknown_event_type"))
            .when(pl.col("event_at").is_null()).then(pl.lit("bad_timestamp"))
            .when(pl.col("event_date") > pl.col("batch_date") + pl.duration(days=1)).then(pl.lit("clock_skew"))
        )
        .collect()
    )  # fmt: skip
    judged = [_judge_family(lines.filter(pl.col("reason").is_null()), family) for family in FAMILIES]
    rejected = [table.filter(pl.col("reason").is_not_null()) for table in (lines, *judged)]
    keys = pl.read_parquet(history / "keys.parquet") if history else None
    kept = []
    for family, table in zip(FAMILIES, judged, strict=True):
        good = table.filter(pl.col("reason").is_null())
        first = pl.col("content_hash").first().over(REPEAT_KEY)
        rejected.append(good.filter(pl.col("content_hash") != first).with_columns(reason=pl.lit("conflict")))
        fresh = good.unique(REPEAT_KEY, keep="first", maintain_order=True)
        if keys is not None:
            fresh = fresh.join(keys, on=REPEAT_KEY, how="anti")
        fresh.drop("raw", "whole").write_parquet(out / f"{family.name}.parquet")
        kept.append(fresh.select(REPEAT_KEY))
    pl.concat([table.select("file", "raw", "reason") for table in rejected]).write_parquet(out / "rejected.parquet")
    pl.concat([*kept, *([keys] if keys is not None else [])]).write_parquet(out / "keys.parquet")


PEERS = (
    Peer(
        "DuckDB",
        duckdb_ingest,
        "the same checks by the same SQL; drops lines that are no UTF-8; keeps no raw of good lines, no Delta, no audit",
    ),
    Peer(
        "Polars",
        polars_ingest,
        "required fields, numbers, ranges, instants; no checks of lists and texts, no extras, no raw, no Delta, no audit",
    ),
)
