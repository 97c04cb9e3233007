"""Landing to silver for forecasts: read, judged, kept, refused and counted as events are, in this process.

A forecast names no person and has no envelope, and a feed is small (places times dates times hours), so it takes no tasks
of Spark; lines, verdicts, files and the audit are those of events (docs/adr/0027).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyspark.sql import SparkSession

from habitlake.clock import Interval
from habitlake.lake import arrow_schema, table_uri
from habitlake.landing import WEATHER, feed_nights, night_files
from habitlake.settings import Settings
from habitlake.storage import StoredFile, filesystem, join
from habitlake.tables import get_table
from spark_jobs.ingest.audit import Audit, audit_files
from spark_jobs.ingest.bronze import number_lines
from spark_jobs.ingest.dedupe import CONFLICT, DUPLICATE, date_ranges
from spark_jobs.ingest.lines import gathered, line_tables, read_chunk
from spark_jobs.ingest.parts import PartWriter, by_night, stored_files, table_roots
from spark_jobs.ingest.plan import cut
from spark_jobs.ingest.silver import REFUSED, REJECTED, CountedWriter, Written, conflicting_lines, refused_lines
from spark_jobs.ingest.weather_kernel import WeatherKernel

BRONZE_WEATHER, SILVER_WEATHER = "bronze.weather", "silver.weather"
IDENTITY = get_table(SILVER_WEATHER).key
CONFLICT_DETAIL = "an earlier line of this place, date, hour and time of issue has other content"


@dataclass(frozen=True, slots=True)
class Forecasts:
    """What became of the nights' forecasts: the files written, not yet committed, and the audit of every landing file."""

    written: Written
    audit: Audit


def ingest_forecasts(
    spark: SparkSession, interval: Interval, settings: Settings, run_id: str, ingested_at: datetime
) -> Forecasts:
    """Judge every line of the nights' forecasts and write the files of bronze, silver and what was refused.

    Memory holds a batch of lines, and identity and content of what the nights of the run brought before.

    Raises
    ------
    PermanentError
        If the feed cannot be read.
    """
    landed = landed_forecasts(interval, settings)
    if not landed:
        return Forecasts(Written([], {}), {})
    writer = PartWriter(
        table_roots([BRONZE_WEATHER, SILVER_WEATHER, REJECTED], settings),
        f"{run_id}-{WEATHER}",
        settings.s3_endpoint_url,
    )
    out, kernel, known = CountedWriter(writer), WeatherKernel(), KnownForecasts(interval.start, settings)
    counts: dict[str, Counter[tuple[Any, ...]]] = {"reason": Counter(), "kind": Counter()}
    for lines in _lines(spark, landed, settings):
        for judged in kernel.judge(lines):
            told = judged.append_column("kind", known.kinds(judged)).append_column(
                "_ingested_at", pa.repeat(pa.scalar(ingested_at, pa.timestamp("us", "UTC")), judged.num_rows)
            )
            for name, found in counts.items():
                found.update(_count(told, name))
            writer.write(BRONZE_WEATHER, told)
            for night, own, _ in by_night(told):
                _refine(own.drop_columns(["batch_date"]), night, out)
        writer.close_before(pc.max(lines["batch_date"]).as_py())
    audit = audit_files(
        ((night, file.relative) for night, files in landed.items() for file in files),
        ((*key, count) for key, count in counts["reason"].items()),
        ((*key, count) for key, count in counts["kind"].items() if key[-1] is not None),
    )
    return Forecasts(Written(writer.close(), out.by_file()), audit)


def landed_forecasts(interval: Interval, settings: Settings) -> dict[date, list[StoredFile]]:
    """Return the landing files of forecasts by night, in order; nights without any are absent."""
    nights = [night for night in feed_nights(WEATHER, settings) if interval.start <= night <= interval.end]
    return {night: files for night in nights if (files := night_files(WEATHER, night, settings))}


def _lines(spark: SparkSession, landed: Mapping[date, Sequence[StoredFile]], settings: Settings) -> Iterator[pa.Table]:
    chunks = [chunk for night, files in landed.items() for file in files for chunk in cut(night, file)]
    chunks = number_lines(spark, chunks, settings)
    endpoint, limit = settings.s3_endpoint_url, settings.max_line_bytes
    return gathered(table for chunk in chunks for table in line_tables(chunk, read_chunk(chunk, endpoint), limit))


def _count(told: pa.Table, name: str) -> Counter[tuple[Any, ...]]:
    """Return the lines by (batch date, file, value of the column)."""
    keys = ["batch_date", "_source_file", name]
    rows = told.group_by(keys).aggregate([([], "count_all")]).to_pylist()
    return Counter({tuple(row[key] for key in keys): row["count_all"] for row in rows})


def _refine(told: pa.Table, night: date, out: CountedWriter) -> None:
    """Write each line to silver or to what was refused; a duplicate stays in bronze alone."""
    parsed = pc.is_null(told["reason"])
    out.write(SILVER_WEATHER, night, told.filter(pc.and_(parsed, pc.is_null(told["kind"]))))
    for name in set(REFUSED) - set(told.column_names):
        # A forecast has neither a person nor an event's id.
        told = told.append_column(name, pa.nulls(told.num_rows, pa.string()))
    lines, conflicts = told.select(REFUSED), pc.fill_null(pc.equal(told["kind"], CONFLICT), fill_value=False)
    out.write(REJECTED, night, refused_lines(lines.filter(pc.invert(parsed))))
    out.write(REJECTED, night, conflicting_lines(lines.filter(conflicts), CONFLICT_DETAIL))


class KnownForecasts:
    """The forecasts that came before, and what a line is beside them.

    A forecast is its place, date, hour and time of issue. The first line of it in order of batch, file and line is the
    forecast; a later one is a duplicate when its content is the same, else a conflict. Looked at are the files of silver
    that hold forecasts issued on the dates of the new lines.

    Parameters
    ----------
    start
        First night of the run; what is stored of it and later is of an earlier run.
    """

    def __init__(self, start: date, settings: Settings) -> None:
        self._start, self._settings = start, settings
        self._columns = [*IDENTITY, "content_hash"]
        schema = arrow_schema(get_table(SILVER_WEATHER))
        self._known = pl.DataFrame(pa.schema([schema.field(name) for name in self._columns]).empty_table())
        self._read: set[str] = set()

    def kinds(self, judged: pa.Table) -> pa.Array:
        """Return of each line duplicate, conflict, or null if it is none; the accepted ones are known from now on."""
        accepted = judged.filter(pc.is_null(judged["reason"]))
        self._add_history(pc.unique(accepted["event_date"]).to_pylist())
        numbered = pl.DataFrame(judged.select([*self._columns, "reason"])).with_row_index("row")
        lines = pl.concat([self._known, numbered.filter(pl.col("reason").is_null())], how="diagonal").with_columns(
            position=pl.int_range(pl.len()).over(IDENTITY), first=pl.col("content_hash").first().over(IDENTITY)
        )
        self._known = lines.filter(pl.col("position") == 0).select(self._columns)
        same = pl.col("content_hash") == pl.col("first")
        repeats = lines.filter(pl.col("row").is_not_null() & (pl.col("position") > 0)).select(
            "row", kind=pl.when(same).then(pl.lit(DUPLICATE)).otherwise(pl.lit(CONFLICT))
        )
        found = numbered.join(repeats, on="row", how="left", maintain_order="left")["kind"]
        return pa.array(found.to_list(), pa.string())

    def _add_history(self, dates: Iterable[date]) -> None:
        """Read what earlier nights hold of forecasts issued on these dates, each file once."""
        paths = set(stored_files(SILVER_WEATHER, self._start, date_ranges(dates), self._settings)) - self._read
        self._read |= paths
        for path in sorted(paths):
            system, inner = filesystem(
                join(table_uri(SILVER_WEATHER, self._settings), path), self._settings.s3_endpoint_url
            )
            earlier = pl.DataFrame(pq.read_table(inner, filesystem=system, columns=self._columns, partitioning=None))
            self._known = pl.concat([earlier, self._known])
