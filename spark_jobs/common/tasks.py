"""Python work spread over the cluster: each Spark task does one piece and reports a small result."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import pyarrow as pa
from pyspark.sql import SparkSession

Piece = TypeVar("Piece")


def run_tasks(spark: SparkSession, pieces: Sequence[Piece], work: Callable[[Piece], Any]) -> list[Any]:
    """Do the work once per piece, one Spark task each; return what each reported, in the order of the pieces.

    A single piece is done here: a Python worker takes longer to start than such work takes.

    Parameters
    ----------
    pieces
        Small descriptions of what to do (files and ranges, not data); they travel inside the function.
    work
        Runs in a worker process, possibly more than once after a lost worker: what it writes must not depend
        on the attempt. Its result must be serialisable as JSON and small.
    """
    if len(pieces) <= 1:
        # Through JSON like the others, so that a result is the same wherever it was made.
        return [json.loads(json.dumps(work(piece))) for piece in pieces]

    def report(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for index in batch.column(0).to_pylist():
                result = json.dumps(work(pieces[index]))
                yield pa.RecordBatch.from_arrays([pa.array([index]), pa.array([result])], ["piece", "result"])

    frame = spark.range(0, len(pieces), 1, len(pieces)).mapInArrow(report, "piece bigint, result string")
    results = {row.piece: json.loads(row.result) for row in frame.collect()}
    return [results[index] for index in range(len(pieces))]
