"""Job: the last night's decisions into the queue, the outbox and (where configured) SQS.

    python -m interventions.publish --start 2026-03-01 --end 2026-03-07

Reads gold.decisions; writes Postgres queue.interventions and OUTBOX/queue/batch_date=N. Nights before the last are
over and are not published. Publishing again changes nothing; an older night never changes what a newer one decided,
also where both are published at once. A night in which a payload breaks the contract of its channel is refused whole.
"""

import sys
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import polars as pl
from psycopg import Connection

from habitlake.clock import Interval
from habitlake.errors import PermanentError
from habitlake.job import JobContext, Summary, run_job
from habitlake.lake import scan_table
from habitlake.settings import Settings
from interventions.outbox import send_to_sqs, write_outbox
from interventions.policy import HORIZONS
from interventions.queue.payloads import broken_contract
from interventions.queue.publish_rows import SENT_COLUMNS, lock_publishing, newer_nights, publish_rows
from interventions.queue.store import connect

KEYS = ("user_id", "local_date")


def read_decisions(night: date, settings: Settings) -> pl.DataFrame:
    """Return the night's decisions; those not to send have nulls in the columns that nobody needs of them."""
    columns = [column for column in SENT_COLUMNS if column not in {"batch_date", *KEYS}]
    return (
        scan_table("gold.decisions", settings, Interval(night, night))
        .select("batch_date", *KEYS, "send", *(pl.when("send").then(column).alias(column) for column in columns))
        .collect()
    )


def refuse_broken_payloads(night: date, sent: pl.DataFrame) -> None:
    """Hold every payload of a night against the contract of its channel; one that many people share is looked at once.

    Raises
    ------
    PermanentError
        If a payload breaks its contract; one line names the first.
    """
    keys = ("intervention", "channel", "payload")
    alike = sent.group_by(keys).agg(pl.col("decision_id").min(), pl.len()).sort(keys)
    for intervention, channel, payload, decision_id, count in alike.iter_rows():
        problem = broken_contract(channel, payload or "")
        if problem:
            msg = (
                f"night {night}, decision {decision_id} ({intervention}): the payload breaks its contract: {problem};"
                f" it is that of {count} of {sent.height} decisions; correct the library and decide again,"
                " nothing was published"
            )
            raise PermanentError(msg)


def overlapping(nights: Interval, settings: Settings, *, sent_only: bool) -> pl.LazyFrame:
    """Return the keys that some nights decided on."""
    frame = scan_table("gold.decisions", settings, nights)
    return (frame.filter("send") if sent_only else frame).select(*KEYS, "decision_id", "batch_date")


def not_decided_later(decisions: pl.DataFrame, night: date, newer: list[date], settings: Settings) -> pl.DataFrame:
    """Drop what a newer published night has decided; only nights close enough to share local dates are read."""
    reach = night + timedelta(days=HORIZONS)
    near = [later for later in newer if later <= reach]
    if not near:
        return decisions
    later = overlapping(Interval(near[0], near[-1]), settings, sent_only=False).filter(pl.col("batch_date").is_in(near))
    return decisions.join(later.select(KEYS).unique().collect(), on=KEYS, how="anti")


def withdrawals(decisions: pl.DataFrame, night: date, settings: Settings) -> pl.DataFrame:
    """Return what earlier nights would have sent on a day for which this night decided not to."""
    earlier = Interval(night - timedelta(days=HORIZONS - 1), night - timedelta(days=1))
    sent = overlapping(earlier, settings, sent_only=True).collect()
    return (
        sent.join(decisions.filter(~pl.col("send")).select(KEYS), on=KEYS, how="semi")
        .sort("batch_date")
        .unique(KEYS, keep="last", maintain_order=True)
    )


def publish_night(night: date, settings: Settings, connection: Connection[Any]) -> dict[str, object]:
    """Publish one night everywhere; return counts.

    Raises
    ------
    PermanentError
        If a payload breaks the contract of its channel; nothing is published then.
    """
    decisions = read_decisions(night, settings)
    sent = decisions.filter("send")
    refuse_broken_payloads(night, sent)
    manifest = write_outbox(
        night, sent, withdrawals(decisions, night, settings), {"decisions": decisions.height}, settings
    )
    sha256 = manifest["sha256"]["decisions.jsonl"]
    with connection.transaction():
        # Nights are published one after the other: what is newer must not change between this reading and the writing.
        lock_publishing(connection)
        live = not_decided_later(decisions, night, newer_nights(connection, night), settings)
        counts = publish_rows(connection, night, live)
        connection.execute(
            "INSERT INTO queue.publications AS p (batch_date, decisions, sha256) VALUES (%s, %s, %s)"
            " ON CONFLICT (batch_date) DO UPDATE SET decisions = excluded.decisions, sha256 = excluded.sha256,"
            " published_at = now() WHERE p.sha256 <> excluded.sha256",
            [night, decisions.height, sha256],
        )
    summary: dict[str, object] = {"night": str(night), "decisions": decisions.height, "to_send": sent.height, **counts}
    if settings.sqs_queue_url:
        summary["sqs"] = send_once(night, sha256, live.filter("send"), settings, connection)
    return summary


def send_once(night: date, sha256: str, sent: pl.DataFrame, settings: Settings, connection: Connection[Any]) -> int:
    """Send the night to SQS unless just these decisions were sent before; return how many messages went out."""
    row = connection.execute("SELECT sqs_sha256 FROM queue.publications WHERE batch_date = %s", [night]).fetchone()
    if row and row[0] == sha256:
        return 0
    count = send_to_sqs(sent, settings)
    connection.execute("UPDATE queue.publications SET sqs_sha256 = %s WHERE batch_date = %s", [sha256, night])
    connection.commit()
    return count


def run(context: JobContext) -> Summary:
    """Publish the last night of the interval."""
    with connect(context.settings) as connection:
        return publish_night(context.interval.end, context.settings, connection)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job from the command line."""
    return run_job("interventions.publish", run, description=__doc__ or "", argv=argv)


if __name__ == "__main__":
    sys.exit(main())
