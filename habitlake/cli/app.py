"""The ``habitlake`` command: one program for a person at the platform; every command has ``--help``."""

import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from habitlake.cli.output import console, errors, print_json, print_table, to_json
from habitlake.cli.stage import hand_over
from habitlake.clock import ONE_DAY, Interval, parse_date
from habitlake.errors import (
    PERMANENT_EXIT_CODE,
    TRANSIENT_EXIT_CODE,
    HabitlakeError,
    PermanentError,
    TransientError,
    environment_error,
)
from habitlake.log import configure_logging
from habitlake.runtime.serve import Service
from habitlake.settings import Settings, get_settings

app = typer.Typer(
    name="habitlake",
    help="A lakehouse that turns a fitness app's events into tonight's interventions.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

Json = Annotated[bool, typer.Option("--json", help="print JSON for scripts")]
PASS_THROUGH = {"allow_extra_args": True, "ignore_unknown_options": True}


def _settings() -> Settings:
    settings = get_settings()
    configure_logging(settings.log_level, settings.log_format)
    return settings


@app.command()
def nightly(
    date: Annotated[str | None, typer.Option(help="run or rerun this night (YYYY-MM-DD) on what has landed")] = None,
    end: Annotated[str | None, typer.Option(help="with --date: last night of a range")] = None,
    data: Annotated[
        str | None, typer.Option(envvar="DATA", help="where a new world's events come from: demo, landing, NAME:PATH")
    ] = None,
) -> None:
    """Run the next night of this world through the real DAGs; the first run also brings in history and trains."""
    from habitlake.cli import nightly as driver

    if end and not date:
        msg = f"--end {end} needs --date, the first night of the range"
        raise PermanentError(msg)
    night = parse_date(date) if date else None
    driver.nightly(_settings(), data=data, night=night, end=parse_date(end) if end else None)


@app.command()
def repair(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say which nights are stale, run nothing")] = False,
) -> None:
    """Run again, in order, the nights that no longer follow from what has landed."""
    from habitlake.cli import nightly as driver
    from habitlake.runtime import stack

    settings = _settings()
    stack.ensure_services(settings)
    interval = driver.repair(settings, dry_run=dry_run)
    if interval is None:
        console.print("Nothing is stale: every night follows from what has landed.")
    elif dry_run:
        console.print(f"habitlake repair would run {interval}")


@app.command()
def retrain(
    end: Annotated[str | None, typer.Option(help="last night known to training; default the last night")] = None,
    nights: Annotated[int, typer.Option(min=15, help="how many nights to look back")] = 90,
) -> None:
    """Run the retrain DAG: train, evaluate, promote or refuse."""
    from datetime import timedelta

    from habitlake.cli import nightly as driver
    from habitlake.nights import ledger
    from habitlake.runtime import stack

    settings = _settings()
    stack.ensure_services(settings)
    last = parse_date(end) if end else ledger.ledger_state(settings).last_night
    if last is None:
        msg = "no night has been processed yet; run `make nightly` first"
        raise PermanentError(msg)
    driver.run_dag("retrain", Interval(last - timedelta(days=nights) + ONE_DAY, last), settings)


@app.command(name="import")
def import_(
    name: Annotated[str, typer.Argument(help="adapter (lifesnaps, heartsteps, fitbit) or a mapping file (.yaml)")],
    path: Annotated[Path, typer.Argument(help="folder or file of the export")],
    json_output: Json = False,
) -> None:
    """Bring an export into landing; say what was mapped, what was skipped, and why."""
    from habitlake.adapters import run

    summary = run(name, path, _settings())
    if json_output:
        print_json(summary.as_dict())
    else:
        console.print(summary.as_text(), markup=False)


@app.command()
def status(json_output: Json = False) -> None:
    """Show the last night, stale nights, gates, row counts, freshness, models and the queue."""
    from habitlake.cli import summary
    from habitlake.runtime import postgres

    settings = _settings()
    postgres.start(settings)
    report = summary.status(settings)
    if json_output:
        print_json(report)
    else:
        summary.print_status(report)


@app.command()
def report(
    night: Annotated[str | None, typer.Option(help="night to report on (YYYY-MM-DD); default the last one")] = None,
    user: Annotated[str | None, typer.Option(help="write the page of this person instead of the night's")] = None,
    out: Annotated[Path | None, typer.Option(help="file or folder to write to; default HABITLAKE_HOME/report")] = None,
    json_output: Json = False,
) -> None:
    """Write the page of a night, or of one person, as one HTML file that needs no network."""
    from habitlake.report.write import write_night, write_person
    from habitlake.runtime import postgres

    settings = _settings()
    postgres.start(settings)
    day = parse_date(night) if night else None
    written = write_person(settings, user, day, out) if user is not None else write_night(settings, day, out)
    if json_output:
        print_json(written.as_dict())
        return
    console.print(f"wrote {written.path}", soft_wrap=True, markup=False)
    for panel, missing in written.panels.items():
        if missing:
            console.print(f"    {panel} is empty: {missing}", soft_wrap=True, markup=False)


@app.command()
def audit(json_output: Json = False) -> None:
    """Show for every batch that raw = accepted + duplicates + rejected; exit 1 where it does not hold."""
    from habitlake.cli.lake import batch_audit

    batches = batch_audit(_settings())
    if json_output:
        print_json(batches)
    else:
        print_table(
            "Batches",
            ("night", "raw", "accepted", "duplicates", "rejected", "adds up", "reasons"),
            [
                [
                    batch["batch_date"],
                    batch["raw"],
                    batch["accepted"],
                    batch["duplicates"],
                    batch["rejected"],
                    "yes" if batch["identity_holds"] else "NO",
                    ", ".join(f"{reason} {count}" for reason, count in sorted(batch["reasons"].items())),
                ]
                for batch in batches
            ],
        )
    if not all(batch["identity_holds"] for batch in batches):
        raise typer.Exit(1)


@app.command()
def tables(
    hashes: Annotated[
        bool, typer.Option("--hash", help="rows and an order-independent content hash per table")
    ] = False,
    json_output: Json = False,
) -> None:
    """List the lake's tables with grain and key, or their content hashes."""
    from habitlake.cli.lake import table_hashes
    from habitlake.tables import TABLES

    settings = _settings()
    if hashes:
        found = table_hashes(settings)
        if json_output:
            print_json(found)
        else:
            print_table(
                "Tables", ("table", "rows", "hash"), [[name, row["rows"], row["hash"]] for name, row in found.items()]
            )
        return
    described = [
        {
            "table": table.name,
            "grain": table.grain,
            "key": list(table.key),
            "owner": table.owner,
            "personal_columns": list(table.pii_columns),
        }
        for table in TABLES.values()
    ]
    if json_output:
        print_json(described)
    else:
        print_table(
            "Tables",
            ("table", "grain", "key"),
            [[row["table"], row["grain"], ", ".join(row["key"])] for row in described],
        )


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help="SQL over the lake's tables, such as 'select * from gold.decisions'")],
    limit: Annotated[int | None, typer.Option(min=1, help="rows at most; 200 for people, all with --json")] = None,
    json_output: Json = False,
) -> None:
    """Query the lake (read-only); with --json one object a row."""
    from habitlake.cli.lake import query as run_query

    columns, rows = run_query(query, _settings(), limit or (None if json_output else 200))
    if json_output:
        for row in rows:
            sys.stdout.write(to_json(dict(zip(columns, row, strict=True))) + "\n")
    else:
        print_table("", columns, rows)


@app.command(context_settings=PASS_THROUGH, add_help_option=False)
def queue(context: typer.Context) -> None:
    """List, claim, ack or fail decisions of the queue: habitlake queue list|claim|ack|fail|depth --help."""
    hand_over("interventions.queue", context.args)


@app.command(context_settings=PASS_THROUGH, add_help_option=False)
def explain(context: typer.Context) -> None:
    """Tell a decision as a story: habitlake explain DECISION_ID."""
    hand_over("interventions.explain", context.args)


@app.command(context_settings=PASS_THROUGH, add_help_option=False)
def replay(context: typer.Context) -> None:
    """Land quarantined lines again that the contract can now read: habitlake replay --help."""
    hand_over("spark_jobs.ingest.replay", context.args)


@app.command(context_settings=PASS_THROUGH, add_help_option=False)
def models(context: typer.Context) -> None:
    """Show registered models, their figures, and why each was promoted or refused."""
    hand_over("models.lifecycle.registry", context.args)


@app.command(context_settings=PASS_THROUGH, add_help_option=False)
def features(context: typer.Context) -> None:
    """Read one person's online features with age and reasons: habitlake features --user ID."""
    hand_over("feature_repo.reader", context.args)


@app.command(context_settings=PASS_THROUGH, add_help_option=False)
def simulate(context: typer.Context) -> None:
    """Let simulated people live through days and write landing files: habitlake simulate --help."""
    hand_over("habitlake.simulator", context.args)


@app.command()
def contracts(
    folder: Annotated[Path, typer.Argument(help="folder to write the JSON Schemas to")] = Path("docs/contracts"),
) -> None:
    """Publish the contracts as JSON Schema, one file per event type and one of forecasts."""
    from habitlake.contracts.schema import write_schemas

    console.print(f"wrote {len(write_schemas(folder))} schemas to {folder}")


@app.command()
def dictionary(
    folder: Annotated[Path, typer.Argument(help="folder to write the pages to")] = Path("docs/data_dictionary"),
) -> None:
    """Write the data dictionary from the table registry, one page per layer."""
    from habitlake.tables.dictionary import write_dictionary

    console.print(f"wrote {len(write_dictionary(folder))} pages to {folder}")


@app.command()
def up() -> None:
    """Start the embedded services, the Airflow UI and the report's pages; print the addresses."""
    from habitlake.runtime import stack

    stack.up(_settings())


@app.command()
def down() -> None:
    """Stop every service of this world."""
    from habitlake.runtime import stack

    stack.down(_settings())


@app.command()
def prepare() -> None:
    """Make databases, roles, Airflow's tables and buckets of services that are not embedded; safe to repeat."""
    from habitlake.runtime import stack

    stack.prepare(_settings())


@app.command(context_settings=PASS_THROUGH)
def serve(
    service: Annotated[Service, typer.Argument(help="which service")],
    context: typer.Context,
) -> None:
    """Run one service of the platform in the foreground, as docker-compose.yml does; more arguments go to it."""
    from habitlake.runtime import serve as services

    services.serve(service, context.args, _settings())


@app.command()
def doctor(json_output: Json = False) -> None:
    """Check the machine and the world; say what is missing and how to mend it."""
    from habitlake.runtime import doctor as checks

    results = checks.run_checks(_settings())
    if json_output:
        print_json([result.as_dict() for result in results])
    else:
        print_table(
            "Doctor", ("check", "state", "found", "mend"), [[r.name, r.state, r.found, r.mend] for r in results]
        )
    if any(result.state == "fail" for result in results):
        raise typer.Exit(1)


def _end_with(error: HabitlakeError) -> NoReturn:
    errors.print(f"error: {error}", style="red", markup=False, soft_wrap=True)
    sys.exit(TRANSIENT_EXIT_CODE if isinstance(error, TransientError) else PERMANENT_EXIT_CODE)


def run_app(commands: typer.Typer) -> None:
    """Run a command line; errors are one clear line and a non-zero exit."""
    try:
        commands()
    except HabitlakeError as error:
        _end_with(error)
    except Exception as error:
        known = environment_error(error)
        if known is None:
            raise
        _end_with(known)
    except KeyboardInterrupt:
        errors.print("stopped; run it again to go on", style="red")
        sys.exit(130)


def main() -> None:
    """Run the ``habitlake`` command."""
    run_app(app)


if __name__ == "__main__":
    main()
