"""``python -m bench``: measure the platform beside its peers and print the tables."""

import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import polars as pl
import typer

from bench import (
    decide,
    drift,
    foreseen,
    goals,
    history,
    ingestion,
    marts,
    night,
    online,
    plans,
    policies,
    queue,
    replay,
    score,
    stages,
    timing,
    windows,
)
from bench import people as many_people
from bench.intervals import mean_with_interval
from habitlake.cli.app import run_app
from habitlake.cli.output import console, print_table
from habitlake.settings import get_settings


class Part(StrEnum):
    """What can be measured alone."""

    INGESTION = "ingestion"
    HISTORY = "history"
    NIGHT = "night"
    PEOPLE = "people"
    MARTS = "marts"
    GOALS = "goals"
    TIMING = "timing"
    PLANS = "plans"
    REPLAY = "replay"
    POLICIES = "policies"
    ONLINE = "online"
    WINDOWS = "windows"
    STAGES = "stages"
    DECIDE = "decide"
    QUEUE = "queue"
    SCORE = "score"
    DRIFT = "drift"


HISTORIES = (30, 365)
SMALL, MIDDLE, LARGE = 2_000, 100_000, 1_000_000
HISTORY_PEOPLE = 20_000
MARTS_NIGHTS = 7
# Batches before these hold no day that is looked back to, and their files are not opened.
LONG_ENOUGH = 100


def print_ingestion(home: Path, lines: int, dirt: float, rounds: int) -> None:
    """Measure ingestion of clean and of dirty lines beside its peers."""
    for share in (0.0, dirt):
        console.print(f"[bold]==>[/bold] ingestion of about {lines:,} lines, {share:.0%} dirt")
        rows = [
            (found.name, f"{found.lines:,}", f"{found.seconds:.1f}", f"{found.lines / found.seconds:,.0f}", found.does)
            for found in ingestion.measure(home, lines, share, rounds)
        ]
        print_table(f"Ingestion, {share:.0%} dirt", ("way", "lines", "seconds", "lines/s", "does"), rows)


def print_history(home: Path, people: int, dirt: float, rounds: int) -> None:
    """Measure one day's ingestion after a short and after a long history."""
    console.print(f"[bold]==>[/bold] one day of {people:,} people after {HISTORIES[0]} and {HISTORIES[-1]} nights")
    days = history.measure(home, people, HISTORIES, dirt, rounds)
    rows = [
        (str(day.nights), f"{day.lines:,}", f"{day.seconds:.2f}", f"{day.seconds / days[0].seconds:.2f}")
        for day in days
    ]
    print_table("One day after a history", ("nights of history", "lines", "seconds", "ratio"), rows)


def print_night(home: Path, people: int, nights: int) -> None:
    """Measure an empty night through the real DAG."""
    console.print(f"[bold]==>[/bold] an empty night over {people:,} people and {nights} nights of history")
    found = night.measure(home, people, nights)
    rows = [(task, f"{seconds:.1f}", f"{seconds / found.seconds:.0%}") for task, seconds in found.tasks.items()]
    print_table("An empty night", ("task", "seconds", "share"), [*rows, ("whole run", f"{found.seconds:.1f}", "100%")])


def print_marts(home: Path, people: int) -> None:
    """Measure the export and the marts after a normal night."""
    console.print(f"[bold]==>[/bold] marts after a night of {people:,} people and {MARTS_NIGHTS} nights of history")
    rows = [
        (
            found.name,
            f"{found.partitions}",
            f"{found.rows:,}",
            f"{found.copy_seconds:.1f}",
            f"{found.rows / found.copy_seconds:,.0f}",
            f"{found.dbt_seconds:.1f}",
        )
        for found in marts.measure(home, people, MARTS_NIGHTS)
    ]
    print_table("Export and marts", ("export", "partitions", "rows", "copy s", "rows/s", "dbt s"), rows)


def print_goals() -> None:
    """Compare the goals' estimate with a solver, and the goals with other rules in the user model."""
    console.print("[bold]==>[/bold] goals: 300 people beside HiGHS, then twelve weeks of four rules")
    found = goals.compare(people=300, crowd=20_000)
    rows = [
        ("objective, worst of ours minus the solver's", f"{found.worst_objective:.1e}"),
        ("plan, worst difference", f"{found.worst_plan:.1e}"),
        ("solver, people/s", f"{found.solver_per_second:.1f} ({found.proved} of {found.people} proved optimal)"),
        ("estimate and plan, 8 weeks, people/s", f"{found.per_second:,.0f}"),
        ("estimate and plan, 56 days, people/s", f"{found.per_second_of_days:,.0f}"),
    ]
    print_table("Goals beside HiGHS", ("what", "found"), rows)
    gains = [
        (one.rule, f"{one.sessions:.2f}", f"{one.met:.0%}", f"{one.more:+.2f} [{one.low:+.2f}, {one.high:+.2f}]")
        for one in goals.closed_loop(people=1_000, seeds=20)
    ]
    print_table("Twelve weeks", ("rule", "sessions", "goals met", "the platform's more"), gains)


def print_timing() -> None:
    """Show what each rule of sending earns in the StepCountJITAI testbed."""
    console.print("[bold]==>[/bold] timing: 500 runs of the StepCountJITAI testbed per rule and uncertainty")
    table = timing.returns(runs=500)
    sigmas = [f"sigma {sigma:g}" for sigma in timing.SIGMAS]
    rows = [(rule, *(f"{value:,.0f}" for value in values)) for rule, values in table.items()]
    print_table("Mean return", ("rule", *sigmas), rows)


def print_plans(people: int) -> None:
    """Measure making the workout plans of people whose week is over."""
    console.print(f"[bold]==>[/bold] workout plans of {people:,} made people")
    found = plans.measure(people)
    rows = [
        ("seconds", f"{found.seconds:.1f}"),
        ("plans/s", f"{found.people / found.seconds:,.0f}"),
        ("processor seconds", f"{found.processor_seconds:.1f}"),
        ("plans per processor second", f"{found.people / found.processor_seconds:,.0f}"),
        ("bytes of JSON a plan", f"{found.plan_bytes / found.people:,.0f}"),
    ]
    print_table("Workout plans", ("what", "found"), rows)


def print_replay(data: Path) -> None:
    """Show what the rule of sending would have earned in HeartSteps V1."""
    if not (data / replay.FILE).exists():
        console.print(f"replay: no {data / replay.FILE}; set HABITLAKE_REAL_DATA to the folder of the real data")
        return
    found = replay.compare(data)
    names = [value.estimator for value in found["logged"].values]
    rows = [
        (
            rule,
            f"{one.sends:.2f}",
            *(f"{value.value:.3f} [{value.low:.3f}, {value.high:.3f}]" for value in one.values),
            f"{one.effective_size:,.0f}",
            f"{one.largest_weight:.2f}",
        )
        for rule, one in found.items()
    ]
    columns = ("rule", "sends", *names, "effective size", "largest weight")
    print_table("HeartSteps V1, mean of log(0.5 + steps)", columns, rows)


def print_policies(people: int, nights: int, seeds: int) -> None:
    """Compare policies of sending in the simulated world, paired over seeds."""
    console.print(f"[bold]==>[/bold] policies: {people:,} people, {nights} nights, {seeds} worlds each")
    found, effects = policies.compare(people, nights, seeds)
    rows = [
        (
            one.policy,
            f"{one.sessions:.3f}",
            f"{one.messages:.2f}",
            str(one.above_cap),
            f"{one.more:+.4f} [{one.low:+.4f}, {one.high:+.4f}]",
        )
        for one in found
    ]
    columns = ("policy", "sessions a week", "messages a week", "above a cap", "sessions the platform's brings more")
    print_table("Policies of sending, per person", columns, rows)
    by_action = effects.group_by("action").agg(
        pl.col("decisions", "effect", "true").mean(), pl.col("inside").sum(), worlds=pl.len()
    )
    shown = [
        (action, f"{count:,.0f}", f"{effect:+.4f}", f"{true:+.4f}", f"{inside} of {worlds}")
        for action, count, effect, true, inside, worlds in by_action.sort("action").iter_rows()
    ]
    share = effects["inside"].mean() if effects.height else None
    print_table(
        "Effects of sending, as learned and as they are" + ("" if share is None else f": {share:.0%} inside"),
        ("type", "decisions", "learned", "true", "true inside the 95 % interval"),
        shown,
    )


def print_people(home: Path, count: int, nights: int, rounds: int) -> None:
    """Measure the features job for one night over many people, then what history adds to it."""
    console.print(f"[bold]==>[/bold] features of {count:,} people, {nights} nights of history")
    found = many_people.measure(home, count, nights)
    rows = [(table, f"{seconds:.1f}") for table, seconds in found.tables.items()]
    print_table(
        f"A night of {count:,} people, {found.entries:,} entries of gold.user_day",
        ("what", "seconds"),
        [
            *rows,
            ("whole job", f"{found.seconds:.1f}"),
            (f"DuckDB: {many_people.PEER_DOES}", f"{found.peer_seconds:.1f}"),
            ("peak memory of the Spark server, GiB", f"{found.server_gib:.1f}"),
            ("peak memory of the job's process, GiB", f"{found.job_gib:.1f}"),
        ],
    )
    fewer = min(count, HISTORY_PEOPLE)
    histories = many_people.measure_history(home, fewer, HISTORIES, rounds)
    short, long = (histories[nights] for nights in HISTORIES)
    ratios = [
        (table, f"{short[table]:.2f}", f"{long[table]:.2f}", f"{long[table] / short[table]:.2f}") for table in short
    ]
    print_table(
        f"A night of {fewer:,} people after a history",
        ("what", *(f"{nights} nights" for nights in HISTORIES), "ratio"),
        ratios,
    )


def print_decide(home: Path, count: int) -> None:
    """Measure the decide job for one night over many people."""
    console.print(f"[bold]==>[/bold] decisions about {count:,} people")
    found = decide.measure(home, count)
    rows = [(table, f"{seconds:.1f}") for table, seconds in found.tables.items()]
    print_table(
        f"Deciding on {count:,} people: {found.goals:,} goals, {found.plans:,} plans due, {found.decisions:,} decisions",
        ("what", "seconds"),
        [
            *rows,
            ("whole job", f"{found.seconds:.1f}"),
            ("decisions/s of the whole job", f"{found.decisions / found.seconds:,.0f}"),
            ("people/s of the whole job", f"{count / found.seconds:,.0f}"),
            ("peak memory of the job's process, GiB", f"{found.gib:.1f}"),
        ],
    )


def print_queue(home: Path, count: int) -> None:
    """Measure eight clients at one queue."""
    console.print(f"[bold]==>[/bold] {queue.CLIENTS} clients at a queue of {count:,} decisions")
    rows = [
        (str(one.batch), f"{one.decisions:,}", f"{one.seconds:.1f}", f"{one.decisions / one.seconds:,.0f}")
        for one in queue.measure(home, count)
    ]
    print_table(
        "Claimed and acknowledged, none twice", ("claimed at once", "decisions", "seconds", "decisions/s"), rows
    )


def print_online(home: Path, count: int, reads: int) -> None:
    """Measure reading one person online."""
    rows = [
        (found.store, found.service, str(found.fields), f"{found.p50_ms:.2f}", f"{found.p99_ms:.2f}")
        for found in online.measure(home, count, reads)
    ]
    print_table("Reading one person online", ("store", "service", "fields", "p50 ms", "p99 ms"), rows)


def print_windows(people: int, nights: int, seeds: int) -> None:
    """Compare the best windows with the simulated world's own probabilities."""
    console.print(f"[bold]==>[/bold] windows: {people:,} people, {nights} nights, {seeds} worlds")
    seeing, blind, changed = zip(*(windows.compare(seed, people, nights) for seed in range(1, seeds + 1)), strict=True)

    def told(found: Iterable[float]) -> str:
        return "{:.3f} [{:.3f}, {:.3f}]".format(*mean_with_interval(list(found)))

    def of_gap(worlds: Sequence[windows.Found], name: str) -> str:
        return told(world.gaps[name] for world in worlds)

    rows = [
        (what, *(told(getattr(world, name) for world in worlds) for worlds in (seeing, blind)))
        for name, what in windows.SHOWN.items()
    ]
    rows += [(f"predicted above true, {name}", of_gap(seeing, name), of_gap(blind, name)) for name in seeing[0].gaps]
    title = "Windows beside the truth, means over worlds with 95 % intervals"
    print_table(title, ("what", "with the forecast", "without"), rows)
    rows = [(what, told(getattr(world, name) for world in changed)) for name, what in foreseen.SHOWN.items()]
    print_table("What the forecast changes", ("what", "found"), rows)


def print_score(home: Path, people: int) -> None:
    """Measure the score job over many people with every model in force."""
    console.print(f"[bold]==>[/bold] scores of {people:,} people")
    found = score.measure(home, people)
    rows = [
        ("models in force", f"{found.models}, of which trees {found.trees}"),
        ("training, judging and promoting them, seconds", f"{found.training_seconds:.1f}"),
        ("score job, seconds", f"{found.seconds:.1f}"),
        ("predictions", f"{found.predictions:,}"),
        ("predictions/s", f"{found.predictions / found.seconds:,.0f}"),
        ("peak memory of the job's process, GiB", f"{found.gib:.1f}"),
    ]
    print_table(f"A night's scores of {people:,} people", ("what", "found"), rows)


def print_drift(seeds: int) -> None:
    """Measure how often drift is found within a week, and how often a quiet week raises an alarm."""
    console.print(f"[bold]==>[/bold] drift: {seeds} worlds, each a quiet week and one with each kind of drift")
    shown = (
        ("quiet weeks with an alarm", "quiet"),
        ("... of drift", "quiet_drift"),
        ("... of accuracy, eight models", "quiet_accuracy"),
        ("covariate found within 7 nights", "covariate"),
        ("concept found by the first Sunday that can know", "concept"),
    )
    found = [drift.measure(people, seeds) for people in drift.PEOPLE]
    rows = [(what, *("{:.3f} [{:.3f}, {:.3f}]".format(*getattr(one, name)) for one in found)) for what, name in shown]
    rows.append(("nights until the covariate is found, median", *(f"{one.nights:.0f}" for one in found)))
    print_table(
        "Drift, shares of worlds with 95 % intervals", ("what", *(f"{one.people:,} people" for one in found)), rows
    )


def print_stages() -> None:
    """Compare habit and features of this world's people with the stage of change that they gave themselves."""
    settings = get_settings()
    if not (settings.real_data / stages.FILE).exists():
        console.print(
            f"stages: no {settings.real_data / stages.FILE}; set HABITLAKE_REAL_DATA to the folder of the real data"
        )
        return
    if not (found := stages.measure(settings)):
        console.print(f"stages: nobody of {settings.home} answered; make a world of them with DATA=lifesnaps:PATH")
        return
    rows = [
        (
            one.measure,
            *(str(one.groups[group] or "too few") for group in stages.GROUPS),
            str(one.correlation or "too few"),
        )
        for one in found
    ]
    print_table("LifeSnaps by stage of change, mean of people", ("measure", *stages.GROUPS, "rank correlation"), rows)


def main(
    part: Annotated[list[Part] | None, typer.Argument(help="what to measure; default: all")] = None,
    lines: Annotated[int, typer.Option(min=1_000, help="landing lines to ingest, about")] = 1_000_000,
    dirt: Annotated[float, typer.Option(min=0.0, max=0.5, help="share of damaged lines in the dirty run")] = 0.05,
    people: Annotated[
        int | None,
        typer.Option(
            min=10,
            help="people: 1,000,000 of `people`, `score` and `decide`, 100,000 of `marts`, `plans`, `queue`, else 2,000",
        ),
    ] = None,
    nights: Annotated[
        int | None,
        typer.Option(
            min=20, help="nights: 100 of history of `people`, 60 lived of `policies`, 90 of history elsewhere"
        ),
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(
            min=2,
            help="worlds: 300 of `drift`, else 10: of `policies`, each lived under every policy, and of `windows`",
        ),
    ] = None,
    reads: Annotated[int, typer.Option(min=100, help="reads of one person online, each of another person")] = 2_000,
    rounds: Annotated[int, typer.Option(min=1, help="rounds of each measurement; their median is shown")] = 3,
) -> None:
    """Measure the platform beside its peers and print the tables; without parts, all of them."""
    home = Path(tempfile.mkdtemp(prefix="habitlake-bench-"))
    try:
        measured: dict[Part, Callable[[], None]] = {
            Part.INGESTION: lambda: print_ingestion(home, lines, dirt, rounds),
            Part.HISTORY: lambda: print_history(home, people or SMALL, dirt, rounds),
            Part.NIGHT: lambda: print_night(home, people or SMALL, nights or 90),
            Part.PEOPLE: lambda: print_people(home, people or LARGE, nights or LONG_ENOUGH, rounds),
            Part.MARTS: lambda: print_marts(home, people or MIDDLE),
            Part.GOALS: print_goals,
            Part.TIMING: print_timing,
            Part.PLANS: lambda: print_plans(people or MIDDLE),
            Part.REPLAY: lambda: print_replay(get_settings().real_data),
            Part.POLICIES: lambda: print_policies(people or SMALL, nights or 60, seeds or 10),
            Part.ONLINE: lambda: print_online(home, people or SMALL, reads),
            Part.WINDOWS: lambda: print_windows(people or SMALL, nights or 90, seeds or 10),
            Part.STAGES: print_stages,
            Part.DECIDE: lambda: print_decide(home, people or LARGE),
            Part.QUEUE: lambda: print_queue(home, people or MIDDLE),
            Part.SCORE: lambda: print_score(home, people or LARGE),
            Part.DRIFT: lambda: print_drift(seeds or 300),
        }
        for wanted in part or list(Part):
            measured[wanted]()
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    run_app(app)
