"""Eight clients at one queue: how many decisions a second they claim and acknowledge, and that none is handed out twice."""

import multiprocessing
import shutil
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from multiprocessing.synchronize import Barrier
from pathlib import Path

import polars as pl

from habitlake.runtime import postgres
from habitlake.settings import Settings
from interventions.queue.client import ack, claim
from interventions.queue.publish_rows import SENT_COLUMNS, publish_rows
from interventions.queue.store import connect
from interventions.schedule import send_window

NIGHT = date(2026, 3, 1)
CLIENTS = 8
BATCHES = (1, 10, 100)
# Of each client and batch size.
CLAIMS = 2_000
PATIENCE_S = 60

# What the clients start together by; each process is given it once.
_READY: list[Barrier] = []


@dataclass(frozen=True, slots=True)
class Served:
    """What all clients did with one batch size: decisions claimed and acknowledged, and the seconds it took."""

    batch: int
    decisions: int
    seconds: float


def made_decisions(people: int) -> pl.DataFrame:
    """Return one decision to send per person, as ``publish_rows`` takes them, due at nine on the next day."""
    send_at, expires_at = send_window(NIGHT + timedelta(days=1), 9.0, UTC)
    given = {
        "local_date": NIGHT + timedelta(days=1), "channel": "push", "action": "encouragement", "intervention": "small_start",
        "message": "Plan your next session today.", "payload": '{"do":"show_message"}', "send_at": send_at,
        "expires_at": expires_at, "probability": 0.5, "policy_version": "bench", "batch_date": NIGHT, "horizon": 0, "send": True,
    }  # fmt: skip
    named = pl.format("u{}", pl.int_range(people))
    decisions = pl.select(decision_id=pl.concat_str(pl.lit(f"{NIGHT}-"), named), user_id=named)
    decisions = decisions.with_columns(pl.lit(value).alias(name) for name, value in given.items())
    return decisions.with_columns(model=pl.lit(None, pl.String), model_version=pl.lit(None, pl.String)).select(
        *SENT_COLUMNS, "send"
    )


def _begin(ready: Barrier) -> None:
    _READY.append(ready)


def serve(settings: Settings, worker: str, batch: int) -> tuple[float, float, list[str]]:
    """Claim and acknowledge ``CLAIMS`` decisions together with the other clients; return begin, end and their ids."""
    taken: list[str] = []
    noon = datetime.combine(NIGHT + timedelta(days=1), datetime.min.time(), tzinfo=UTC) + timedelta(hours=12)
    with connect(settings) as connection:
        connection.autocommit = True
        _READY[0].wait(PATIENCE_S)
        started = time.monotonic()
        while len(taken) < CLAIMS and (items := claim(connection, batch, worker=worker, as_of=noon)):
            for item in items:
                ack(connection, item.decision_id, worker)
            taken += [item.decision_id for item in items]
        return started, time.monotonic(), taken


def measure(home: Path, people: int) -> list[Served]:
    """Let the clients work through a queue of so many people's decisions with each batch size.

    Raises
    ------
    RuntimeError
        If a decision was handed out twice.
    """
    settings = Settings(home=home / "queue", _env_file=None)  # type: ignore[call-arg]
    spawned = multiprocessing.get_context("spawn")
    postgres.start(settings)
    try:
        with connect(settings) as connection:
            publish_rows(connection, NIGHT, made_decisions(people))
        found, everything = [], []
        with spawned.Pool(CLIENTS, _begin, (spawned.Barrier(CLIENTS),)) as clients:
            for batch in BATCHES:
                work = [(settings, f"client-{number}", batch) for number in range(CLIENTS)]
                results = clients.starmap(serve, work, chunksize=1)
                ids = [name for _, _, taken in results for name in taken]
                seconds = max(end for _, end, _ in results) - min(start for start, _, _ in results)
                found.append(Served(batch, len(ids), seconds))
                everything += ids
        if len(set(everything)) < len(everything):
            msg = "a decision was handed out to two clients"
            raise RuntimeError(msg)
        return found
    finally:
        postgres.stop(settings)
        shutil.rmtree(settings.home, ignore_errors=True)
