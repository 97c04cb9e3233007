"""The queue as its clients see it.

A decision is pending, claimed under a lease, then acked; a failed or expired claim goes back to pending until
its attempts run out (dead). A decision past its expiry is never handed out. ``as_of`` is the instant a client
acts at; it defaults to the database's clock and lets a world of the past be replayed.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psycopg.rows import dict_row

from habitlake.errors import PermanentError
from habitlake.runtime import postgres
from habitlake.settings import Settings

if TYPE_CHECKING:
    import psycopg

MIGRATIONS = Path(__file__).with_name("migrations.sql")
MAX_ATTEMPTS = 5
MOMENT = "coalesce(%(as_of)s::timestamptz, now())"
ITEM_COLUMNS = (
    "decision_id, user_id, local_date, channel, action, message, payload, probability, send_at, expires_at,"
    " horizon, batch_date, policy_version, model, model_version, status, attempts, claimed_by, lease_until"
)


@contextmanager
def queue_connection(settings: Settings) -> Iterator["psycopg.Connection[dict[str, Any]]"]:
    """Connect with the queue's table in place; commits at the end."""
    with postgres.connect("habitlake", settings) as connection:
        connection.row_factory = dict_row  # type: ignore[assignment]
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(hashtext('habitlake.queue.migrations'))")
            connection.execute(MIGRATIONS.read_text())
        yield connection  # type: ignore[misc]


def claim(  # noqa: PLR0913 - the terms of a claim
    settings: Settings,
    *,
    worker: str,
    limit: int = 10,
    lease_seconds: int = 300,
    channel: str | None = None,
    as_of: datetime | None = None,
) -> list[dict[str, Any]]:
    """Hand out up to ``limit`` due decisions under a lease; two clients never get the same one.

    Due is what may be sent now or later today: not expired, not under another's lease. Earliest first.
    """
    with queue_connection(settings) as connection:
        values = {"as_of": as_of, "channel": channel, "limit": limit, "worker": worker, "lease": lease_seconds}
        connection.execute(
            f"""UPDATE queue.interventions SET status = 'dead', updated_at = now()
            WHERE status = 'claimed' AND lease_until < {MOMENT} AND attempts >= {MAX_ATTEMPTS}""",  # noqa: S608 - constants
            values,
        )
        return connection.execute(
            f"""
            UPDATE queue.interventions
            SET status = 'claimed', claimed_by = %(worker)s, attempts = attempts + 1, updated_at = now(),
                lease_until = {MOMENT} + make_interval(secs => %(lease)s)
            WHERE decision_id IN (
                SELECT decision_id FROM queue.interventions
                WHERE (status = 'pending' OR (status = 'claimed' AND lease_until < {MOMENT}))
                  AND expires_at > {MOMENT}
                  AND (%(channel)s::text IS NULL OR channel = %(channel)s)
                ORDER BY send_at, decision_id
                LIMIT %(limit)s
                FOR UPDATE SKIP LOCKED
            )
            RETURNING {ITEM_COLUMNS}
            """,  # noqa: S608 - constants of this module
            values,
        ).fetchall()


def _settle(settings: Settings, decision_id: str, worker: str | None, assignment: str, values: dict[str, Any]) -> str:
    with queue_connection(settings) as connection:
        row = connection.execute(
            f"""UPDATE queue.interventions SET {assignment}, updated_at = now()
            WHERE decision_id = %(id)s AND status = 'claimed' AND (%(worker)s::text IS NULL OR claimed_by = %(worker)s)
            RETURNING status""",  # noqa: S608 - the assignment is a constant of this module
            {"id": decision_id, "worker": worker, **values},
        ).fetchone()
        if row is not None:
            return str(row["status"])
        found = connection.execute(
            "SELECT status, claimed_by FROM queue.interventions WHERE decision_id = %s", [decision_id]
        ).fetchone()
    state = f"it is {found['status']} (claimed by {found['claimed_by']})" if found else "there is no such decision in the queue"
    msg = f"decision {decision_id} is not claimed by {worker or 'anyone'}: {state}; claim it first"
    raise PermanentError(msg)


def ack(settings: Settings, decision_id: str, worker: str | None = None) -> str:
    """Record that a claimed decision was carried out; return its status.

    Raises
    ------
    PermanentError
        If it is not claimed by this worker.
    """
    return _settle(settings, decision_id, worker, "status = 'acked', lease_until = NULL", {})


def fail(settings: Settings, decision_id: str, error: str, worker: str | None = None) -> str:
    """Give a claimed decision back; after five attempts it is dead. Return its status.

    Raises
    ------
    PermanentError
        If it is not claimed by this worker.
    """
    assignment = (
        f"status = CASE WHEN attempts >= {MAX_ATTEMPTS} THEN 'dead' ELSE 'pending' END, lease_until = NULL, last_error = %(error)s"
    )
    return _settle(settings, decision_id, worker, assignment, {"error": error[:1000]})


def list_items(
    settings: Settings, *, limit: int = 20, status: str | None = None, batch_date: str | None = None
) -> list[dict[str, Any]]:
    """Return decisions of the queue, the next local day's first, earliest to send first."""
    with queue_connection(settings) as connection:
        return connection.execute(
            f"""SELECT {ITEM_COLUMNS} FROM queue.interventions
            WHERE (%(status)s::text IS NULL OR status = %(status)s)
              AND (%(batch)s::date IS NULL OR batch_date = %(batch)s::date)
            ORDER BY batch_date DESC, horizon, send_at, decision_id LIMIT %(limit)s""",  # noqa: S608 - constants
            {"status": status, "batch": batch_date, "limit": limit},
        ).fetchall()


def depth(settings: Settings) -> dict[str, int]:
    """Return the number of decisions per status; expired ones that nobody claimed are counted apart."""
    with queue_connection(settings) as connection:
        rows: Sequence[dict[str, Any]] = connection.execute(
            "SELECT CASE WHEN status = 'pending' AND expires_at <= now() THEN 'expired' ELSE status END AS state,"
            " count(*) AS count FROM queue.interventions GROUP BY 1 ORDER BY 1"
        ).fetchall()
    return {str(row["state"]): int(row["count"]) for row in rows}
