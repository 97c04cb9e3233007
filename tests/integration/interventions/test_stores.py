"""The outbox in an object store and SQS, against a real S3 and SQS endpoint (moto's server)."""

import json
from datetime import date

import boto3
import pytest
from moto.server import ThreadedMotoServer

from interventions.publish import publish_night

NIGHT = date(2026, 1, 4)


@pytest.fixture
def endpoint(monkeypatch):
    """Return the address of an endpoint that speaks S3 and SQS."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def aws(service, endpoint):
    """Return a client of the endpoint."""
    return boto3.client(service, endpoint_url=endpoint, region_name="us-east-1")


def messages(sqs, url):
    """Return every message that waits."""
    found = []
    while batch := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"]).get("Messages"):
        found += batch
        for message in batch:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return found


def test_the_outbox_in_an_object_store_equals_the_local_one(world, connection, store, row, endpoint, tmp_path):
    s3 = aws("s3", endpoint)
    s3.create_bucket(Bucket="outbox")
    store(NIGHT, [row(f"u{number}") for number in range(25)])
    publish_night(NIGHT, world, connection)
    remote = world.model_copy(update={"outbox": "s3://outbox/app", "s3_endpoint_url": endpoint})
    publish_night(NIGHT, remote, connection)
    folder = f"queue/batch_date={NIGHT}"
    for name in ("decisions.jsonl", "_withdrawals.jsonl", "_manifest.json"):
        body = s3.get_object(Bucket="outbox", Key=f"app/{folder}/{name}")["Body"].read()
        assert body == (tmp_path / "outbox" / folder / name).read_bytes()


def test_an_unreachable_store_is_a_passing_error(world, connection, endpoint):
    from habitlake.errors import TransientError

    remote = world.model_copy(update={"outbox": "s3://no-such-bucket/app", "s3_endpoint_url": endpoint})
    with pytest.raises(TransientError, match="no-such-bucket"):
        publish_night(NIGHT, remote, connection)


@pytest.mark.parametrize("fifo", [True, False])
def test_every_decision_is_sent_once_to_sqs(world, connection, store, row, endpoint, fifo):
    sqs = aws("sqs", endpoint)
    attributes = {"FifoQueue": "true"} if fifo else {}
    url = sqs.create_queue(QueueName="decisions.fifo" if fifo else "decisions", Attributes=attributes)["QueueUrl"]
    settings = world.model_copy(update={"sqs_queue_url": url, "s3_endpoint_url": endpoint})
    store(NIGHT, [*[row(f"u{number}") for number in range(23)], row("quiet", send=False)])
    assert publish_night(NIGHT, settings, connection)["sqs"] == 23
    assert publish_night(NIGHT, settings, connection)["sqs"] == 0, "the same decisions are not sent again"
    found = messages(sqs, url)
    assert {json.loads(message["Body"])["user_id"] for message in found} == {f"u{number}" for number in range(23)}
    assert len(found) == 23
    if fifo:
        assert {message["Attributes"]["MessageGroupId"] for message in found} == {f"u{number}" for number in range(23)}
    store(NIGHT, [row("u0", message="Another text.")])
    assert publish_night(NIGHT, settings, connection)["sqs"] == 1
    assert [json.loads(message["Body"])["message"] for message in messages(sqs, url)] == ["Another text."]
