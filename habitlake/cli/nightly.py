"""``habitlake nightly``: the next night of this world through the real DAGs, or one night again."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime

from habitlake.cli.output import console
from habitlake.cli.summary import print_summary
from habitlake.cli.world import World, load_world, plan_run, save_world
from habitlake.clock import Interval
from habitlake.errors import PermanentError
from habitlake.landing import landed_nights
from habitlake.nights import ledger
from habitlake.nights.staleness import repair_interval
from habitlake.runtime import airflow, stack
from habitlake.settings import Settings


@contextmanager
def step(title: str) -> Iterator[None]:
    """Print a step and how long it took."""
    console.print(f"[bold]==>[/bold] {title}")
    started = time.monotonic()
    yield
    console.print(f"    done in {time.monotonic() - started:.1f} s")


def run_dag(dag_id: str, interval: Interval, settings: Settings) -> None:
    """Run a DAG over the interval in Airflow, showing each task as it ends.

    Raises
    ------
    PermanentError
        If a task failed; the message names it and the runbook.
    """
    with step(f"Airflow runs {dag_id} for {interval} ({len(interval)} {'night' if len(interval) == 1 else 'nights'})"):
        airflow.run_dag(
            dag_id,
            {"start": interval.start.isoformat(), "end": interval.end.isoformat()},
            settings,
            on_task=lambda task, state, seconds: console.print(f"    {state:<8} {task:<16} {seconds:6.1f} s"),
        )


def simulate(interval: Interval, settings: Settings) -> None:
    """Let the demo population live through the interval."""
    from habitlake.simulator import simulate_nights

    with step(f"{settings.people:,} simulated people live through {interval}"):
        summary = simulate_nights(settings, interval, people=settings.people, dirt=settings.dirt, seed=settings.seed)
        console.print(f"    {summary}")


def import_world(world: World, settings: Settings) -> World:
    """Bring the world's export into landing, once; an import that was cut off begins again."""
    if world.adapter is None or world.imported:
        return world
    from habitlake.adapters import run

    name, path = world.adapter
    with step(f"import {name} from {path}"):
        console.print(run(name, path, settings).as_text(), markup=False)
    world = replace(world, imported=True)
    save_world(world, settings)
    return world


def next_night(settings: Settings, data: str | None) -> date:
    """Run everything that the next night of this world needs; return that night."""
    world = load_world(settings, data)
    with step("embedded services"):
        stack.ensure_services(settings)
    world = import_world(world, settings)
    state = ledger.ledger_state(settings)
    if state.stale:
        repair(settings)
    plan = plan_run(
        world,
        landed=landed_nights(settings),
        last_night=state.last_night,
        pending=state.pending,
        today=datetime.now(UTC).date(),
        history=settings.history_nights,
    )
    # A first run that is cut off goes on from the same first night, on whatever day it is called again.
    world = replace(world, first=plan.simulate_history.start if plan.simulate_history else world.first)
    save_world(world, settings)
    if plan.simulate_history:
        simulate(plan.simulate_history, settings)
    if plan.history:
        run_dag("nightly", plan.history, settings)
    if plan.train:
        run_dag("retrain", plan.train, settings)
        world = replace(world, trained=True)
        save_world(world, settings)
    if plan.simulate_night:
        simulate(Interval(plan.simulate_night, plan.simulate_night), settings)
    run_dag("nightly", Interval(plan.night, plan.night), settings)
    return plan.night


def one_interval(settings: Settings, interval: Interval) -> date:
    """Run or rerun the nights of the interval on what has landed."""
    stack.ensure_services(settings)
    load_world(settings, None)
    if not landed_nights(settings):
        msg = (
            f"nothing has landed in {settings.landing}; run `habitlake nightly` first, or `habitlake import NAME PATH`"
        )
        raise PermanentError(msg)
    run_dag("nightly", interval, settings)
    return interval.end


def repair(settings: Settings, *, dry_run: bool = False) -> Interval | None:
    """Run again, in order, every night that no longer follows from what has landed; return that range."""
    state = ledger.ledger_state(settings)
    interval = repair_interval(state.stale, state.processed)
    if interval is None:
        return None
    for night in state.stale[:10]:
        console.print(f"    {night.batch_date} is stale: {night.reason}")
    if len(state.stale) > 10:
        console.print(f"    and {len(state.stale) - 10} later nights")
    if not dry_run:
        run_dag("nightly", interval, settings)
    return interval


def nightly(settings: Settings, *, data: str | None, night: date | None, end: date | None) -> None:
    """Run the command and end with what a person wants to see."""
    started = time.monotonic()
    last = one_interval(settings, Interval(night, end or night)) if night else next_night(settings, data)
    print_summary(settings, last)
    console.print(f"\nThe whole run took {time.monotonic() - started:.0f} s.")
