"""Look at the queue and work on it by hand.

python -m interventions.queue list --limit 10 --json
python -m interventions.queue claim --limit 5 --worker me --as-of 2026-03-02T12:00:00+00:00
python -m interventions.queue ack DECISION_ID --worker me
"""

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import datetime

from habitlake.clock import parse_date
from habitlake.contracts.schema import schema_text
from habitlake.errors import PERMANENT_EXIT_CODE, TRANSIENT_EXIT_CODE, HabitlakeError, PermanentError, TransientError
from habitlake.settings import get_settings
from interventions.queue import client
from interventions.queue.contract import ClaimedItem, item_schema
from interventions.queue.store import connect

DEFAULT_WORKER = "by-hand"


def instant(text: str) -> datetime:
    """Parse an ISO instant with offset."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError as error:
        msg = f"not an instant: {text!r}; write it as 2026-03-02T12:00:00+00:00"
        raise PermanentError(msg) from error
    if parsed.tzinfo is None:
        msg = f"{text!r} has no offset; write it as {text}+00:00"
        raise PermanentError(msg)
    return parsed


def parser() -> argparse.ArgumentParser:
    """Return the command line of the queue."""
    root = argparse.ArgumentParser(
        prog="habitlake queue", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = root.add_subparsers(dest="command", required=True)
    for name, text in {
        "list": "show decisions in the order in which they are due; claims nothing",
        "claim": "take decisions under a lease",
        "ack": "say that a claimed decision was sent",
        "fail": "say that sending failed: it comes back, and is dead after five attempts",
        "depth": "count decisions by state",
        "schema": "print the JSON Schema of a queue item",
    }.items():
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("--json", action="store_true", help="print JSON")
        if name in {"list", "claim"}:
            command.add_argument("--limit", type=int, default=20, help="at most so many")
            command.add_argument("--channel", help="of this channel alone")
        if name == "list":
            command.add_argument("--status", action="append", default=[], choices=client.STATUSES, help="in this state")
            command.add_argument("--batch-date", type=parse_date, help="decided by this night")
        if name in {"claim", "fail", "depth"}:
            command.add_argument("--as-of", type=instant, help="judge by this instant instead of the clock")
        if name == "claim":
            command.add_argument("--due", action="store_true", help="only what is to be sent by now")
            command.add_argument("--lease", type=float, default=client.DEFAULT_LEASE_S, help="length of the lease")
        if name in {"ack", "fail"}:
            command.add_argument("decision_id")
        if name == "fail":
            command.add_argument("--error", required=True, help="what went wrong")
        if name in {"claim", "ack", "fail"}:
            command.add_argument("--worker", default=DEFAULT_WORKER, help="who claims")
    return root


def execute(options: argparse.Namespace) -> object:
    """Run one command; return what it has to show: a list of items or a dictionary."""
    with connect(get_settings()) as connection:
        if options.command == "list":
            return client.list_items(
                connection,
                options.limit,
                statuses=options.status,
                batch_date=options.batch_date,
                channel=options.channel,
            )
        if options.command == "claim":
            return client.claim(
                connection, options.limit, worker=options.worker, lease_seconds=options.lease,
                channel=options.channel, as_of=options.as_of, due_only=options.due,
            )  # fmt: skip
        if options.command == "depth":
            return client.depth(connection, options.as_of)
        if options.command == "ack":
            client.ack(connection, options.decision_id, options.worker)
            return {"decision_id": options.decision_id, "status": "acked"}
        status = client.fail(connection, options.decision_id, options.worker, options.error, options.as_of)
        return {"decision_id": options.decision_id, "status": status}


def show(result: object, *, as_json: bool) -> None:
    """Print a result for a script or for a person."""
    items = [item.model_dump(mode="json") for item in result] if isinstance(result, list) else result
    if as_json:
        sys.stdout.write(json.dumps(items, ensure_ascii=False) + "\n")
        return
    if isinstance(result, dict):
        sys.stdout.write("\n".join(f"{name:<12} {value}" for name, value in result.items()) + "\n")
        return
    for item in result if isinstance(result, list) else []:
        assert isinstance(item, ClaimedItem)  # noqa: S101 - narrows the type
        sys.stdout.write(
            f"{item.decision_id}  {item.user_id}  {item.status:<9} {item.send_at:%Y-%m-%d %H:%M}Z"
            f"  {item.channel}/{item.action}\n    {item.message}\n"
        )
    if not items:
        sys.stdout.write("nothing to show\n" if items == [] else "")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    try:
        options = parser().parse_args(argv)
        if options.command == "schema":
            sys.stdout.write(schema_text(item_schema()))
            return 0
        show(execute(options), as_json=options.json)
    except TransientError as error:
        sys.stderr.write(f"error: {error}\n")
        return TRANSIENT_EXIT_CODE
    except HabitlakeError as error:
        sys.stderr.write(f"error: {error}\n")
        return PERMANENT_EXIT_CODE
    return 0


if __name__ == "__main__":
    sys.exit(main())
