"""What the export and the marts cost after a normal night, beside copying and building everything."""

import shutil
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from bench.ingestion import SEED
from bench.processes import run_command, run_module, run_summary
from habitlake.clock import Interval
from habitlake.runtime import stack
from habitlake.settings import Settings
from habitlake.simulator import simulate_nights

NIGHT = date(2026, 3, 1)


@dataclass(frozen=True, slots=True)
class Export:
    """One run of the export: partitions and rows copied, seconds of the copy and of dbt."""

    name: str
    partitions: int
    rows: int
    copy_seconds: float
    dbt_seconds: float


def _export(name: str, settings: Settings, interval: Interval, *options: str) -> Export:
    found = run_summary(
        "spark_jobs.export.run", settings, "--start", str(interval.start), "--end", str(interval.end), *options
    )
    return Export(name, found["partitions"], found["rows"], found["copy_seconds"], found["dbt_seconds"])


def _reach(settings: Settings, interval: Interval, people: int) -> None:
    """Bring the nights as far as decisions; no model scores them, so there are no predictions."""
    simulate_nights(settings, interval, people=people, dirt=0.0, seed=SEED)
    for module in ("spark_jobs.ingest.run", "spark_jobs.features.run", "interventions.decide"):
        run_module(module, settings, "--start", str(interval.start), "--end", str(interval.end))


def measure(home: Path, people: int, nights: int) -> list[Export]:
    """Export a history of nights, then one night more, then build the marts anew from all of it.

    Raises
    ------
    PermanentError
        If a job fails.
    """
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o755)
    settings = Settings(home=home / "marts", _env_file=None)  # type: ignore[call-arg]
    history, night = Interval(NIGHT - timedelta(days=nights), NIGHT - timedelta(days=1)), Interval(NIGHT, NIGHT)
    try:
        stack.ensure_services(settings)
        _reach(settings, history, people)
        first = _export(f"everything, {nights} nights", settings, history)
        _reach(settings, night, people)
        return [
            first,
            _export("a normal night", settings, night),
            _export("no change", settings, night),
            _export(f"marts anew, {nights + 1} nights", settings, night, "--full-refresh"),
        ]
    finally:
        run_command(settings, "down")
        shutil.rmtree(home / "marts", ignore_errors=True)
