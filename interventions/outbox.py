"""The queue as files (JSON lines and a manifest) and as SQS messages, for consumers without Postgres.

    <outbox>/queue/batch_date=N/decisions.jsonl      one decision to send a line
    <outbox>/queue/batch_date=N/_withdrawals.jsonl   earlier nights' decisions that night N takes back
    <outbox>/queue/batch_date=N/_manifest.json       counts, sha256 and versions; written last

For a person and local date the newest night holds: its line in decisions.jsonl, or its withdrawal.
"""

import hashlib
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import polars as pl

from habitlake.errors import TransientError
from habitlake.settings import Settings
from habitlake.storage import is_remote, join, open_output, s3_environment
from interventions.queue.contract import SCHEMA_VERSION

FIELDS = (
    "decision_id", "user_id", "local_date", "action", "intervention", "channel", "send", "send_at", "expires_at", "message",
    "payload", "probability", "policy_version", "model", "model_version", "batch_date", "horizon",
)  # fmt: skip
WITHDRAWAL_FIELDS = ("user_id", "local_date", "decision_id", "batch_date")
SQS_BATCH = 10
PART_ROWS = 100_000


def client(service: str, settings: Settings) -> Any:
    """Return a boto3 client of ``s3`` or ``sqs``; credentials come from the usual AWS variables."""
    import boto3

    return boto3.client(service, endpoint_url=settings.s3_endpoint_url, region_name=s3_environment()[2])


def json_lines(decisions: pl.DataFrame) -> Iterator[bytes]:
    """Yield one JSON object a line, in the order of decision ids; instants are ISO in UTC."""
    instant = "%Y-%m-%dT%H:%M:%S+00:00"
    rows = (
        decisions.select(FIELDS)
        .sort("decision_id")
        .with_columns(
            pl.col("send_at", "expires_at").dt.strftime(instant), pl.col("local_date", "batch_date").cast(pl.String)
        )
    )
    for part in rows.iter_slices(PART_ROWS):
        for row in part.iter_rows(named=True):
            row["payload"] = orjson.Fragment(row["payload"])
            yield orjson.dumps(row) + b"\n"


def write_file(uri: str, lines: Iterator[bytes], settings: Settings) -> str:
    """Write a file whole, to a folder or through boto3 to a store; return its sha256."""
    digest = hashlib.sha256()
    if not is_remote(uri):
        with open_output(uri, settings) as stream:
            for line in lines:
                digest.update(line)
                stream.write(line)
        return digest.hexdigest()
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    bucket, _, key = uri.removeprefix("s3://").partition("/")
    with tempfile.TemporaryDirectory(prefix="habitlake-outbox-") as folder:
        file = Path(folder) / "part"
        with file.open("wb") as stream:
            for line in lines:
                digest.update(line)
                stream.write(line)
        try:
            client("s3", settings).upload_file(str(file), bucket, key)
        except (Boto3Error, BotoCoreError, ClientError) as error:
            msg = f"cannot write {uri}: {error}; check bucket, endpoint and AWS credentials"
            raise TransientError(msg) from error
    return digest.hexdigest()


def write_outbox(
    night: date, sent: pl.DataFrame, withdrawals: pl.DataFrame, counts: dict[str, int], settings: Settings
) -> dict[str, Any]:
    """Write a night's files, the manifest last; the same decisions give the same bytes. Return the manifest."""
    folder = join(settings.outbox, "queue", f"batch_date={night}")
    taken_back = withdrawals.select(WITHDRAWAL_FIELDS).sort("user_id", "local_date")
    manifest = {
        "schema_version": SCHEMA_VERSION,
        "batch_date": str(night),
        "counts": {**counts, "send": sent.height, "withdrawals": taken_back.height},
        "sha256": {
            "decisions.jsonl": write_file(join(folder, "decisions.jsonl"), json_lines(sent), settings),
            "_withdrawals.jsonl": write_file(
                join(folder, "_withdrawals.jsonl"), iter([taken_back.write_ndjson().encode()]), settings
            ),
        },
        "policy_versions": sorted(sent["policy_version"].unique()),
        "model_versions": sorted(
            sent.select(pl.concat_str("model", "model_version", separator=":")).to_series().drop_nulls().unique()
        ),
    }
    content = orjson.dumps(manifest, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n"
    write_file(join(folder, "_manifest.json"), iter([content]), settings)
    return manifest


def send_to_sqs(sent: pl.DataFrame, settings: Settings) -> int:
    """Send every decision to the SQS queue of the settings, ten a request; return how many.

    A FIFO queue gets the person as group (so a person's decisions stay in order) and the decision's id with
    a hash of its content for deduplication. Consumers keep the newest batch date per person and local date.

    Raises
    ------
    TransientError
        If the queue refuses messages; sending all again is safe.
    """
    url = settings.sqs_queue_url or ""
    from botocore.exceptions import BotoCoreError, ClientError

    sqs, fifo = client("sqs", settings), url.endswith(".fifo")
    entries: list[dict[str, Any]] = []
    total = 0

    def flush() -> None:
        nonlocal total
        try:
            answer = sqs.send_message_batch(QueueUrl=url, Entries=entries)
        except (BotoCoreError, ClientError) as error:
            msg = f"cannot send to the queue {url}: {error}; check HABITLAKE_SQS_QUEUE_URL and AWS credentials"
            raise TransientError(msg) from error
        if answer.get("Failed"):
            msg = (
                f"the queue {url} refused {len(answer['Failed'])} messages, first: {answer['Failed'][0].get('Message')}"
            )
            raise TransientError(msg)
        total += len(entries)
        entries.clear()

    for line in json_lines(sent):
        decision = orjson.loads(line)
        entry: dict[str, Any] = {"Id": str(len(entries)), "MessageBody": line.decode().rstrip()}
        if fifo:
            # The id alone would make SQS drop a decision whose text changed in a rerun within five minutes.
            unique = f"{decision['decision_id']}.{hashlib.sha256(line).hexdigest()[:16]}"
            entry |= {"MessageGroupId": decision["user_id"], "MessageDeduplicationId": unique}
        entries.append(entry)
        if len(entries) == SQS_BATCH:
            flush()
    if entries:
        flush()
    return total
