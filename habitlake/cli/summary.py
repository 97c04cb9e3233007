"""What a person sees after a night and on ``habitlake status``."""

from dataclasses import asdict
from datetime import date
from typing import Any

from habitlake.cli.decided import decided
from habitlake.cli.lake import batch_audit, open_lake
from habitlake.cli.output import console, print_table, rows_of
from habitlake.cli.stage import read_json
from habitlake.lake import stored_nights
from habitlake.nights import ledger
from habitlake.settings import Settings
from habitlake.tables import TABLES

QUEUE_ROWS = 8
QUEUE_COLUMNS = ("user_id", "local_date", "action", "channel", "send_at", "message")


def gate_counts(settings: Settings, night: date) -> list[dict[str, Any]]:
    """Return per gate of a night: expectations held, warned and failed."""
    rows = (
        open_lake(settings, mentioned_in="ops.gate_results")
        .execute(
            "SELECT gate, count(*) FILTER (success), count(*) FILTER (NOT success AND severity = 'warn'),"
            " count(*) FILTER (NOT success AND severity = 'fail') FROM ops.gate_results WHERE batch_date = ?"
            " GROUP BY gate ORDER BY gate DESC",
            [night],
        )
        .fetchall()
    )
    return [{"gate": gate, "held": held, "warned": warned, "failed": failed} for gate, held, warned, failed in rows]


def row_counts(settings: Settings, night: date) -> dict[str, dict[str, int]]:
    """Return per table the rows of one night and of all nights."""
    connection = open_lake(settings)
    counts = {}
    for name in TABLES:
        row = connection.execute(
            f"SELECT count(*) FILTER (batch_date = ?), count(*) FROM {name}",
            [night],
        ).fetchone() or (0, 0)
        counts[name] = {"night": int(row[0]), "all": int(row[1])}
    return counts


def status(settings: Settings) -> dict[str, Any]:
    """Return the state of the world: last night, stale and pending nights, gates, rows, freshness, models, queue."""
    state = ledger.ledger_state(settings)
    with ledger.connect(settings) as connection:
        nights = ledger.night_rows(connection)
    night = state.last_night
    return {
        "home": str(settings.home),
        "last_night": night,
        "nights": [asdict(row) for row in nights],
        "stale": [asdict(stale) for stale in state.stale],
        "pending": state.pending,
        "gates": gate_counts(settings, night) if night else [],
        "rows": row_counts(settings, night) if night else {},
        "freshness": {name: max(stored_nights(name, settings), default=None) for name in TABLES},
        "models": read_json("models.lifecycle.registry", ["--json"]),
        "queue": read_json("interventions.queue", ["depth", "--json"]),
    }


def print_status(report: dict[str, Any]) -> None:
    """Print the state of the world for a person."""
    console.print(f"[bold]world[/bold]       {report['home']}")
    console.print(f"[bold]last night[/bold]  {report['last_night'] or 'none yet: run `make nightly`'}")
    if report["stale"]:
        first = report["stale"][0]
        console.print(
            f"[bold red]stale[/bold red]       {len(report['stale'])} nights from {first['batch_date']}"
            f" ({first['reason']}); run: habitlake repair"
        )
    if report["pending"]:
        console.print(
            f"[bold]pending[/bold]     {len(report['pending'])} landed nights wait: {report['pending'][0]} ..."
        )
    failed = [row for row in report["nights"] if row["status"] != "done"]
    for row in failed:
        console.print(f"[bold red]{row['status']}[/bold red]     {row['batch_date']} at task {row['failed_task']}")
    print_gates(report["gates"])
    print_table(
        "Tables",
        ("table", "rows of the night", "rows in all", "newest night"),
        [[name, count["night"], count["all"], report["freshness"].get(name)] for name, count in report["rows"].items()],
    )
    print_models(report["models"])
    print_table("Queue", ("status", "decisions"), report["queue"].items())


def print_gates(gates: list[dict[str, Any]]) -> None:
    """Print one line per gate."""
    if gates:
        print_table("Gates", ("gate", "held", "warned", "failed"), rows_of(gates, ("gate", "held", "warned", "failed")))


def print_models(models: list[dict[str, Any]]) -> None:
    """Print each registered model with the last decision on it; `habitlake models` shows the figures."""
    if not models:
        console.print("Models: none was trained yet; decisions use features alone.")
        return
    for model in models:
        console.print(f"[bold]Model[/bold] {model['name']}: champion version {model.get('champion') or 'none'}")
        if model.get("decision"):
            console.print(f"    last decision: {model['decision']}", markup=False)
        for reason in model.get("retraining_due") or []:
            console.print(f"    retraining is due: {reason}; run: habitlake retrain", markup=False)


def print_summary(settings: Settings, night: date) -> None:
    """Print what came out of a night: counts, gates, model, tonight's queue, and what to open next."""
    console.rule(f"night {night}")
    audit = next((batch for batch in batch_audit(settings) if batch["batch_date"] == night), None)
    if audit:
        reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(audit["reasons"].items()))
        console.print(
            f"Landing   {audit['raw']:,} lines = {audit['accepted']:,} accepted + {audit['duplicates']:,} duplicates"
            f" + {audit['rejected']:,} rejected ({reasons or 'no reason needed'})"
        )
    else:
        console.print("Landing   nothing arrived in this night")
    print_gates(gate_counts(settings, night))
    print_models(read_json("models.lifecycle.registry", ["--json"]))
    print_table("Decided for the next day", ("what", "people", "of them"), decided(settings, night))
    queue = read_json("interventions.queue", ["list", "--json", "--limit", str(QUEUE_ROWS), "--batch-date", str(night)])
    print_table("Tonight's queue (first rows)", QUEUE_COLUMNS, rows_of(queue, QUEUE_COLUMNS))
    depth = read_json("interventions.queue", ["depth", "--json"])
    console.print("Queue     " + ", ".join(f"{count:,} {state}" for state, count in depth.items()))
    console.print(
        "\nNext: `habitlake status` | `habitlake explain DECISION_ID` | `habitlake sql 'select ...'`"
        " | `habitlake report` | `make up` for the Airflow UI and the report | `make nightly` for the next night"
    )
