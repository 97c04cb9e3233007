"""Landing to bronze: every line read once, parsed once, written once with its verdict."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import SparkSession

from habitlake.settings import Settings
from spark_jobs.common.tasks import run_tasks
from spark_jobs.ingest.kernel import worker_kernel
from spark_jobs.ingest.lines import count_starts, gathered, line_tables, read_chunk
from spark_jobs.ingest.parts import Part, PartWriter, table_roots
from spark_jobs.ingest.plan import Chunk, share_out

BRONZE = "bronze.events"
# A batch costs the kernel some 150 ms however few lines it has and a worker about a second to start, so small
# nights use few tasks; large ones more than there are cores, so that no core waits long for the last. Of 14 to
# 64 MiB this was fastest on two cores (a tenth faster than 64).
TASK_BYTES = 28 * 1024 * 1024
MAX_TASKS = 256


class LineKind(NamedTuple):
    """What the lines of one count share."""

    batch_date: date
    source_file: str
    reason: str | None
    event_type: str | None
    event_date: date | None


@dataclass(frozen=True, slots=True)
class Parsed:
    """What the parse wrote and counted."""

    parts: list[Part]
    counts: Counter[LineKind]


COUNTED = ["batch_date", "_source_file", "reason", "event_type", "event_date"]


def number_lines(spark: SparkSession, chunks: Sequence[Chunk], settings: Settings) -> list[Chunk]:
    """Return the chunks with the number of their first line; only files cut into several are read for it."""
    endpoint = settings.s3_endpoint_url
    pieces = [chunk for chunk in chunks if not chunk.whole]
    starts = dict(zip(pieces, run_tasks(spark, pieces, lambda chunk: count_starts(chunk, endpoint)), strict=True))
    numbered, before = [], 0
    for chunk in chunks:
        before = 0 if chunk.start == 0 else before
        numbered.append(replace(chunk, first_line=before + 1))
        before += starts.get(chunk, 0)
    return numbered


def parse_chunks(
    chunks: Sequence[Chunk], writer: PartWriter, ingested_at: datetime, s3_endpoint_url: str | None, max_line_bytes: int
) -> Counter[tuple[Any, ...]]:
    """Parse the chunks of one task (in order of nights) into bronze files; return lines by ``COUNTED``.

    Accepted lines of each family and refused lines are row groups of their own, so that what follows reads
    only what it needs.
    """
    counts: Counter[tuple[Any, ...]] = Counter()
    tables = (
        table for chunk in chunks for table in line_tables(chunk, read_chunk(chunk, s3_endpoint_url), max_line_bytes)
    )
    for lines in gathered(tables):
        for judged in worker_kernel().judge(lines):
            grouped = judged.group_by(COUNTED).aggregate([([], "count_all")])
            columns = [grouped[name].to_pylist() for name in (*COUNTED, "count_all")]
            for *key, count in zip(*columns, strict=True):
                counts[tuple(key)] += count
            writer.write(BRONZE, _stamped(judged, ingested_at))
        writer.close_before(pc.max(lines["batch_date"]).as_py())
    return counts


def _stamped(rows: pa.Table, ingested_at: datetime) -> pa.Table:
    return rows.append_column(
        "_ingested_at", pa.repeat(pa.scalar(ingested_at, pa.timestamp("us", "UTC")), rows.num_rows)
    )


def parse_landing(
    spark: SparkSession, chunks: Sequence[Chunk], settings: Settings, run_id: str, ingested_at: datetime
) -> Parsed:
    """Parse all chunks into bronze files, not yet committed."""
    numbered = number_lines(spark, chunks, settings)
    tasks = share_out(numbered, min(MAX_TASKS, 1 + sum(chunk.weight for chunk in chunks) // TASK_BYTES))
    endpoint, max_line_bytes = settings.s3_endpoint_url, settings.max_line_bytes
    roots = table_roots([BRONZE], settings)

    def parse(task: tuple[int, list[Chunk]]) -> dict[str, Any]:
        writer = PartWriter(roots, f"{run_id}-{task[0]}", endpoint)
        counts = parse_chunks(task[1], writer, ingested_at, endpoint, max_line_bytes)
        return {
            "parts": [part.as_json() for part in writer.close()],
            "counts": [
                [str(night), file, reason, event_type, event_date and str(event_date), lines]
                for (night, file, reason, event_type, event_date), lines in counts.items()
            ],
        }

    parts: list[Part] = []
    line_counts: Counter[LineKind] = Counter()
    for result in run_tasks(spark, list(enumerate(tasks)), parse):
        parts += [Part.from_json(part) for part in result["parts"]]
        for night, file, reason, event_type, event_date, lines in result["counts"]:
            key = LineKind(
                date.fromisoformat(night), file, reason, event_type, event_date and date.fromisoformat(event_date)
            )
            line_counts[key] += lines
    return Parsed(parts, line_counts)
