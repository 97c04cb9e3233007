"""The night of the features job over many people: seconds of each table, memory, a peer, and the weight of history.

The lake is generated (``bench.lake``). The job runs for the night before once, which makes the snapshots that the
measured night starts from and loads the classes. Its seconds by table come from its own log.
"""

import resource
import shutil
import statistics
import time
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb

from bench.lake import NIGHT, generate
from bench.processes import run_logged
from habitlake.clock import ONE_DAY, Interval
from habitlake.lake import count_rows, table_files, table_uri
from habitlake.runtime import postgres, spark_server
from habitlake.settings import Settings

LOOK_BACK_DAYS = 90
# More partitions than cores, so that the people of one fit in memory together with their entries.
LARGE_NIGHT = {"spark_driver_memory": "10g", "spark_shuffle_partitions": 16}


@dataclass(frozen=True, slots=True)
class PeopleNight:
    """Seconds of the job and of each of its tables, entries it may look back to, and peak memory in GiB."""

    seconds: float
    tables: dict[str, float]
    entries: int
    server_gib: float
    job_gib: float
    peer_seconds: float


def _features(settings: Settings, night: date) -> tuple[float, dict[str, float]]:
    """Run the features job; return its seconds with the start of its process, and those of each table."""
    started = time.monotonic()
    log = run_logged("spark_jobs.features.run", settings, "--start", str(night))
    seconds = time.monotonic() - started
    return seconds, {line["table"]: line["seconds"] for line in log if line["event"] == "written"}


def _peak_gib(settings: Settings) -> float:
    """Return the largest memory that the Spark server has held."""
    status = Path(f"/proc/{spark_server.server_pid(settings)}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 2**20


def _world(home: Path, name: str, people: int, history: int, **changes: object) -> Settings:
    settings = Settings(home=home / name, _env_file=None, **changes)  # type: ignore[arg-type, call-arg]
    generate(settings, people, history)
    postgres.start(settings)
    _features(settings, NIGHT - ONE_DAY)
    return settings


def _stop(settings: Settings) -> None:
    spark_server.stop(settings)
    postgres.stop(settings)
    shutil.rmtree(settings.home, ignore_errors=True)


PEER_DOES = (
    "sums, means, slopes and weighted loads of gold.user_day in one query to Parquet; no ledgers from events, time "
    "zones, profiles, streaks, circumstances, categories, sequences, Delta"
)
MEANS = {
    "sleep_s": "sleep_count",
    "stress_permille": "stress_count",
    "energy_permille": "energy_count",
    "motivation_permille": "motivation_count",
    "hrv_deci_ms": "hrv_count",
    "resting_heart_rate_deci": "resting_heart_rate_count",
    "steps": "steps_count",
}
SLOPES = ("sleep_s", "stress_permille", "motivation_permille", "hrv_deci_ms", "resting_heart_rate_deci")
SUMS = {"workouts_completed": (7, 28, 30), "workouts_skipped": (30,), "screen_s": (7,), "load_au": (7, 28)}


def _duckdb_features(settings: Settings, out: Path) -> None:
    """Compute the central features of NIGHT from the ledger's files with DuckDB alone."""
    columns = [
        f"sum({name}) FILTER (age < {days}) AS {name}_{days}d" for name, windows in SUMS.items() for days in windows
    ]
    columns += [
        f"round(sum({name}) FILTER (age < 7) / sum({count}) FILTER (age < 7), 6) AS {name}_mean"
        for name, count in MEANS.items()
    ]
    for name in SLOPES:
        n, x, y = MEANS[name], "(30 - age)", name
        sums = {
            key: f"sum({value}) FILTER (age < 30)"
            for key, value in {
                "n": n,
                "sx": f"{x} * {n}",
                "sxx": f"{x} * {x} * {n}",
                "sy": y,
                "sxy": f"{x} * {y}",
            }.items()
        }
        slope = "round(({n} * {sxy} - {sx} * {sy}) / nullif({n} * {sxx} - {sx} * {sx}, 0), 6)".format(**sums)
        columns.append(f"{slope} AS {name}_slope")
    columns += [
        f"round(sum(load_au * round(1e6 * {2 / (span + 1)} * {1 - 2 / (span + 1)} ** age)) / 1e9, 6) AS load_{span}"
        for span in (7, 28)
    ]
    columns += [
        "min(age) FILTER (workouts_completed > 0) AS days_since_last_session",
        "bit_count(bit_or(1::BIGINT << least(age, 28)) FILTER (age < 28 AND workouts_completed > 0)) AS active_days",
        "bit_count(bit_or(1::BIGINT << least(age, 28)) FILTER (age < 28 AND events > 0)) AS observed_days",
    ]
    files = table_files("gold.user_day", settings)
    first = NIGHT - timedelta(days=LOOK_BACK_DAYS)
    recent = files.filter(files["batch_date"] >= first)["path"]
    paths = [f"{table_uri('gold.user_day', settings)}/{path}" for path in recent]
    connection = duckdb.connect()
    connection.execute("SET threads = 2")
    connection.execute(
        f"COPY (SELECT user_id, {', '.join(columns)} FROM (SELECT *, date_diff('day', local_date, DATE '{NIGHT}') AS age"
        f" FROM read_parquet(?)) WHERE age BETWEEN 0 AND {LOOK_BACK_DAYS - 1} GROUP BY user_id) TO '{out}' (FORMAT"
        " parquet)",
        [paths],
    )


def measure(home: Path, people: int, history: int) -> PeopleNight:
    """Run the features job for one night over so many people, 40 % of whom were active that day, and the peer.

    Raises
    ------
    PermanentError
        If the job fails.
    """
    settings = _world(home, "people", people, history, **LARGE_NIGHT)
    try:
        seconds, tables = _features(settings, NIGHT)
        entries = count_rows("gold.user_day", settings, Interval(NIGHT - timedelta(days=history), NIGHT))
        job_gib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
        server_gib = _peak_gib(settings)
        spark_server.stop(settings)
        started = time.monotonic()
        _duckdb_features(settings, home / "peer.parquet")
        return PeopleNight(seconds, tables, entries, server_gib, job_gib, time.monotonic() - started)
    finally:
        _stop(settings)


def measure_history(home: Path, people: int, histories: tuple[int, ...], rounds: int) -> dict[int, dict[str, float]]:
    """Run the same night after each length of history; return the median seconds by table and of the whole job.

    Raises
    ------
    PermanentError
        If the job fails.
    """
    worlds = {history: _world(home, f"people-{history}", people, history) for history in histories}
    found: dict[int, list[dict[str, float]]] = {history: [] for history in histories}
    try:
        # In turns, so that whatever warms up or slows down does so for all.
        for _ in range(rounds):
            for history, settings in worlds.items():
                seconds, tables = _features(settings, NIGHT)
                found[history].append({**tables, "whole job": seconds})
    finally:
        for settings in worlds.values():
            _stop(settings)
    return {
        history: {table: statistics.median(run[table] for run in runs) for table in runs[0]}
        for history, runs in found.items()
    }
