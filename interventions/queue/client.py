"""What a sending client does: claim due decisions under a lease, ack or fail them; and what an operator looks at.

Instants are judged by the database's clock; ``as_of`` replaces it for worlds whose dates lie in the past, and tests.
A claimed decision whose lease ran out is handed out again. A decision past ``expires_at`` is never handed out.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from psycopg import Connection
from psycopg.rows import dict_row

from habitlake.errors import PermanentError
from habitlake.settings import Settings
from interventions.queue.contract import ClaimedItem, QueueItem
from interventions.queue.store import connect
from interventions.schedule import LIFETIME

MAX_ATTEMPTS = 5
RETRY_AFTER = timedelta(minutes=1)
DEFAULT_LEASE_S = 300
STATUSES = ("pending", "claimed", "acked", "failed", "withdrawn", "dead")
COLUMNS = (*QueueItem.model_fields, "status", "attempts", "claimed_by", "lease_until", "last_error")
_SELECTED = ", ".join(f"q.{column}" for column in COLUMNS)

# Constants of this module alone; every value is a parameter. The instant is written out in each comparison, not
# joined in, so that it bounds the index scans.
_INSTANT = "coalesce(%(as_of)s::timestamptz, now())"
_BURY = f"""
UPDATE queue.interventions SET status = 'dead', updated_at = now(),
    last_error = coalesce(last_error, 'its lease ran out ' || attempts || ' times')
WHERE decision_id IN (
    SELECT decision_id FROM queue.interventions
    WHERE status = 'claimed' AND lease_until <= {_INSTANT} AND attempts >= %(max_attempts)s
    FOR UPDATE SKIP LOCKED
)
"""
# Due now, the first to expire first. No decision outlives its lifetime, so what is due expires within it: the scan
# starts behind everything expired and ends before everything far ahead.
_DUE = f"send_at <= {_INSTANT} AND expires_at > {_INSTANT} AND expires_at <= {_INSTANT} + %(lifetime)s"
_AHEAD = f"send_at > {_INSTANT} AND horizon = 0"


def _claim(which: str, order: str) -> bytes:
    return f"""
    WITH chosen AS (
        SELECT decision_id FROM queue.interventions
        WHERE status IN ('pending', 'claimed', 'failed')
            AND (status = 'pending' OR lease_until <= {_INSTANT})
            AND attempts < %(max_attempts)s
            AND (%(channel)s::text IS NULL OR channel = %(channel)s)
            AND {which}
        ORDER BY {order}, decision_id
        LIMIT %(limit)s
        FOR UPDATE SKIP LOCKED
    )
    UPDATE queue.interventions AS q
    SET status = 'claimed', attempts = q.attempts + 1, claimed_by = %(worker)s, updated_at = now(),
        lease_until = {_INSTANT} + make_interval(secs => %(lease_seconds)s)
    FROM chosen
    WHERE q.decision_id = chosen.decision_id
    RETURNING {_SELECTED}
    """.encode()


def claim(
    connection: Connection[Any],
    limit: int,
    *,
    worker: str,
    lease_seconds: float = DEFAULT_LEASE_S,
    channel: str | None = None,
    as_of: datetime | None = None,
    due_only: bool = False,
) -> list[ClaimedItem]:
    """Hand out up to ``limit`` decisions, the most urgent first; no two clients get the same one.

    A decision can be had when it is not expired, and pending, failed and waited, or claimed with its lease run
    out. The next day's decisions are final, so they are handed out ahead and the client keeps to ``send_at``
    (``due_only``: not before it). Fallback days are handed out only once due, for a later night may replace them.
    """
    values = {
        "limit": limit, "worker": worker, "lease_seconds": lease_seconds, "channel": channel, "as_of": as_of,
        "max_attempts": MAX_ATTEMPTS, "lifetime": LIFETIME,
    }  # fmt: skip
    with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(_BURY.encode(), values)
        rows = cursor.execute(_claim(_DUE, "expires_at"), values).fetchall()
        if not due_only and len(rows) < limit:
            rows += cursor.execute(_claim(_AHEAD, "send_at"), {**values, "limit": limit - len(rows)}).fetchall()
    return sorted((ClaimedItem.model_validate(row) for row in rows), key=lambda item: (item.send_at, item.decision_id))


def ack(connection: Connection[Any], decision_id: str, worker: str) -> None:
    """Record that the decision was sent; once more changes nothing.

    Raises
    ------
    PermanentError
        If this client does not hold the decision (its lease ran out and another got it, or it was never claimed).
    """
    _finish(
        connection, decision_id, worker,
        "UPDATE queue.interventions SET status = 'acked', lease_until = NULL, updated_at = now()"
        " WHERE decision_id = %(id)s AND claimed_by = %(worker)s AND status = 'claimed'",
        {}, done="acked",
    )  # fmt: skip


def fail(connection: Connection[Any], decision_id: str, worker: str, error: str, as_of: datetime | None = None) -> str:
    """Record that sending failed; it is handed out again after a minute, or is dead after five attempts.

    Returns
    -------
    str
        The new status, ``failed`` or ``dead``.

    Raises
    ------
    PermanentError
        If this client does not hold the decision.
    """
    return _finish(
        connection, decision_id, worker,
        "UPDATE queue.interventions SET status = CASE WHEN attempts >= %(max)s THEN 'dead' ELSE 'failed' END,"
        " lease_until = coalesce(%(as_of)s::timestamptz, now()) + %(wait)s, last_error = %(error)s, updated_at = now()"
        " WHERE decision_id = %(id)s AND claimed_by = %(worker)s AND status = 'claimed'",
        {"max": MAX_ATTEMPTS, "wait": RETRY_AFTER, "error": error[:2_000], "as_of": as_of}, done=None,
    )  # fmt: skip


def _finish(
    connection: Connection[Any], decision_id: str, worker: str, update: str, values: dict[str, object], done: str | None
) -> str:
    with connection.transaction():
        row = connection.execute(
            update.encode() + b" RETURNING status", {"id": decision_id, "worker": worker, **values}
        ).fetchone()
        if row:
            return str(row[0])
        held = connection.execute(
            "SELECT status, claimed_by FROM queue.interventions WHERE decision_id = %s", [decision_id]
        ).fetchone()
    if held is None:
        msg = f"decision {decision_id} is not in the queue; a newer night may have replaced it"
        raise PermanentError(msg)
    if held[0] == done and held[1] == worker:
        return str(held[0])
    msg = f"decision {decision_id} is {held[0]} and held by {held[1] or 'nobody'}, not by {worker}; claim it first"
    raise PermanentError(msg)


def list_items(
    connection: Connection[Any],
    limit: int = 100,
    *,
    statuses: Sequence[str] = (),
    batch_date: date | None = None,
    channel: str | None = None,
) -> list[ClaimedItem]:
    """Return items without claiming them: the newest night's first, the next local day before the fallback days."""
    query = (
        f"SELECT {_SELECTED} FROM queue.interventions AS q"
        " WHERE (cardinality(%(statuses)s::text[]) = 0 OR status = ANY(%(statuses)s))"
        " AND (%(batch_date)s::date IS NULL OR batch_date = %(batch_date)s)"
        " AND (%(channel)s::text IS NULL OR channel = %(channel)s)"
        " ORDER BY batch_date DESC, horizon, send_at, decision_id LIMIT %(limit)s"
    )
    values = {"statuses": list(statuses), "batch_date": batch_date, "channel": channel, "limit": limit}
    with connection.cursor(row_factory=dict_row) as cursor:
        return [ClaimedItem.model_validate(row) for row in cursor.execute(query.encode(), values)]


def depth(connection: Connection[Any], as_of: datetime | None = None) -> dict[str, int]:
    """Return how many decisions are in each state; those that wait past their expiry count as ``expired``."""
    counts = dict.fromkeys((*STATUSES, "expired"), 0)
    counts.update(
        connection.execute(
            "SELECT CASE WHEN status IN ('pending', 'failed') AND expires_at <= coalesce(%s::timestamptz, now())"
            " THEN 'expired' ELSE status END AS state, count(*) FROM queue.interventions GROUP BY state",
            [as_of],
        ).fetchall()
    )
    return counts


def queue_depth(settings: Settings) -> dict[str, int]:
    """Return how many decisions are in each state, for a report."""
    with connect(settings) as connection:
        return depth(connection)
