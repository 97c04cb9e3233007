"""Landing to bronze: every line read once, parsed once, with its verdict."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from pyarrow import RecordBatch
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from habitlake.settings import Settings
from habitlake.tables import get_table
from spark_jobs.ingest.kernel import Kernel
from spark_jobs.ingest.lines import gathered, line_tables, read_chunk
from spark_jobs.ingest.plan import Chunk, pack

# A worker costs about a second to start, so small nights use few; a cluster has more cores than a laptop.
TASK_BYTES = 16 * 1024 * 1024
MAX_TASKS = 64


def bronze_schema() -> str:
    """Return the DDL of bronze.events without its audit column."""
    columns = get_table("bronze.events").columns
    return ", ".join(f"`{column.name}` {column.sql_type}" for column in columns if not column.is_audit)


def parse_landing(spark: SparkSession, chunks: list[Chunk], settings: Settings, ingested_at: datetime) -> DataFrame:
    """Return bronze rows of the chunks; each Spark task parses its share in its own kernel."""
    weight = sum(chunk.weight for chunk in chunks)
    tasks = pack(chunks, min(MAX_TASKS, 1 + weight // TASK_BYTES))
    endpoint, max_line_bytes = settings.s3_endpoint_url, settings.max_line_bytes

    def parse(batches: Iterable[RecordBatch]) -> Iterator[RecordBatch]:
        for batch in batches:
            for task in batch.column(0).to_pylist():
                kernel = Kernel()
                for lines in gathered(
                    table
                    for chunk in tasks[task]
                    for table in line_tables(chunk, read_chunk(chunk, endpoint), max_line_bytes)
                ):
                    yield from kernel.judge(lines)

    # One row and one partition per task: the plan itself travels in the function.
    frame = spark.range(0, len(tasks), 1, len(tasks)).mapInArrow(parse, bronze_schema())
    return frame.withColumn("_ingested_at", F.lit(ingested_at))


def empty_bronze(spark: SparkSession, ingested_at: datetime) -> DataFrame:
    """Return no rows with bronze's columns: what a night without files writes."""
    return spark.createDataFrame([], bronze_schema()).withColumn("_ingested_at", F.lit(ingested_at))
