"""A night's decisions into the queue's table: one COPY, one statement, one transaction."""

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
from psycopg import Connection

UPSERT = Path(__file__).parent / "upsert.sql"
SENT_COLUMNS = (
    "decision_id", "user_id", "local_date", "channel", "action", "intervention", "message", "payload", "send_at",
    "expires_at", "probability", "policy_version", "model", "model_version", "batch_date", "horizon",
)  # fmt: skip
INCOMING = """
CREATE TEMPORARY TABLE incoming (
    decision_id text, user_id text, local_date date, channel text, action text, intervention text, message text,
    payload text, send_at timestamptz, expires_at timestamptz, probability double precision, policy_version text,
    model text, model_version text, batch_date date, horizon integer, send boolean
) ON COMMIT DROP
"""
COPY_ROWS = 50_000


def lock_publishing(connection: Connection[Any]) -> None:
    """Let no other connection publish until the transaction ends."""
    connection.execute("SELECT pg_advisory_xact_lock(hashtext('queue.publish'))")


def newer_nights(connection: Connection[Any], batch_date: date) -> list[date]:
    """Return the published nights after this one, whose decisions an older night must not touch."""
    rows = connection.execute(
        "SELECT batch_date FROM queue.publications WHERE batch_date > %s ORDER BY batch_date", [batch_date]
    )
    return [row[0] for row in rows]


def publish_rows(connection: Connection[Any], night: date, decisions: pl.DataFrame) -> dict[str, int]:
    """Bring one night's decisions into the queue; a second time changes nothing. Where others publish, lock before.

    Parameters
    ----------
    decisions
        Rows of gold.decisions of one night, those not to send included: they withdraw what waits for the same
        person and local date.

    Returns
    -------
    dict
        Rows inserted, replaced and withdrawn.
    """
    keys = ("user_id", "local_date", "batch_date", "send")
    sent = decisions.filter("send").select(*SENT_COLUMNS, "send")
    withheld = decisions.filter(~pl.col("send")).select(keys)
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute(INCOMING)
        for rows in (sent, withheld):
            columns = ", ".join(rows.columns)
            with cursor.copy(f"COPY incoming ({columns}) FROM STDIN WITH (FORMAT csv)".encode()) as copy:
                for part in rows.iter_slices(COPY_ROWS):
                    copy.write(part.write_csv(include_header=False, quote_style="non_numeric", null_value=""))
        cursor.execute("ANALYZE incoming")
        row = cursor.execute(UPSERT.read_bytes(), {"night": night}).fetchone()
    withdrawn, inserted, replaced = row or (0, 0, 0)
    if withdrawn or inserted or replaced:
        # Claims walk an index in order; with the statistics of an empty table they would sort the whole queue.
        with connection.transaction():
            connection.execute("ANALYZE queue.interventions")
    return {"inserted": inserted, "replaced": replaced, "withdrawn": withdrawn}
