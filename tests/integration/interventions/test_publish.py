"""Publishing: twice the same, newer over older, history kept, files and manifest."""

import hashlib
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path

import pytest

from habitlake.errors import PermanentError
from habitlake.simulator.world import published_decisions
from interventions.publish import publish_night
from interventions.queue import client
from interventions.queue.contract import QueueItem, item_schema
from interventions.queue.publish_rows import newer_nights, publish_rows
from interventions.queue.store import connect

NIGHT = date(2026, 1, 4)
NEXT = NIGHT + timedelta(days=1)


def rows_of(connection):
    """Return the whole table, audit columns included."""
    return connection.execute("SELECT * FROM queue.interventions ORDER BY user_id, local_date").fetchall()


def held(connection):
    """Return per person and local date: night, status."""
    found = connection.execute("SELECT user_id, local_date, batch_date, status FROM queue.interventions").fetchall()
    return {(user, day): (night, status) for user, day, night, status in found}


def test_publishing_twice_changes_nothing(world, connection, store, row):
    store(NIGHT, [row(f"u{number}", horizon=horizon) for number in range(20) for horizon in range(3)])
    first = publish_night(NIGHT, world, connection)
    before = rows_of(connection)
    files = {path: path.read_bytes() for path in Path(world.outbox).rglob("*") if path.is_file()}
    second = publish_night(NIGHT, world, connection)
    assert (first["inserted"], first["replaced"], first["withdrawn"]) == (60, 0, 0)
    assert (second["inserted"], second["replaced"], second["withdrawn"]) == (0, 0, 0)
    assert rows_of(connection) == before
    assert {path: path.read_bytes() for path in Path(world.outbox).rglob("*") if path.is_file()} == files


def test_one_night_published_twice_at_once_is_there_once(world, connection, store, row):
    store(NIGHT, [row(f"u{number}", horizon=horizon) for number in range(20) for horizon in range(3)])
    start = threading.Barrier(2)

    def publish(_):
        with connect(world) as own:
            start.wait(30)
            return publish_night(NIGHT, world, own)["inserted"]

    with ThreadPoolExecutor(2) as both:
        inserted = list(both.map(publish, range(2)))
    assert sorted(inserted) == [0, 60]
    before = rows_of(connection)
    assert len(before) == 60
    publish_night(NIGHT, world, connection)
    assert rows_of(connection) == before


def test_a_publishing_that_breaks_off_leaves_the_queue_as_it_was_and_the_rerun_ends_as_if_undisturbed(
    world, connection, store, row, monkeypatch
):
    store(NIGHT, [row(user, NIGHT, horizon) for user in "abc" for horizon in range(3)])
    publish_night(NIGHT, world, connection)
    before = rows_of(connection)
    store(NEXT, [row("a", NEXT), row("b", NEXT, send=False), row("d", NEXT)])

    def killed(*arguments):
        publish_rows(*arguments)
        raise ConnectionError("the other end is gone")

    with monkeypatch.context() as broken:
        broken.setattr("interventions.publish.publish_rows", killed)
        with pytest.raises(ConnectionError):
            publish_night(NEXT, world, connection)
    assert rows_of(connection) == before
    assert newer_nights(connection, NIGHT) == []
    counts = publish_night(NEXT, world, connection)
    assert (counts["inserted"], counts["replaced"], counts["withdrawn"]) == (1, 1, 1)
    assert newer_nights(connection, NIGHT) == [NEXT]


def test_a_newer_night_replaces_what_waits_and_withdraws_what_it_does_not_send(world, connection, store, row, noon):
    day = NIGHT + timedelta(days=2)
    store(NIGHT, [row(user, horizon=1) for user in ("claimed", "acked", "failed", "waits", "withdrawn")])
    publish_night(NIGHT, world, connection)
    taken = {
        item.user_id: item for item in client.claim(connection, 10, worker="a", as_of=noon(1), lease_seconds=86_400)
    }
    connection.execute(
        "UPDATE queue.interventions SET status = 'pending', claimed_by = NULL, lease_until = NULL"
        " WHERE user_id IN ('waits', 'withdrawn')"
    )
    client.ack(connection, taken["acked"].decision_id, "a")
    client.fail(connection, taken["failed"].decision_id, "a", "no token")
    store(
        NEXT,
        [row(user, NEXT, send=user != "withdrawn") for user in ("claimed", "acked", "failed", "waits", "withdrawn")],
    )
    counts = publish_night(NEXT, world, connection)
    assert (counts["inserted"], counts["replaced"], counts["withdrawn"]) == (0, 1, 1)
    assert held(connection) == {
        ("claimed", day): (NIGHT, "claimed"),
        ("acked", day): (NIGHT, "acked"),
        ("failed", day): (NIGHT, "failed"),
        ("waits", day): (NEXT, "pending"),
        ("withdrawn", day): (NIGHT, "withdrawn"),
    }
    taken_back = (Path(world.outbox) / "queue" / f"batch_date={NEXT}" / "_withdrawals.jsonl").read_text().splitlines()
    assert [json.loads(line)["user_id"] for line in taken_back] == ["withdrawn"]
    assert set(published_decisions(day, world)) == {"claimed", "acked", "failed", "waits"}


def test_an_older_night_never_touches_what_a_newer_one_decided(world, connection, store, row):
    users = ("both", "newer_withholds", "older_alone")
    store(NIGHT, [row(user, NIGHT, horizon) for user in users for horizon in (0, 1)])
    store(NEXT, [row("both", NEXT), row("newer_withholds", NEXT, send=False)])
    publish_night(NEXT, world, connection)
    after_newer = held(connection)
    publish_night(NIGHT, world, connection)
    first, second = NIGHT + timedelta(days=1), NIGHT + timedelta(days=2)
    assert after_newer == {("both", second): (NEXT, "pending")}
    assert held(connection) == {
        **after_newer,
        **{(user, first): (NIGHT, "pending") for user in users},
        ("older_alone", second): (NIGHT, "pending"),
    }


def test_an_older_night_published_while_a_newer_one_is_gives_way(world, connection, store, row, monkeypatch):
    users = ("both", "newer_withholds", "older_alone")
    store(NIGHT, [row(user, NIGHT, horizon) for user in users for horizon in (0, 1)])
    store(NEXT, [row("both", NEXT), row("newer_withholds", NEXT, send=False)])
    older_has_looked = threading.Event()

    def waits(seen):
        return seen.execute("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted").fetchone()

    def look_and_linger(own, night):
        found = newer_nights(own, night)
        if night == NIGHT:
            older_has_looked.set()
            with connect(world) as seen:
                seen.autocommit = True
                for _ in range(3_000):
                    if waits(seen) or newer_nights(seen, NIGHT):
                        break
                    time.sleep(0.01)
        return found

    def published(night):
        with connect(world) as own:
            return publish_night(night, world, own)

    monkeypatch.setattr("interventions.publish.newer_nights", look_and_linger)
    with ThreadPoolExecutor(1) as pool:
        older = pool.submit(published, NIGHT)
        assert older_has_looked.wait(30)
        published(NEXT)
        older.result(30)
    first, second = NIGHT + timedelta(days=1), NIGHT + timedelta(days=2)
    expected = {
        **{(user, first): (NIGHT, "pending") for user in users},
        ("both", second): (NEXT, "pending"),
        ("newer_withholds", second): (NIGHT, "withdrawn"),
        ("older_alone", second): (NIGHT, "pending"),
    }
    assert held(connection) == expected
    published(NIGHT)
    assert held(connection) == expected


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"payload": '{"do":"take_over_the_world"}'}, "push, do: Input should be 'make_if_then_plan', "),
        ({"payload": '{"do":"start_timer","duration_min":"long"}'}, "push, duration_min: Input should be a valid int"),
        ({"payload": '{"do":"start_timer","load":NaN}'}, "push, load.*: Input should be a finite number"),
        ({"payload": '{"do":"start_timer"'}, "push, Invalid JSON"),
        ({"payload": None}, "push, Invalid JSON"),
        ({"channel": "fax"}, "fax is none of the channels push, "),
        ({"channel": "goal_adjustment"}, "goal_adjustment, do: "),
    ],
)
def test_a_payload_that_breaks_its_contract_keeps_the_night_from_being_published_and_is_named_in_one_line(
    world, connection, store, row, noon, change, problem
):
    store(NIGHT, [row(user, NIGHT, horizon) for user in ("a", "b", "c") for horizon in range(3)])
    publish_night(NIGHT, world, connection)
    before, files = rows_of(connection), list(Path(world.outbox).rglob("*"))
    # The one that is not sent has no reader to be wrong for.
    store(NEXT, [row("a", NEXT), row("b", NEXT) | change, row("c", NEXT) | change, row("d", NEXT, send=False) | change])
    with pytest.raises(
        PermanentError, match=rf"^night {NEXT}, decision {NEXT}-b-\S+ \(slow_breathing\): .*{problem}"
    ) as told:
        publish_night(NEXT, world, connection)
    assert "that of 2 of 3 decisions" in str(told.value)
    assert "\n" not in str(told.value)
    assert rows_of(connection) == before
    assert list(Path(world.outbox).rglob("*")) == files
    # The fallback decisions of the night before bridge the night.
    due = client.claim(connection, 10, worker="a", as_of=noon(1), due_only=True)
    assert [(item.user_id, item.batch_date, item.horizon) for item in due] == [(user, NIGHT, 1) for user in "abc"]


def test_a_rerun_night_updates_withdraws_and_brings_back(world, connection, store, row):
    store(NIGHT, [row("a"), row("b"), row("gone")])
    publish_night(NIGHT, world, connection)
    store(NIGHT, [row("a", message="Another text."), row("b", send=False)])
    counts = publish_night(NIGHT, world, connection)
    assert (counts["replaced"], counts["withdrawn"]) == (1, 2)
    assert {key[0]: status for key, (_, status) in held(connection).items()} == {
        "a": "pending", "b": "withdrawn", "gone": "withdrawn",
    }  # fmt: skip
    store(NIGHT, [row("a"), row("b"), row("gone")])
    publish_night(NIGHT, world, connection)
    assert {status for _, status in held(connection).values()} == {"pending"}
    assert client.list_items(connection, statuses=["pending"])[0].message == "Hello there."


def test_files_carry_the_contract_and_the_manifest_proves_them(world, connection, store, row):
    store(NIGHT, [row("b"), row("a"), row("c", send=False)])
    publish_night(NIGHT, world, connection)
    folder = Path(world.outbox) / "queue" / f"batch_date={NIGHT}"
    content = (folder / "decisions.jsonl").read_bytes()
    manifest = json.loads((folder / "_manifest.json").read_text())
    lines = [json.loads(line) for line in content.splitlines()]
    assert [line["user_id"] for line in lines] == ["a", "b"]
    assert all(line.pop("send") is True for line in lines)
    for line in lines:
        item = QueueItem.model_validate(line)
        assert item.payload["text"] == 'a "quoted", comma\nline'
    assert set(lines[0]) == set(item_schema()["properties"])
    assert manifest["counts"] == {"decisions": 3, "send": 2, "withdrawals": 0}
    assert manifest["sha256"]["decisions.jsonl"] == hashlib.sha256(content).hexdigest()
    assert manifest["policy_versions"] == ["test+0"]


def test_a_night_without_decisions_publishes_an_empty_queue(world, connection):
    counts = publish_night(NIGHT, world, connection)
    assert (counts["decisions"], counts["inserted"]) == (0, 0)
    assert (
        json.loads((Path(world.outbox) / "queue" / f"batch_date={NIGHT}" / "_manifest.json").read_text())["counts"][
            "send"
        ]
        == 0
    )


def test_texts_survive_the_copy(world, connection, store, row):
    texts = ['Tabs\tand "quotes", commas', "Zeilen\numbruch", "NULL", "\\N", "ümläut 🙂", ""]
    store(NIGHT, [row(f"u{number}", message=text or "x") for number, text in enumerate(texts)])
    publish_night(NIGHT, world, connection)
    assert {item.user_id: item.message for item in client.list_items(connection)} == {
        f"u{number}": text or "x" for number, text in enumerate(texts)
    }


def test_migrations_run_once(world, connection):
    from interventions.queue.store import connect, migrated

    names = connection.execute("SELECT name, applied_at FROM queue.migrations").fetchall()
    migrated.cache_clear()
    with connect(world) as again:
        assert again.execute("SELECT name, applied_at FROM queue.migrations").fetchall() == names
    with pytest.raises(Exception, match="interventions_user_date"):
        connection.execute(
            "INSERT INTO queue.interventions SELECT 'x' || g, 'u', '2026-01-05', 'push', 'a', 'm', '{}', now(),"
            " now() + interval '1 h', 0.5, 'p', NULL, NULL, '2026-01-04', 0 FROM generate_series(1, 2) AS g"
        )
