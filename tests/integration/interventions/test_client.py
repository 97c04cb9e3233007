"""Claiming: never shared, leases come back, dead letters, expiry, and the command line."""

import json
import os
import subprocess
import sys
import threading
from datetime import date, timedelta

import pytest

from habitlake.errors import PermanentError
from habitlake.settings import PROJECT_ROOT
from interventions.publish import publish_night
from interventions.queue import client
from interventions.queue.store import connect

NIGHT = date(2026, 1, 4)


@pytest.fixture
def published(world, connection, store, row):
    """Return a function that publishes decisions of so many people."""

    def publish(people, horizons=1):
        store(
            NIGHT, [row(f"u{number:04d}", horizon=horizon) for number in range(people) for horizon in range(horizons)]
        )
        publish_night(NIGHT, world, connection)

    return publish


def test_clients_at_once_never_share_a_decision(world, published, noon):
    published(400)
    taken: dict[int, list[str]] = {}
    start = threading.Barrier(4)

    def work(number):
        with connect(world) as own:
            own.autocommit = True
            start.wait()
            while items := client.claim(own, 7, worker=f"w{number}", as_of=noon()):
                taken.setdefault(number, []).extend(item.decision_id for item in items)

    threads = [threading.Thread(target=work, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    everything = [decision for own in taken.values() for decision in own]
    assert len(everything) == 400
    assert len(set(everything)) == 400
    assert len(taken) > 1, "one client took everything: the test did not compete"


def test_an_expired_lease_comes_back_and_the_late_client_is_refused(connection, published, noon):
    published(1)
    first = client.claim(connection, 1, worker="slow", lease_seconds=60, as_of=noon())[0]
    assert client.claim(connection, 1, worker="quick", as_of=noon() + timedelta(seconds=59)) == []
    second = client.claim(connection, 1, worker="quick", as_of=noon() + timedelta(seconds=60))[0]
    assert (second.decision_id, second.attempts, second.claimed_by) == (first.decision_id, 2, "quick")
    with pytest.raises(PermanentError, match="held by quick"):
        client.ack(connection, first.decision_id, "slow")
    client.ack(connection, first.decision_id, "quick")
    client.ack(connection, first.decision_id, "quick")
    assert client.depth(connection, noon())["acked"] == 1
    assert client.claim(connection, 1, worker="other", as_of=noon() + timedelta(hours=2)) == []


def test_failing_waits_a_minute_and_five_times_is_dead(connection, published, noon):
    published(1)
    now = noon()
    for attempt in range(1, client.MAX_ATTEMPTS + 1):
        item = client.claim(connection, 1, worker="w", as_of=now)[0]
        assert item.attempts == attempt
        status = client.fail(connection, item.decision_id, "w", f"error {attempt}", as_of=now)
        assert status == ("dead" if attempt == client.MAX_ATTEMPTS else "failed")
        assert client.claim(connection, 1, worker="w", as_of=now + timedelta(seconds=59)) == []
        now += timedelta(seconds=60)
    assert client.claim(connection, 1, worker="w", as_of=now) == []
    assert client.list_items(connection, statuses=["dead"])[0].last_error == "error 5"


def test_a_client_that_always_dies_leaves_a_dead_letter(connection, published, noon):
    published(1)
    now = noon()
    for _ in range(client.MAX_ATTEMPTS):
        assert len(client.claim(connection, 1, worker="w", lease_seconds=10, as_of=now)) == 1
        now += timedelta(seconds=10)
    assert client.claim(connection, 1, worker="w", as_of=now) == []
    assert client.depth(connection, now)["dead"] == 1
    assert "lease ran out 5 times" in (client.list_items(connection)[0].last_error or "")


def test_expired_decisions_are_never_handed_out(connection, published, noon):
    published(1)
    expires_at = client.list_items(connection)[0].expires_at
    assert client.claim(connection, 1, worker="w", as_of=expires_at) == []
    assert client.claim(connection, 1, worker="w") == [], "by the clock of the database this world is long over"
    assert client.depth(connection, expires_at)["expired"] == 1
    assert len(client.claim(connection, 1, worker="w", as_of=expires_at - timedelta(seconds=1))) == 1


def test_the_next_day_is_handed_out_ahead_and_fallback_days_only_when_due(connection, published, noon):
    published(1, horizons=3)
    before = noon() - timedelta(hours=11)
    assert client.claim(connection, 9, worker="w", as_of=before, due_only=True) == []
    assert [item.horizon for item in client.claim(connection, 9, worker="w", as_of=before)] == [0]
    assert [item.horizon for item in client.claim(connection, 9, worker="w", as_of=noon(1))] == [1]


def test_claims_can_be_limited_to_a_channel_and_come_in_order(connection, published, noon):
    published(3)
    connection.execute("UPDATE queue.interventions SET channel = 'email' WHERE user_id = 'u0001'")
    assert [item.user_id for item in client.claim(connection, 5, worker="w", channel="email", as_of=noon())] == [
        "u0001"
    ]
    assert [item.user_id for item in client.claim(connection, 5, worker="w", as_of=noon())] == ["u0000", "u0002"]


def test_unknown_and_unclaimed_decisions_are_refused(connection, published):
    published(1)
    with pytest.raises(PermanentError, match="not in the queue"):
        client.ack(connection, "nobody", "w")
    with pytest.raises(PermanentError, match="is pending and held by nobody"):
        client.fail(connection, client.list_items(connection)[0].decision_id, "w", "x")


def test_the_command_line_claims_acks_and_explains(world, published):
    published(2)
    environment = {
        **os.environ, "HABITLAKE_HOME": str(world.home), "HABITLAKE_LAKE": world.lake, "HABITLAKE_OUTBOX": world.outbox,
    }  # fmt: skip

    def run(*arguments):
        return subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=PROJECT_ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    claimed = json.loads(
        run("interventions.queue", "claim", "--limit", "1", "--json", "--as-of", "2026-01-05T12:00:00Z").stdout
    )
    assert {"decision_id", "user_id", "channel", "action", "expires_at"} <= set(claimed[0])
    decision_id = claimed[0]["decision_id"]
    assert json.loads(run("interventions.queue", "ack", decision_id, "--json").stdout)["status"] == "acked"
    assert json.loads(run("interventions.queue", "depth", "--json").stdout)["acked"] == 1
    told = run("interventions.explain", decision_id)
    assert "queue      acked" in told.stdout
    missing = run("interventions.explain", "nobody")
    assert (missing.returncode, "no decision 'nobody'" in missing.stderr) == (2, True)
    assert run("interventions.queue", "claim", "--as-of", "yesterday").returncode == 2
