"""Publish the last night of an interval: the queue in Postgres, JSON lines in the outbox, SQS where configured.

``python -m interventions.publish --start 2026-01-05 [--end 2026-01-06]``
"""

import hashlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import orjson
import polars as pl

from habitlake.clock import Interval, night_end
from habitlake.job import JobContext, run_job
from habitlake.lake import scan_table
from habitlake.settings import Settings
from habitlake.storage import is_remote, join, open_output
from interventions.queue.client import queue_connection

SCHEMA_VERSION = 1
COLUMNS = (
    "decision_id", "user_id", "local_date", "channel", "action", "message", "payload", "probability", "send_at",
    "expires_at", "horizon", "batch_date", "policy_version", "model", "model_version",
)  # fmt: skip
SQS_BATCH = 10

# A row of the night replaces what an older night left pending for the same person and local date; rows that a
# client has claimed are history and stay, and an older night never replaces a newer one.
WITHDRAW = """
UPDATE queue.interventions AS held SET status = 'withdrawn', updated_at = now()
FROM decided
WHERE held.user_id = decided.user_id AND held.local_date = decided.local_date
  AND held.decision_id <> decided.decision_id AND held.status = 'pending' AND held.batch_date < decided.batch_date
"""
DROPPED = """
UPDATE queue.interventions AS held SET status = 'withdrawn', updated_at = now()
FROM decided WHERE held.decision_id = decided.decision_id AND held.status = 'pending' AND NOT decided.send
"""
INSERT = f"""
INSERT INTO queue.interventions AS held ({", ".join(COLUMNS)})
SELECT {", ".join(COLUMNS)} FROM decided
WHERE send AND NOT EXISTS (
    SELECT FROM queue.interventions AS other
    WHERE other.user_id = decided.user_id AND other.local_date = decided.local_date
      AND other.decision_id <> decided.decision_id
      AND (other.status IN ('claimed', 'acked', 'dead') OR other.batch_date > decided.batch_date)
)
ON CONFLICT (decision_id) DO UPDATE SET
    {", ".join(f"{column} = excluded.{column}" for column in COLUMNS[3:])}, status = 'pending', updated_at = now()
WHERE held.status IN ('pending', 'withdrawn')
  AND (held.status <> 'pending'
    OR ({", ".join(f"held.{column}" for column in COLUMNS[3:])})
      IS DISTINCT FROM ({", ".join(f"excluded.{column}" for column in COLUMNS[3:])}))
"""  # noqa: S608 - constants of this module


def decisions_of(night: date, settings: Settings) -> pl.DataFrame:
    """Return the night's decisions, sent or not, in a fixed order."""
    return (
        scan_table("gold.decisions", settings, nights=Interval(night, night))
        .filter(pl.col("expires_at") > night_end(night))
        .select(*COLUMNS, "send")
        .sort("user_id", "local_date")
        .collect()
    )


def publish_queue(decisions: pl.DataFrame, settings: Settings) -> dict[str, int]:
    """Bring the queue to what the night decided, in one transaction; publishing twice changes nothing."""
    with queue_connection(settings) as connection, connection.transaction():
        connection.execute(
            "CREATE TEMP TABLE decided ON COMMIT DROP AS"
            f" SELECT {', '.join(COLUMNS)}, false AS send FROM queue.interventions LIMIT 0"  # noqa: S608 - constants
        )
        with connection.cursor().copy(f"COPY decided ({', '.join(COLUMNS)}, send) FROM STDIN") as copy:
            for row in decisions.iter_rows():
                copy.write_row(row)
        withdrawn = connection.execute(WITHDRAW).rowcount + connection.execute(DROPPED).rowcount
        written = connection.execute(INSERT).rowcount
    return {"queued": written, "withdrawn": withdrawn}


def _items(decisions: pl.DataFrame) -> Iterator[dict[str, Any]]:
    for row in decisions.filter("send").iter_rows(named=True):
        yield {**row, "payload": orjson.loads(row["payload"])}


def publish_files(decisions: pl.DataFrame, night: date, settings: Settings) -> int:
    """Write the night's decisions as JSON lines with a manifest; the manifest comes last and seals the folder."""
    lines = b"".join(orjson.dumps(item) + b"\n" for item in _items(decisions))
    manifest = {
        "schema_version": SCHEMA_VERSION,
        "batch_date": night.isoformat(),
        "decisions": lines.count(b"\n"),
        "sha256": hashlib.sha256(lines).hexdigest(),
        "file": "decisions.jsonl",
    }
    folder = join(settings.outbox, "queue", f"batch_date={night}")
    for name, body in (("decisions.jsonl", lines), ("_manifest.json", json.dumps(manifest, sort_keys=True).encode())):
        _put(join(folder, name), body, settings)
    return int(manifest["decisions"])  # type: ignore[call-overload]


def _put(uri: str, body: bytes, settings: Settings) -> None:
    if is_remote(uri):
        import boto3

        bucket, _, key = uri.removeprefix("s3://").partition("/")
        boto3.client("s3", endpoint_url=settings.s3_endpoint_url).put_object(Bucket=bucket, Key=key, Body=body)
        return
    with open_output(uri, settings) as stream:
        stream.write(body)


def publish_sqs(decisions: pl.DataFrame, settings: Settings) -> int:
    """Send the night's decisions to SQS in batches; the decision id lets consumers drop repeats."""
    if settings.sqs_queue_url is None:
        return 0
    import boto3

    client = boto3.client("sqs", endpoint_url=settings.s3_endpoint_url)
    fifo = settings.sqs_queue_url.endswith(".fifo")
    items = list(_items(decisions))
    for start in range(0, len(items), SQS_BATCH):
        entries = [
            {
                "Id": str(index),
                "MessageBody": orjson.dumps(item).decode(),
                **({"MessageGroupId": item["user_id"], "MessageDeduplicationId": item["decision_id"]} if fifo else {}),
            }
            for index, item in enumerate(items[start : start + SQS_BATCH])
        ]
        client.send_message_batch(QueueUrl=settings.sqs_queue_url, Entries=entries)
    return len(items)


def run(context: JobContext) -> Mapping[str, object]:
    """Publish the last night of the interval."""
    night = context.interval.end
    decisions = decisions_of(night, context.settings)
    counts = publish_queue(decisions, context.settings)
    files = publish_files(decisions, night, context.settings)
    return {"night": str(night), **counts, "in_outbox": files, "to_sqs": publish_sqs(decisions, context.settings)}


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job("publish", run, description=__doc__ or "", argv=argv)


if __name__ == "__main__":
    sys.exit(main())
