"""The queue on the command line: ``habitlake queue list|claim|ack|fail|depth``."""

import json
from datetime import datetime
from typing import Annotated, Any

import typer

from habitlake.cli.app import Json, run_app
from habitlake.cli.output import console, print_json, print_table, rows_of
from habitlake.settings import get_settings
from interventions.queue import client

app = typer.Typer(name="habitlake queue", help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
COLUMNS = ("decision_id", "user_id", "local_date", "channel", "action", "send_at", "expires_at", "status", "message")
Worker = Annotated[str | None, typer.Option(help="who claims; only the claimer may ack or fail")]


def _show(items: list[dict[str, Any]], json_output: bool) -> None:  # noqa: FBT001
    if json_output:
        print_json(items)
    else:
        print_table(f"{len(items)} decisions", COLUMNS, rows_of(items, COLUMNS))


@app.command(name="list")
def list_(
    limit: Annotated[int, typer.Option(min=1, help="rows at most")] = 20,
    status: Annotated[str | None, typer.Option(help="pending, claimed, acked, dead or withdrawn")] = None,
    batch_date: Annotated[str | None, typer.Option(help="only decisions of this night")] = None,
    json_output: Json = False,
) -> None:
    """List decisions, those of the newest night and the next local day first."""
    _show(client.list_items(get_settings(), limit=limit, status=status, batch_date=batch_date), json_output)


@app.command()
def claim(  # noqa: PLR0913, PLR0917 - one option each
    limit: Annotated[int, typer.Option(min=1, help="decisions at most")] = 10,
    lease: Annotated[int, typer.Option(min=1, help="seconds until an unacked decision comes back")] = 300,
    channel: Annotated[str | None, typer.Option(help="only this channel")] = None,
    worker: Worker = "command-line",
    as_of: Annotated[datetime | None, typer.Option(help="act at this UTC instant instead of now")] = None,
    json_output: Json = False,
) -> None:
    """Claim due decisions under a lease."""
    items = client.claim(
        get_settings(), worker=worker or "command-line", limit=limit, lease_seconds=lease, channel=channel, as_of=as_of
    )
    _show(items, json_output)


@app.command()
def ack(decision_id: str, worker: Worker = None, json_output: Json = False) -> None:
    """Say that a claimed decision was carried out."""
    _said(decision_id, client.ack(get_settings(), decision_id, worker), json_output)


@app.command()
def fail(
    decision_id: str,
    error: Annotated[str, typer.Option(help="what went wrong")] = "no reason given",
    worker: Worker = None,
    json_output: Json = False,
) -> None:
    """Give a claimed decision back; after five attempts it is dead."""
    _said(decision_id, client.fail(get_settings(), decision_id, error, worker), json_output)


def _said(decision_id: str, status: str, json_output: bool) -> None:  # noqa: FBT001
    if json_output:
        print_json({"decision_id": decision_id, "status": status})
    else:
        console.print(f"{decision_id} is {status}")


@app.command()
def depth(json_output: Json = False) -> None:
    """Count decisions by status."""
    counts = client.depth(get_settings())
    if json_output:
        console.print(json.dumps(counts), markup=False)
    else:
        print_table("Queue", ("status", "decisions"), counts.items())


if __name__ == "__main__":
    run_app(app)
