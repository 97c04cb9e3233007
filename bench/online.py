"""Reading one person online, as the app's backend does: one call of the reader for one person, in one process."""

import contextlib
import shutil
import socket
import statistics
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
from pydantic import SecretStr

from bench.processes import run_module
from feature_repo.definitions import SERVED
from feature_repo.reader import read_features
from feature_repo.store import feature_store
from habitlake.clock import Interval, night_end
from habitlake.lake import arrow_schema, replace_nights
from habitlake.runtime import job_server, postgres
from habitlake.settings import Settings
from habitlake.tables import TABLES, Table

NIGHT = date(2026, 3, 31)
SEED = 7
WARM_UP = 100


@dataclass(frozen=True, slots=True)
class Read:
    """Milliseconds to read one person through a service of a store."""

    store: str
    service: str
    fields: int
    p50_ms: float
    p99_ms: float


def _user(number: int) -> str:
    return f"user-{number:08}"


def drawn_night(table: Table, people: int) -> pa.Table:
    """Return a night of the table with drawn numbers: what is read matters here, not what it says."""
    draw = np.random.default_rng(SEED)
    columns = []
    for field in arrow_schema(table):
        if field.name == "batch_date":
            values = pa.array([NIGHT] * people)
        elif field.name == "user_id":
            values = pa.array([_user(number) for number in range(people)])
        elif pa.types.is_timestamp(field.type):
            values = pa.array([night_end(NIGHT)] * people)
        elif pa.types.is_floating(field.type):
            values = pa.array(draw.random(people).round(6))
        elif pa.types.is_integer(field.type):
            values = pa.array(draw.integers(0, 30, people))
        elif pa.types.is_string(field.type):
            values = pa.array(['[{"slot":"morning","completed":22,"attempts":27}]'] * people)
        else:
            values = pa.nulls(people, field.type)
        columns.append(values.cast(field.type))
    return pa.table(columns, schema=arrow_schema(table))


@contextlib.contextmanager
def _redis(folder: Path) -> Iterator[str | None]:
    """Run a Redis of our own; yields its address, None where Redis is not installed."""
    program = shutil.which("redis-server")
    if program is None:
        yield None
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)],
        stdout=subprocess.DEVNULL,
    )
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def _measure_store(settings: Settings, people: int, reads: int) -> list[Read]:
    run_module("feature_repo.materialize", settings, "--start", str(NIGHT))
    store = feature_store(settings)
    as_of, found = night_end(NIGHT), []
    for service in sorted(store.list_feature_services(), key=lambda service: str(service.name)):
        # Everyone in turn, in an order that no cache foresees.
        order = np.random.default_rng(SEED).permutation(np.arange(reads + WARM_UP) % people)
        times, fields = [], 0
        for number in order:
            started = time.perf_counter()
            record = read_features(
                store, [_user(number)], service=service.name, as_of=as_of, max_age=timedelta(days=3)
            )[0]
            times.append((time.perf_counter() - started) * 1000)
            fields = sum(feature.missing is None for feature in record.features)
        percentiles = statistics.quantiles(times[WARM_UP:], n=100)
        found.append(Read(settings.online_store, service.name, fields, percentiles[49], percentiles[98]))
    return found


def measure(home: Path, people: int, reads: int) -> list[Read]:
    """Bring so many people online in SQLite and, where it is installed, in Redis; read one at a time.

    Raises
    ------
    PermanentError
        If materialization fails.
    """
    settings = Settings(home=home / "online", _env_file=None)  # type: ignore[call-arg]
    settings.home.mkdir(parents=True)
    for name in SERVED:
        replace_nights(drawn_night(TABLES[name], people), name, Interval(NIGHT, NIGHT), settings)
    postgres.start(settings)
    try:
        found = _measure_store(settings, people, reads)
        with _redis(settings.home) as address:
            if address is not None:
                redis = settings.model_copy(update={"online_store": "redis", "redis_url": SecretStr(address)})
                found += _measure_store(redis, people, reads)
        return found
    finally:
        job_server.stop(settings)
        postgres.stop(settings)
        shutil.rmtree(settings.home, ignore_errors=True)
